"""Where exercises are run: under a fast clock with real cron, or beside a real Prefect server."""

LABEL = "beyond-cron.check"  # of every container of a check; its value is the process id of `lab`
