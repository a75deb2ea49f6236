"""What four libraries say to a vector, each asked as its documentation asks it; all of them are in one image.

`python -m bench.inside.vectors.libraries VECTORS` prints the scores as JSON.
"""

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from croniter import CroniterBadDateError, croniter
from cronsim import CronSim
from prefect.server.schemas.schedules import CronSchedule

from bench.inside.vectors.score import score

SECOND = timedelta(seconds=1)  # `start` itself counts, and the libraries give what is after a moment


def with_cronsim(expression: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """The moments by cronsim."""
    yield from CronSim(expression, (start - SECOND).astimezone(ZoneInfo(zone)))


def with_croniter(expression: str, zone: str, start: datetime, end: datetime, **how: bool) -> Iterator[datetime]:
    """The moments by croniter; it raises an error when there is no next one."""
    found = croniter(expression, (start - SECOND).astimezone(ZoneInfo(zone)), **how)
    try:
        while True:
            yield found.get_next(datetime)
    except CroniterBadDateError:
        return


def as_cron_does(expression: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """The moments by croniter, with its setting for the two day fields."""
    return with_croniter(expression, zone, start, end, implement_cron_bug=True)


def with_apscheduler(expression: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """The moments by APScheduler, as its scheduler asks for them."""
    trigger = CronTrigger.from_crontab(expression, timezone=zone)
    at = trigger.get_next_fire_time(None, start)
    while at:
        yield at
        at = trigger.get_next_fire_time(at, at)


def with_prefect(expression: str, zone: str, start: datetime, end: datetime) -> Iterable[datetime]:
    """The moments by the class that Prefect's server plans runs with."""
    schedule = CronSchedule(cron=expression, timezone=zone)
    found: list[datetime] = asyncio.run(schedule.get_dates(n=1000, start=start, end=end))
    return found


LIBRARIES = {
    "cronsim": (with_cronsim, "cronsim"),
    "croniter": (with_croniter, "croniter"),
    "croniter, cron bug": (as_cron_does, "croniter"),
    "APScheduler": (with_apscheduler, "apscheduler"),
    "Prefect": (with_prefect, "prefect"),
}


def main(file: str) -> dict[str, Any]:
    """Library → its version, its score, and what differs."""
    vectors = json.loads(Path(file).read_text())["vectors"]
    return {name: {"version": version(of), **score(vectors, runs)} for name, (runs, of) in LIBRARIES.items()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
