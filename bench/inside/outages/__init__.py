"""The parts of `make outages` that run in containers: real cron and real Prefect, through outages."""
