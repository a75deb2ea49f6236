"""`lab list`, `lab next` and `lab watch`: which exercises are done, which comes next, and a check on each save."""
