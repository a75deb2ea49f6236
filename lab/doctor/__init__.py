"""`lab doctor`: what this machine and its engine have for the course, and the repair of what they lack."""
