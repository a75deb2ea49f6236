"""`lab check` and `lab reset`: exercises are run, and judged by what they do."""
