"""`lab audit`: what would hurt the jobs of a machine or a file, and when they all start at once; it reads only."""
