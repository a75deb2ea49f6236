"""`lab migrate`: from a crontab to Prefect, and the proof that nothing is lost on the way."""
