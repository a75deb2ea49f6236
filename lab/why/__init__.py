"""`lab why`: why nothing runs, as containers, exit codes, logs and Prefect's API tell it."""
