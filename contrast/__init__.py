"""The fault board: plain cron, hardened cron and Prefect under the same fault."""
