"""What a scheduler is asked by bench.inside.vectors.score: here cronsim; put your own in its place."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim


def runs(expression: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """The moments from `start` on at which a job is due, in order; what is not before `end` is not read."""
    before = start.astimezone(ZoneInfo(zone)) - timedelta(minutes=1)
    return CronSim(expression, before)
