"""Print how many seconds there are to the next 3 a.m. Usage: three_am.py 2026-03-07T22:00 America/New_York"""

import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

now = datetime.fromisoformat(sys.argv[1]).replace(tzinfo=ZoneInfo(sys.argv[2]))

three = now.replace(hour=3, minute=0, second=0)
if three <= now:
    three += timedelta(days=1)

# UTC has no clock changes: between two moments in UTC lie the seconds that really pass.
print((three.astimezone(UTC) - now.astimezone(UTC)).total_seconds())
