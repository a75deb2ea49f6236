"""Print how many seconds there are to the next 3 a.m. Usage: three_am.py 2026-03-07T22:00 America/New_York"""

import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

now = datetime.fromisoformat(sys.argv[1]).replace(tzinfo=ZoneInfo(sys.argv[2]))

three = now.replace(hour=3, minute=0, second=0)
if three <= now:
    three += timedelta(days=1)

# TODO: on two nights of the year this is an hour off. Count the time that passes, not what a clock on the wall shows.
print((three - now).total_seconds())
