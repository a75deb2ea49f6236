"""A model of missed runs: which run when, and what becomes of the others, under a policy of missed × overlap × lateness.

Times are datetimes without a zone, so the clock does not change. The words are those that Kestra, Temporal and Kubernetes
have made standard. What a system still knows after an outage is another question than what it does with it: see
systems.py. tests/test_outages.py holds the model against real cron and real Prefect.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Missed(StrEnum):
    """Which of the missed runs are made up for."""

    ALL = "ALL"
    LATEST = "LATEST"
    NONE = "NONE"


class Overlap(StrEnum):
    """What becomes of a run that is to start while another is at work."""

    ALLOW = "ALLOW"  # it starts beside it
    FORBID = "FORBID"  # it does not start
    QUEUE = "QUEUE"  # it waits, and starts in the order of the times for which runs were due
    REPLACE = "REPLACE"  # the one at work is cancelled for it


class Down(StrEnum):
    """What is away during the outage."""

    MACHINE = "machine"  # it is off: cron, Prefect's server and its worker, and whatever was at work
    SLEEP = "sleep"  # it is suspended, a laptop with a closed lid: everything stands still, and goes on afterwards
    WORKER = "worker"  # only what starts runs: Prefect's worker, or the cron daemon; what was at work goes on


class Fate(StrEnum):
    """What became of a run."""

    RUN = "run"  # it started when it was due
    LATE = "late"  # it started later
    SKIPPED = "skipped"  # a policy said no, and it is on record
    CANCELLED = "cancelled"  # another run was at work; one with a start was replaced by another
    LOST = "lost"  # nobody knows of it
    KILLED = "killed"  # it was at work when the machine went off


@dataclass(frozen=True)
class Policy:
    """Missed × overlap × lateness. `not_older`: a missed run that is later than this is not made up for."""

    missed: Missed = Missed.ALL
    overlap: Overlap = Overlap.ALLOW
    not_older: timedelta | None = None

    def chosen(self, known: Sequence[datetime], now: datetime) -> list[datetime]:
        """Of the missed runs that a system knows, by the times they were due, those that are made up for at `now`."""
        young = [due for due in known if self.not_older is None or now - due <= self.not_older]
        return {Missed.ALL: young, Missed.LATEST: young[-1:], Missed.NONE: []}[self.missed]

    def __str__(self) -> str:
        """As it is written on the command line: `LATEST/FORBID/1h30m`."""
        age = [] if self.not_older is None else [duration(self.not_older)]
        return "/".join([self.missed, self.overlap, *age])


@dataclass(frozen=True)
class Outage:
    """From when to when what was away; a run that is due at `start` is missed, one that is due at `end` is not."""

    start: datetime
    end: datetime
    down: Down = Down.MACHINE


@dataclass(frozen=True)
class Run:
    """A run: when it was due, when it started and ended (None: never), and its fate."""

    due: datetime
    started: datetime | None
    ended: datetime | None
    fate: Fate


def runs(
    due: Sequence[datetime],
    outage: Outage,
    length: timedelta,
    policy: Policy,
    known: Sequence[datetime],
    resumes: datetime,
    turned_away: Fate = Fate.CANCELLED,
) -> list[Run]:
    """What becomes of every run, in the order of the times for which they were due.

    `due` are those times, in order. `known` are those of them that were missed and that the system knows of when it
    makes up for them, at `resumes`; missed ones that it does not know of are lost. `turned_away` is the fate of a run
    that FORBID does not let start.
    """
    missed = {at for at in due if outage.start <= at < outage.end} | set(known)
    made_up = set(policy.chosen(known, resumes))
    others = [Run(at, None, None, Fate.SKIPPED if at in known else Fate.LOST) for at in missed - made_up]
    starts = sorted((max(resumes, at) if at in made_up else at, at) for at in due if at in made_up or at not in missed)
    return sorted([*others, *overlapping(starts, outage, length, policy.overlap, turned_away)], key=lambda run: run.due)


def overlapping(
    starts: Sequence[tuple[datetime, datetime]], outage: Outage, length: timedelta, overlap: Overlap, turned_away: Fate
) -> list[Run]:
    """The runs that are to start, as (start, due) in order, when they may or may not be at work side by side."""
    done: list[Run] = []
    working: Run | None = None  # the last that has started
    for start, due in starts:
        end = working.ended if working else None
        busy = end is not None and start < end
        if busy and overlap is Overlap.FORBID:
            done.append(Run(due, None, None, turned_away))
            continue
        if busy and overlap is Overlap.QUEUE and end is not None:
            start = max(outage.end, end) if outage.start <= end < outage.end else end
        if busy and overlap is Overlap.REPLACE and working:
            done[done.index(working)] = replace(working, ended=start, fate=Fate.CANCELLED)
        working = worked(due, start, outage, length)
        done.append(working)
    return done


def worked(due: datetime, start: datetime, outage: Outage, length: timedelta) -> Run:
    """A run that starts, and what the outage does to it when it is at work then."""
    end, fate = start + length, Fate.LATE if start > due else Fate.RUN
    if start < outage.start < end:
        if outage.down is Down.MACHINE:
            return Run(due, start, outage.start, Fate.KILLED)
        if outage.down is Down.SLEEP:
            end += outage.end - outage.start
    return Run(due, start, end, fate)


def at_once(done: Sequence[Run]) -> int:
    """How many of the runs are at work at the same time, at most."""
    turns = sorted((at, change) for run in done if run.started and run.ended for at, change in spans(run))
    most = now = 0
    for _, change in turns:
        now += change
        most = max(most, now)
    return most


def tally(done: Sequence[Run]) -> str:
    """The runs by their fate: `on time 5, late 4, lost 13`."""
    counts = Counter(run.fate for run in done)
    return ", ".join(f"{'on time' if fate is Fate.RUN else fate} {counts[fate]}" for fate in Fate if counts[fate])


def spans(run: Run) -> list[tuple[datetime, int]]:
    """The start of a run as +1, and its end as -1."""
    assert run.started and run.ended
    return [(run.started, 1), (run.ended, -1)]


def duration(span: timedelta) -> str:
    """A length of time as the command line takes it: 90s, 12m, 1h30m."""
    hours, rest = divmod(round(span.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    parts = [f"{number}{unit}" for number, unit in ((hours, "h"), (minutes, "m"), (seconds, "s")) if number]
    return "".join(parts) or "0m"
