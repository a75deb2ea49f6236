"""Plan the run of 3 a.m. in New York, on the night when the clocks go forward, and see when the sleep would end."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
last_run = datetime(2026, 3, 7, 3, tzinfo=NEW_YORK)
restart = datetime(2026, 3, 7, 12, tzinfo=NEW_YORK)
three = datetime(2026, 3, 8, 3, tzinfo=NEW_YORK)


def show(plan: str, start: datetime, sleep: timedelta) -> None:
    """Add the sleep in UTC, where every hour has 60 minutes, and read a clock on the wall in New York."""
    end = (start.astimezone(UTC) + sleep).astimezone(NEW_YORK)
    print(f"{plan:<28} sleeps {sleep / timedelta(hours=1):.0f} h and wakes on {end:%d %B at %H:%M}")


show("24 hours", last_run, timedelta(hours=24))
show("three - last_run", last_run, three - last_run)  # one zone on both sides: Python subtracts what the clocks show
show("the same in UTC", last_run, three.astimezone(UTC) - last_run.astimezone(UTC))
show("24 hours, restarted at noon", restart, timedelta(hours=24))
