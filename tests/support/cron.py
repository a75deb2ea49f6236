"""What Debian's cron does, minute by minute: a model of its daemon and of its fields, to hold `lab cron` against.

It follows the rules of cron.c and entry.c of Debian's cron 3.0pl1 and uses nothing of lab or cronsim. The daemon counts
minutes of the local clock. It compares the minute it wakes up in with the minute up to which it has run all jobs, and
the distance decides what runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
EPOCH = datetime(1970, 1, 1)
BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NAMES: tuple[tuple[str, ...], ...] = ((), (), (), MONTHS, ("sun", "mon", "tue", "wed", "thu", "fri", "sat"))


@dataclass(frozen=True)
class Job:
    """The bits of the five fields, and which of minute, hour, day of month and day of week start with `*`."""

    minutes: set[int]
    hours: set[int]
    days: set[int]
    months: set[int]
    weekdays: set[int]
    wildcard: bool
    any_day: bool

    def on(self, day: date) -> bool:
        """Whether the date matches: both day fields where one starts with `*`, else either."""
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and ((of_month and of_week) if self.any_day else (of_month or of_week))

    def at(self, moment: datetime) -> bool:
        return moment.minute in self.minutes and moment.hour in self.hours and self.on(moment.date())


def job(text: str) -> Job:
    """The job of five valid fields."""
    fields = text.split()
    minutes, hours, days, months, weekdays = (
        set_bits(field, *bounds, names) for field, bounds, names in zip(fields, BOUNDS, NAMES, strict=True)
    )
    if weekdays & {0, 7}:
        weekdays |= {0, 7}
    stars = [field[0] == "*" for field in fields]
    return Job(minutes, hours, days, months, weekdays, wildcard=stars[0] or stars[1], any_day=stars[2] or stars[4])


def set_bits(field: str, low: int, high: int, names: Sequence[str]) -> set[int]:
    """The bits of one field."""
    bits = set()
    for term in field.split(","):
        span, _, step = term.partition("/")
        first, dash, last = span.partition("-")
        start = low if span == "*" else number(first, low, names)
        end = high if span == "*" else number(last, low, names) if dash else start
        value = start
        while value <= end:
            bits.add(value)
            value += int(step or 1)
    return bits


def number(word: str, low: int, names: Sequence[str]) -> int:
    return names.index(word.lower()) + low if word.lower() in names else int(word)


class Tick(NamedTuple):
    """One search for jobs: when it is made (UTC), for which local minute, and for which kinds of job."""

    moment: datetime
    local: datetime
    wildcard: bool
    fixed: bool


def ticks(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Tick]:
    """The searches of a daemon that starts at `start` (UTC, whole minutes) and is never late, up to `end`."""

    def clock(moment: datetime) -> int:
        return (moment.astimezone(zone).replace(tzinfo=None) - EPOCH) // MINUTE

    def tick(minute: int, wildcard: bool, fixed: bool) -> Tick:
        return Tick(moment, EPOCH + minute * MINUTE, wildcard, fixed)

    moment = start
    running = virtual = clock(moment)
    while (moment := moment + MINUTE) < end:
        now = clock(moment)
        if now == running:
            continue
        running, ahead = now, now - virtual
        if 0 < ahead <= 5:
            while virtual < now:
                virtual += 1
                yield tick(virtual, True, True)
        elif 5 < ahead <= 180:
            yield tick(now, True, False)
            while virtual < now:
                virtual += 1
                yield tick(virtual, False, True)
        elif -180 < ahead <= 0:
            yield tick(now, True, False)
        else:
            virtual = now
            yield tick(now, True, True)


def fired(wanted: Job, searches: Sequence[Tick]) -> list[datetime]:
    """When (UTC) the job starts, in order."""
    return [
        search.moment
        for search in searches
        if wanted.at(search.local) and (search.wildcard if wanted.wildcard else search.fixed)
    ]


def without_changes(wanted: Job, after: datetime, count: int, days: int) -> list[datetime]:
    """The next runs (UTC) in a zone without clock changes, within so many days."""
    found: list[datetime] = []
    midnight = after.replace(hour=0, minute=0)
    for day in (midnight + timedelta(days=number) for number in range(days)):
        if wanted.on(day):
            minutes = (
                minute for minute in range(1440) if minute % 60 in wanted.minutes and minute // 60 in wanted.hours
            )
            found += [moment for minute in minutes if (moment := day + minute * MINUTE) > after]
        if len(found) >= count:
            break
    return found[:count]
