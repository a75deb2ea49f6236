"""Print the next runs that Prefect plans for a cron line, by each of the two rules for a line with two day fields.

Usage: next_runs.py "0 0 */2 * 1" [time zone [moment in UTC, as 2026-03-07T12:00]]
"""

import asyncio
import sys
from datetime import UTC, datetime

from prefect.server.schemas.schedules import CronSchedule


def main(cron: str, zone: str = "UTC", start: str = "") -> None:
    moment = datetime.fromisoformat(start).replace(tzinfo=UTC) if start else datetime.now(UTC)
    for day_or in (True, False):
        schedule = CronSchedule(cron=cron, timezone=zone, day_or=day_or)
        print(f"day_or: {str(day_or).lower()}")
        for at in asyncio.run(schedule.get_dates(4, moment)):
            print(f"  {at:%a %F %R %Z}")


if __name__ == "__main__":
    main(*sys.argv[1:])
