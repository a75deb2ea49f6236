"""Ask for the report of each day again, FIRST and LAST included. Usage: backfill.py 2026-02-27 2026-03-02"""

import sys
from datetime import date, timedelta

from prefect.deployments import run_deployment

first, last = (date.fromisoformat(word) for word in sys.argv[1:])

day = first
# TODO: LAST is missing. And whoever starts this twice gets every report twice: let there be one run for each day,
# however often it is asked for.
while day < last:
    run_deployment("daily-report/at-three", parameters={"day": day.isoformat()}, timeout=0)
    day += timedelta(days=1)
