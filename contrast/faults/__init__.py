"""The faults of the board, one module each: its claim, what is done, what is counted, and what is expected."""
