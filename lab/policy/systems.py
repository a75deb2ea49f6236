"""What cron, a systemd timer and Prefect know of the runs that were missed, and the policies that each can be given.

A system remembers some of the missed runs, and makes up for them at some moment; the policy decides which. Its numbers:
cron.c of Debian's cron 3.0pl1; Prefect 3.9.1, server/services/scheduler.py and its settings.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lab.policy.model import Down, Fate, Missed, Outage, Overlap, Policy, Run, runs

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Case:
    """A schedule through an outage: the times that are due, in order, and how long a run is at work.

    `fixed`: neither minute nor hour of the schedule starts with `*`, so cron makes up for more of it.
    """

    due: Sequence[datetime]
    outage: Outage
    length: timedelta
    fixed: bool = False

    @property
    def missed(self) -> list[datetime]:
        """The times, in order, that fall into the outage."""
        return [at for at in self.due if self.outage.start <= at < self.outage.end]


Memory = Callable[[Case], list[datetime]]
Moment = Callable[[Case], datetime]


@dataclass(frozen=True)
class Scheduler:
    """What Prefect's scheduler writes down ahead of time; the settings are PREFECT_SERVER_SERVICES_SCHEDULER_…"""

    min_runs: int = 3
    min_time: timedelta = timedelta(hours=1)
    max_runs: int = 100

    def knows(self, case: Case) -> list[datetime]:
        """Without a worker, every run; without the server, what it had written down when it went away."""
        if case.outage.down is Down.WORKER:
            return case.missed
        written: list[datetime] = []
        for at in case.missed[: self.max_runs]:
            written.append(at)
            if len(written) >= self.min_runs and at >= case.outage.start + self.min_time:
                break
        return written


def cron_knows(case: Case) -> list[datetime]:
    """A cron that has been off knows nothing, not even of the minute in which it starts; one that slept sees a jump.

    The distance between the last minute it has seen and the one in which it wakes decides what it makes up for.
    """
    last, wakes = ceil(case.outage.start) - MINUTE, floor(case.outage.end)
    if case.outage.down is not Down.SLEEP:
        return []
    ahead = (wakes - last) / MINUTE
    if ahead <= 5:
        return case.missed
    return [at for at in case.missed if at == wakes or (case.fixed and ahead <= 180)]


def at_end(case: Case) -> datetime:
    """As soon as the outage is over."""
    return case.outage.end


def at_next(case: Case) -> datetime:
    """When cron starts the wrapper again: at boot (@reboot), when it makes up for a run, or when the next is due."""
    if case.outage.down is Down.MACHINE or cron_knows(case):
        return case.outage.end
    return next((at for at in case.due if at >= first_minute(case)), datetime.max)


def file_knows(case: Case) -> list[datetime]:
    """The wrapper's file says how far it got: it knows all that has been due since, the run that is due now too."""
    return [at for at in case.due if case.outage.start <= at <= at_next(case)]


def timer_knows(case: Case) -> list[datetime]:
    """So does the time stamp of a systemd timer with Persistent=true."""
    return case.missed


def first_minute(case: Case) -> datetime:
    """The first minute in which cron looks for jobs after the outage: a cron that starts leaves out the one it is in."""
    slept = case.outage.down is Down.SLEEP
    return ceil(case.outage.end) if slept else floor(case.outage.end) + MINUTE


def floor(at: datetime) -> datetime:
    """The minute that has begun."""
    return at.replace(second=0, microsecond=0)


def ceil(at: datetime) -> datetime:
    """The minute that begins next, or now."""
    return floor(at) if at == floor(at) else floor(at) + MINUTE


@dataclass(frozen=True)
class System:
    """A system with a policy that it can be given: its name, what it knows of missed runs, and when it makes up."""

    name: str
    policy: Policy
    knows: Memory
    resumes: Moment = at_end
    turned_away: Fate = Fate.CANCELLED
    is_cron: bool = False

    def runs(self, case: Case) -> list[Run]:
        """What becomes of every run of the schedule."""
        outage, known, resumes = case.outage, self.knows(case), self.resumes(case)
        if self.is_cron:
            outage = replace(outage, end=first_minute(case))
        return runs(case.due, outage, case.length, self.policy, known, resumes, self.turned_away)


def cron(name: str, policy: Policy, knows: Memory = cron_knows, resumes: Moment = at_end) -> System:
    """Cron, whose lock turns a run away: it is skipped."""
    return System(name, policy, knows, resumes, Fate.SKIPPED, is_cron=True)


def prefect(name: str, policy: Policy, scheduler: Scheduler | None = None) -> System:
    """Prefect, with the scheduler's own settings where none are given."""
    return System(name, policy, (scheduler or Scheduler()).knows)


def systems(not_older: timedelta = timedelta(hours=1), scheduler: Scheduler | None = None) -> dict[str, System]:
    """Every system with every policy, by the name that the command line and the page use.

    `not_older` is the age that the policies with an age are given; `scheduler` are other settings of Prefect's.
    """
    policy, missed, overlap = Policy, Missed, Overlap
    all_of_them = (
        cron("cron", policy(missed.ALL, overlap.ALLOW)),
        cron("cron-flock", policy(missed.ALL, overlap.FORBID)),
        cron("cron-catch-up-all", policy(missed.ALL, overlap.QUEUE), file_knows, at_next),
        cron("cron-catch-up-latest", policy(missed.LATEST, overlap.QUEUE), file_knows, at_next),
        cron("cron-catch-up-young", policy(missed.ALL, overlap.QUEUE, not_older), file_knows, at_next),
        System("systemd-persistent", policy(missed.LATEST, overlap.FORBID), timer_knows, turned_away=Fate.SKIPPED),
        prefect("prefect", policy(missed.ALL, overlap.ALLOW), scheduler),
        prefect("prefect-gate-none", policy(missed.NONE, overlap.ALLOW), scheduler),
        prefect("prefect-gate-newest", policy(missed.LATEST, overlap.ALLOW), scheduler),
        prefect("prefect-guard", policy(missed.ALL, overlap.ALLOW, not_older), scheduler),
        prefect("prefect-cancel-new", policy(missed.ALL, overlap.FORBID), scheduler),
        prefect("prefect-enqueue", policy(missed.ALL, overlap.QUEUE), scheduler),
    )
    return {system.name: system for system in all_of_them}


def yours(policy: Policy) -> System:
    """A system that forgets nothing, with a policy of the learner's."""
    return System(str(policy), policy, timer_knows)
