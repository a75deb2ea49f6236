"""`lab cron`: crontabs explained and linted, without Docker."""
