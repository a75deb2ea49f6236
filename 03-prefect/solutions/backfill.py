"""Ask for the report of each day again, FIRST and LAST included. Usage: backfill.py 2026-02-27 2026-03-02"""

import sys
from datetime import date, timedelta

from prefect.deployments import run_deployment

first, last = (date.fromisoformat(word) for word in sys.argv[1:])

day = first
while day <= last:
    key = f"backfill-{day}"  # the server has one run for a key, and answers with that one
    run_deployment("daily-report/at-three", parameters={"day": day.isoformat()}, timeout=0, idempotency_key=key)
    day += timedelta(days=1)
