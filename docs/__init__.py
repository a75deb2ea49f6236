"""What the pages need beside their text: pictures, and figures."""
