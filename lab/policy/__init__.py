"""`lab policy`: what becomes of runs that were missed, as a model that real cron and real Prefect are held against."""
