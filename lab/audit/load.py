"""When the jobs start: a week by minute, the minutes that many share, and a spread with fewer of them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from lab.audit.faults import Task
from lab.cron.runs import matches

MONDAY = datetime(2027, 1, 4)  # a week without the first of a month
WEEK, MINUTE = timedelta(days=7), timedelta(minutes=1)
OFTEN = 30  # starts an hour: a job that starts more often cannot be moved out of the way


@dataclass(frozen=True)
class Start:
    """A job and the minutes of the week in which it starts, counted from Monday 00:00."""

    name: str
    task: Task
    minutes: tuple[int, ...]


@dataclass(frozen=True)
class Move:
    """A job that would start in other minutes of the hour."""

    start: Start
    schedule: str  # the new one


def starts_of(named: Iterable[tuple[str, Task]]) -> list[Start]:
    """The jobs with the minutes in which they start."""
    return [
        Start(name, task, tuple((at - MONDAY) // MINUTE for at in matches(task.schedule, MONDAY, MONDAY + WEEK)))
        for name, task in named
    ]


def load(starts: Iterable[Start]) -> Counter[int]:
    """Minute of the week → how many jobs start in it."""
    return Counter(minute for start in starts for minute in start.minutes)


def calendar(starts: Sequence[Start]) -> list[str]:
    """The day by minute, at most 80 characters a line: how many start, on its busiest day; equal hours are one line."""
    busiest: dict[int, int] = defaultdict(int)
    for minute, number in load(starts).items():
        busiest[minute % 1440] = max(busiest[minute % 1440], number)
    rows = ["".join(mark(busiest[hour * 60 + minute]) for minute in range(60)) for hour in range(24)]
    lines = ["       " + "".join(f":{minute:02d}       " for minute in range(0, 60, 10)).rstrip()]
    first = 0
    for hour in range(1, 25):
        if hour == 24 or rows[hour] != rows[first]:
            span = f"{first:02d}" if hour - 1 == first else f"{first:02d}-{hour - 1:02d}"
            lines.append(f"{span:<5}  {rows[first]}")
            first = hour
    return lines


def mark(number: int) -> str:
    """A number of starts as one character."""
    return "." if not number else str(number) if number < 10 else "#"


def collisions(starts: Sequence[Start], most: int = 5) -> list[str]:
    """The groups of jobs that start together, those with most jobs first, and when."""
    together: dict[int, list[str]] = defaultdict(list)
    for start in starts:
        for minute in start.minutes:
            together[minute].append(start.name)
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for minute, names in together.items():
        if len(names) > 1:
            groups[tuple(names)].append(minute)
    ranked = sorted(groups.items(), key=lambda group: (-len(group[0]), min(group[1])))
    lines = [f"{len(names)} at once, {times(minutes)}: {', '.join(names)}" for names, minutes in ranked[:most]]
    return lines + ([f"… and {len(ranked) - most} more groups"] if len(ranked) > most else [])


def times(minutes: Sequence[int]) -> str:
    """How often a week, and the first time."""
    at = MONDAY + min(minutes) * MINUTE
    return f"{len(minutes)} times a week, first {at:%a %H:%M}" if len(minutes) > 1 else f"{at:%a %H:%M}"


def spread(starts: Sequence[Start], fixed: Iterable[str] = ()) -> list[Move]:
    """Other minutes for jobs that share theirs, one job after the other, as long as it makes fewer of them.

    Hours, days and the time between two starts stay. `fixed` are names of jobs that must not move. The same jobs give
    the same spread.
    """
    now = load(starts)
    moves = []
    for start in sorted(starts, key=lambda start: (len(start.minutes), start.name)):
        period = movable(start.task)
        if not period or start.name in fixed or all(now[minute] == 1 for minute in start.minutes):
            continue
        now.subtract(start.minutes)
        first = start.minutes[0] % period
        costs = {offset: cost(now, [minute - first + offset for minute in start.minutes]) for offset in range(period)}
        best = min(costs, key=lambda offset: (costs[offset], (offset - first) % period))
        now.update(minute - first + best for minute in start.minutes)
        if costs[best] < costs[first]:
            moves.append(Move(start, moved(start.task, best, period)))
    return moves


def cost(now: Counter[int], minutes: Iterable[int]) -> tuple[int, int]:
    """How crowded these minutes are: the worst of them, and all of them together."""
    there = [now[minute] for minute in minutes]
    return max(there), sum(number * number for number in there)


def movable(task: Task) -> int:
    """In how many minutes a job could start instead: 60 for one a hour, N for every N; 0 when it is neither."""
    if task.schedule.reboot or not task.schedule.expression:
        return 0
    minutes = sorted(task.schedule.fields[0].values)
    gap = 60 // len(minutes)
    even = all(later - sooner == gap for sooner, later in pairwise(minutes))
    return gap if even and 60 % len(minutes) == 0 and len(minutes) <= OFTEN else 0


def moved(task: Task, offset: int, period: int) -> str:
    """The schedule with other minutes; the fields as they stand, or those of the nickname."""
    rest = " ".join(field.text for field in task.schedule.fields[1:])
    return f"{offset} {rest}" if period == 60 else f"{offset}-59/{period} {rest}"
