"""The dates that Prefect plans for a schedule, as Prefect 3.9.1 itself computes them, its faults included.

For a cron line Prefect asks its copy of croniter 6.0.0, the version that `lab` pins, for local times, and gives them
their zone afterwards; for an rrule it asks dateutil. tests/test_migrate_dates.py compares with dates of Prefect's own.
"""

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice, takewhile
from typing import NoReturn
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter
from dateutil.rrule import rrule, rruleset, rrulestr
from dateutil.tz import gettz

DAY = timedelta(days=1)
MOST = 1_000_000  # dates of one schedule: one a minute for 400 days are 576,000
DEADLINE = 30  # seconds of the processor for one schedule; the busiest takes two
EPOCH = date(2020, 1, 1)  # where an rrule begins that says nothing of it
MIDNIGHT = [[0], [0]]  # minute and hour


class NoEnd(Exception):
    """A schedule has too many dates to compare, or none that are found in time; the text says which."""


@dataclass(frozen=True)
class Cron:
    """A cron line. `day_or`: whether one of two day fields is enough, whatever they begin with."""

    text: str
    zone: ZoneInfo
    day_or: bool = True

    def dates(self, start: datetime, end: datetime) -> list[datetime]:
        """The dates in UTC from `start` to `end` (both in UTC, and included), in order. Raises NoEnd."""
        first, last = (at.astimezone(self.zone).date() for at in (start, end))
        with deadline():
            return within((in_utc(at, self.zone) for at in self.local_times(first, last)), start, end)

    def local_times(self, first: date, last: date) -> Iterator[datetime]:
        """The local times on the days from `first` to `last`.

        The search for days is croniter's own, which passes over some of them. Each hour of a day is as good as another
        to it, so that only days have to be searched for.
        """
        search = croniter(self.text, datetime.combine(first, time()) - timedelta(seconds=1), day_or=self.day_or)
        if len(search.expanded) > 5:  # with seconds, or years
            yield from takewhile(lambda at: at.date() <= last, found(search))
            return
        minutes, hours = (every(size, values) for size, values in zip((60, 24), search.expanded[:2], strict=True))
        search.expanded[:2] = MIDNIGHT
        for day in takewhile(lambda at: at.date() <= last, found(search)):
            yield from (day.replace(hour=hour, minute=minute) for hour in hours for minute in minutes)

    def __str__(self) -> str:
        """As prefect.yaml has it."""
        return f"cron: {self.text}"


@dataclass(frozen=True)
class Interval:
    """Every so often from an anchor on, and before it."""

    every: timedelta
    anchor: datetime  # with a zone
    zone: ZoneInfo

    def dates(self, start: datetime, end: datetime) -> list[datetime]:
        """The dates in UTC from `start` to `end` (both in UTC, and included), in order. Raises NoEnd."""
        return within(takewhile(lambda at: at <= end, self.steps(start)), start, end)

    def steps(self, start: datetime) -> Iterator[datetime]:
        """The dates in UTC from `start` or earlier on. Whole days are days of the zone's clock, the rest is time."""
        anchor = self.anchor.astimezone(UTC)
        days, rest = timedelta(days=self.every.days), timedelta(0, self.every.seconds, self.every.microseconds)
        if not days:
            yield from (anchor + self.every * number for number in count((start - anchor) // self.every))
        elif start < anchor and not rest:
            local = anchor.astimezone(self.zone).replace(tzinfo=None)
            back = (start - anchor) // self.every - 1
            yield from (in_utc(local + self.every * number, self.zone) for number in range(back, 1))
            yield from self.onwards(self.onward(anchor))
        elif rest:  # Prefect guesses where to begin by time, and counts days from there
            yield from self.onwards(anchor + self.every * ((start - anchor) // self.every))
        else:
            yield from self.onwards(anchor)

    def onwards(self, at: datetime) -> Iterator[datetime]:
        """This date and all that follow it."""
        while True:
            yield at
            at = self.onward(at)

    def onward(self, at: datetime) -> datetime:
        """The date after this one."""
        days = timedelta(days=self.every.days)
        return in_utc(at.astimezone(self.zone).replace(tzinfo=None) + days, self.zone) + (self.every - days)

    def __str__(self) -> str:
        """As prefect.yaml has it."""
        return f"interval: {self.every.total_seconds():g}"


@dataclass(frozen=True)
class RRule:
    """A rule of RFC 5545."""

    text: str
    zone: ZoneInfo

    def dates(self, start: datetime, end: datetime) -> list[datetime]:
        """The dates in UTC from `start` to `end` (both in UTC, and included), in order. Raises NoEnd."""
        try:
            with deadline():
                found = self.rule().xafter(start.astimezone(self.zone), inc=True)
                once: dict[datetime, datetime] = {}  # to Prefect, a local time that comes twice is one date
                for at in islice(takewhile(lambda at: at <= end, found), MOST + 1):
                    once.setdefault(at.astimezone(self.zone).replace(tzinfo=None), at.astimezone(UTC))
                return within(once.values(), start, end)
        except (TypeError, ValueError, AttributeError) as reason:  # of dateutil: dates with and without a zone, for one
            raise NoEnd(f"Prefect cannot plan it: {reason}") from None

    def rule(self) -> rrule | rruleset:
        """The rule of dateutil, all of whose local times are the zone's."""
        clock = gettz(self.zone.key)
        whole = rrulestr(self.text, dtstart=EPOCH, cache=True)
        if isinstance(whole, rrule):
            return in_zone(whole, clock)
        whole._rrule = [in_zone(one, clock) for one in whole._rrule]
        whole._exrule = [in_zone(one, clock) for one in whole._exrule]
        whole._rdate = [at.replace(tzinfo=clock) for at in whole._rdate]
        whole._exdate = [at.replace(tzinfo=clock) for at in whole._exdate]
        return whole

    def __str__(self) -> str:
        """As prefect.yaml has it, on one line."""
        return f"rrule: {' '.join(self.text.split())}"


Timing = Cron | Interval | RRule


def every(size: int, values: list[int | str]) -> list[int]:
    """The values of a field of croniter's, all of them for a star."""
    return [*range(size)] if "*" in values else [int(value) for value in values]


def found(search: croniter) -> Iterator[datetime]:
    """The local times of a search; none more where croniter gives up, which it does after fifty years."""
    try:
        while True:
            yield search.get_next(datetime)
    except CroniterBadDateError:
        return


def in_utc(local: datetime, zone: ZoneInfo) -> datetime:
    """The moment of a local time: its first pass where it comes twice, as much later where the clock skips it."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def in_zone(one: rrule, clock: object) -> rrule:
    """A rule whose beginning and end are local times."""
    until = {"until": one._until.replace(tzinfo=clock)} if one._until else {}
    return one.replace(dtstart=one._dtstart.replace(tzinfo=clock), **until)


def within(dates: Iterable[datetime], start: datetime, end: datetime) -> list[datetime]:
    """Each date from `start` to `end` once, in order. Raises NoEnd."""
    kept = set(islice((at for at in dates if start <= at <= end), MOST + 1))
    if len(kept) > MOST:
        raise NoEnd(f"it has more than {MOST:,} dates: take fewer --days")
    return sorted(kept)


@contextmanager
def deadline() -> Iterator[None]:
    """Raise NoEnd in a block that takes too much time of the processor, as a rule does that no date fits.

    In another thread than the main one, where an exercise is checked, nothing can be raised from outside.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> NoReturn:
        raise NoEnd(f"its dates were not reached in {DEADLINE} s: give a rule a DTSTART, or take fewer --days")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, DEADLINE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
