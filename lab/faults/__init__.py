"""`lab break` and `lab fix`: the faults of the course on the learner's own stacks."""
