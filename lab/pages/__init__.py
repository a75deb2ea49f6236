"""The exercises of the pages, as a Markdown extension: imports nothing that the site's image lacks."""
