"""The moments at which Debian's cron starts a job, changes of the clock included.

cronsim finds the local times that the fields match. What cron does where the clock changes depends on how far it
changes (the main loop of cron.c); the tests compare it with a matcher that follows that loop minute by minute. Its rule
for changes of less than five minutes is left out: since 1970 no zone has had one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim

from lab.cron.crontab import Schedule

MINUTE = timedelta(minutes=1)
JUMP = timedelta(hours=3)  # a shift of this or more is to cron a new clock: it makes up nothing


def runs(schedule: Schedule, start: datetime) -> Iterator[datetime]:
    """The moments after `start` (which has a ZoneInfo) at which cron starts the job, in order, up to the year 9999.

    Two runs that a skipped hour moves are the same moment, twice.
    """
    zone = start.tzinfo
    assert isinstance(zone, ZoneInfo)
    for moment in moments(schedule, zone, start):
        if moment > start.astimezone(UTC):
            yield moment.astimezone(zone)


def moments(schedule: Schedule, zone: ZoneInfo, start: datetime) -> Iterator[datetime]:
    """The runs in UTC from `start` on, and maybe some before it."""
    first = start.replace(tzinfo=None)
    first -= abs(shift(first, zone))  # the first pass of an hour whose second pass `start` may be in
    second_pass: list[datetime] = []
    try:
        for naive in local_times(schedule, first):
            due = due_at(schedule, naive, zone)
            while due and second_pass and second_pass[0] < due[0]:
                yield second_pass.pop(0)
            yield from due[:1]
            second_pass += due[1:]
    except OverflowError:  # the last year that Python knows
        return
    yield from second_pass


def due_at(schedule: Schedule, naive: datetime, zone: ZoneInfo) -> list[datetime]:
    """When (in UTC) cron starts a job that its fields ask for at a local time: never, once, or in both passes."""
    jump = shift(naive, zone)
    once = naive.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if jump > timedelta(0):
        return [first_minute_after(once, zone)] if made_up(schedule, jump) else []
    if jump < timedelta(0) and runs_twice(schedule, -jump):
        return [once, once - jump]
    return [once]


def made_up(schedule: Schedule, skipped: timedelta) -> bool:
    """Whether cron runs at once what the clock has skipped."""
    return skipped < JUMP and not schedule.wildcard


def runs_twice(schedule: Schedule, repeated: timedelta) -> bool:
    """Whether cron runs the job in both passes of a time that comes twice."""
    return schedule.wildcard or repeated > JUMP


def shift(naive: datetime, zone: ZoneInfo) -> timedelta:
    """How far the clock jumps over a local time (positive), or back over it (negative); zero at most times."""
    before, after = (naive.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    assert before is not None and after is not None
    return after - before


def first_minute_after(moment: datetime, zone: ZoneInfo) -> datetime:
    """The first minute of the clock that `moment` (UTC, soon after a change) is shown by."""
    offset = moment.astimezone(zone).utcoffset()
    while (earlier := moment - MINUTE).astimezone(zone).utcoffset() == offset:
        moment = earlier
    return moment


def local_times(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """The local times (without zone) after `after` that the fields match."""
    return iter(CronSim(schedule.expression, after)) if schedule.expression else iter(())


def matches(schedule: Schedule, first: datetime, end: datetime) -> list[datetime]:
    """The local times (without zone) from `first` up to, not including, `end` that the fields match."""
    return list(takewhile(lambda naive: naive < end, local_times(schedule, first - MINUTE)))


@dataclass(frozen=True)
class ClockChange:
    """One change of a zone's clock: it shows `before`, and shows `after` instead (local times without zone)."""

    before: datetime
    after: datetime


def clock_changes(zone: ZoneInfo, start: datetime, days: int = 365) -> list[ClockChange]:
    """The changes of the zone's clock within so many days after `start`, to the minute; one a day at most."""

    def offset(moment: datetime) -> timedelta:
        return moment.astimezone(zone).utcoffset() or timedelta(0)

    changes = []
    low = start.astimezone(UTC).replace(second=0, microsecond=0)
    for _ in range(days):
        high = end = low + timedelta(days=1)
        before, after = offset(low), offset(high)
        if before != after:
            while high - low > MINUTE:
                middle = low + (high - low) // MINUTE // 2 * MINUTE
                low, high = (middle, high) if offset(middle) == before else (low, middle)
            naive = high.replace(tzinfo=None)
            changes.append(ClockChange(naive + before, naive + after))
        low = end
    return changes
