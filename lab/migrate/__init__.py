"""`lab migrate`: a crontab moved to Prefect, line by line."""
