"""What several test modules need: waits with a deadline, docker commands that may fail, the course in a copy."""
