"""All instants at which cron and Prefect start a job, compared, and why they differ where they do.

A reason is found by repair: an instant differs because of a time zone when it no longer differs once the zone is right.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from zoneinfo import ZoneInfo

from lab.cron.crontab import Schedule
from lab.cron.runs import ClockChange, clock_changes, moments
from lab.migrate.dates import NoEnd, Timing
from lab.migrate.pairs import Pair, numbers
from lab.migrate.prefect_yaml import Scheduled
from lab.migrate.repairs import REPAIRS, as_in_crontab

SECOND = timedelta(seconds=1)
MARCH = 3
SPRING = "the clock skips these times: cron runs a fixed job right after, no wildcard job; Prefect as much later"
AUTUMN = "these times come twice: cron runs a wildcard job both times, Prefect once"
FIRST_OF_MARCH = "Prefect passes over 1 March: at February's end it looks for day 29, 30 or 31 first"
UNKNOWN = "Prefect plans other dates for this schedule"


@dataclass(frozen=True)
class Window:
    """The time that is looked at: after `start`, up to `end` (both in UTC), by the clock of `zone`."""

    start: datetime
    end: datetime
    zone: ZoneInfo

    def cron(self, schedule: Schedule) -> Iterator[datetime]:
        """When cron starts a job, in UTC; twice the same moment where it starts it twice."""
        local = self.start.astimezone(self.zone)
        found = takewhile(lambda at: at <= self.end, moments(schedule, self.zone, local))
        return (at for at in found if at > self.start)

    def prefect(self, timing: Timing) -> list[datetime]:
        """When Prefect starts a run, in UTC. Raises NoEnd."""
        found = searched(self, timing)
        if isinstance(found, NoEnd):
            raise found
        return found

    def changes(self) -> list[ClockChange]:
        """The changes of the zone's clock."""
        return clock_changes(self.zone, self.start, (self.end - self.start).days)


@lru_cache(maxsize=8)  # a year of every minute is half a million dates
def searched(window: Window, timing: Timing) -> list[datetime] | NoEnd:
    """The dates of a schedule, or why they cannot be told. A repair leaves most schedules as they are."""
    try:
        return timing.dates(window.start + SECOND, window.end)
    except NoEnd as reason:
        return reason


@dataclass
class Cause:
    """Why instants differ: those that cron alone has, and those that Prefect alone has, in UTC."""

    text: str
    cron_only: list[datetime] = field(default_factory=list)
    prefect_only: list[datetime] = field(default_factory=list)

    def __len__(self) -> int:
        """How many instants."""
        return len(self.cron_only) + len(self.prefect_only)


@dataclass
class Outcome:
    """What became of a pair: how many instants were compared, and what differs."""

    pair: Pair
    compared: int
    causes: list[Cause]


Differing = tuple[Counter[datetime], Counter[datetime]]  # of cron only, of Prefect only


def compare(pair: Pair, window: Window) -> Outcome:
    """Compare the instants of a pair."""
    wanted = Counter(at for line in pair.lines for at in window.cron(line.schedule))
    planned, broken = plans([one for one in pair.schedules if one.active], window)
    left = difference(wanted, planned)
    if not any(left):
        broken += [one.wrong for one in pair.schedules if one.wrong]
    causes = [Cause(f"the command is another: {other}") for other in pair.other_commands] + [*map(Cause, broken)]
    causes += explained(pair, window, wanted, planned, left) if any(left) else []
    return Outcome(pair, sum((wanted | planned).values()), causes)


def plans(schedules: Iterable[Scheduled], window: Window) -> tuple[Counter[datetime], list[str]]:
    """All that Prefect plans, and why it cannot be told where it cannot."""
    found: Counter[datetime] = Counter()
    broken = []
    for one in schedules:
        try:
            found.update(window.prefect(one.timing) if one.timing else [])
        except NoEnd as reason:
            broken.append(f"{one.timing}: {reason}")
    return found, broken


def difference(wanted: Counter[datetime], planned: Counter[datetime]) -> Differing:
    """The instants that one of them has more often than the other."""
    return wanted - planned, planned - wanted


def explained(
    pair: Pair, window: Window, wanted: Counter[datetime], planned: Counter[datetime], left: Differing
) -> Iterator[Cause]:
    """The reasons, one after the other: each takes the instants that its repair makes equal."""
    if not pair.lines or not pair.schedules:
        yield Cause(lonely(pair), *map(listed, left))
        return
    schedules = pair.schedules
    for name, repair in REPAIRS:
        repaired = repair(pair, schedules, window.zone)
        text = name(pair, schedules, window.zone)
        now, _ = plans([one for one in repaired if one.active], window)
        still = difference(wanted, now)
        solved = (left[0] - still[0], left[1] - still[1])
        schedules, unchanged, planned = repaired, now == planned, now
        # A line that was split, so that Prefect loses no date of it, is right as it is.
        if unchanged or (repair is as_in_crontab and not any(solved)):
            continue
        left = (left[0] & still[0], left[1] & still[1])
        yield Cause(text, *map(listed, solved))
    yield from by_date(left, window)


def lonely(pair: Pair) -> str:
    """Why one of the sides has no instants at all."""
    if not pair.lines:
        return f"deployment {' and '.join(pair.deployments)} has no line: none has its command"
    if pair.deployments:
        return f"deployment {' and '.join(pair.deployments)} has no schedule"
    return f"line {numbers(pair)} has no deployment: none has its command"


def by_date(left: Differing, window: Window) -> Iterator[Cause]:
    """What Prefect does otherwise with the right schedule: in nights that change the clock, and after February."""
    found = {text: Cause(text) for text in (SPRING, AUTUMN, FIRST_OF_MARCH, UNKNOWN)}
    nights: dict[date, str] = {}
    for change in window.changes():
        text = SPRING if change.after > change.before else AUTUMN
        nights |= {change.before.date(): text, change.after.date(): text}
    for side, instants in zip(("cron_only", "prefect_only"), left, strict=True):
        for at in listed(instants):
            day = at.astimezone(window.zone).date()
            march = side == "cron_only" and day.month == MARCH and day.day <= 3
            text = nights.get(day) or (FIRST_OF_MARCH if march else UNKNOWN)
            getattr(found[text], side).append(at)
    yield from filter(len, found.values())


def listed(instants: Counter[datetime]) -> list[datetime]:
    """The instants in order, each as often as it is there."""
    return sorted(instants.elements())


def window_of(start: datetime, days: int, zone: ZoneInfo) -> Window:
    """So many days after `start`."""
    begin = start.astimezone(UTC)
    return Window(begin, begin + timedelta(days=days), zone)
