"""What wakes somebody: a symptom that can be seen from outside, never its cause."""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.core import UserError
from engine.web import PrefectApi
from lab.faults.stack import Stack
from lab.oncall import databases
from lab.oncall.databases import Watermarks
from lab.oncall.looks import api_of

FLOW = "sales-etl"
SILENCE = 10  # seconds for which the API may fail to answer
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
SKIPPED = "Skipped"  # the state of a run that was missed, which is no symptom


@dataclass(frozen=True)
class Run:
    """A run of the flow that has ended; times in seconds since 1970."""

    name: str
    state: str
    type: str
    start: float
    end: float


@dataclass(frozen=True)
class Sight:
    """What is seen of the service at one moment: whether the API answers, the runs that have ended, the loads."""

    at: float
    answers: bool
    ended: tuple[Run, ...]
    watermarks: Watermarks

    @property
    def completed(self) -> list[Run]:
        """The runs that came through, the oldest first."""
        return [run for run in self.ended if run.type == "COMPLETED"]


def look(stack: Stack, since: float) -> Sight:
    """What is seen now, of runs those that have ended since a moment."""
    api, ended, loads = api_of(stack), None, set[float]()
    with suppress(UserError):
        ended = runs(api, since) if api else None
    with suppress(UserError):
        loads = databases.watermarks(stack)
    return Sight(time.time(), ended is not None, ended or (), loads)


def runs(api: PrefectApi, since: float) -> tuple[Run, ...]:
    """The runs of the flow that have ended since a moment, the oldest first. Raises UserError without an answer."""
    wanted = {
        "state": {"type": {"any_": ENDED}},
        "end_time": {"after_": datetime.fromtimestamp(since, UTC).isoformat()},
    }
    body = {"flows": {"name": {"any_": [FLOW]}}, "flow_runs": wanted, "sort": "END_TIME_DESC", "limit": 50}
    found = reversed(api("/flow_runs/filter", body))
    return tuple(run_of(one) for one in found if one["state_name"] != SKIPPED)


def run_of(found: Any) -> Run:
    """A run, from what the API says of it. One that never began, such as a run that was cancelled, began at its end."""
    end = datetime.fromisoformat(found["end_time"]).timestamp()
    start = datetime.fromisoformat(found["start_time"] or found["end_time"]).timestamp()
    return Run(found["name"], found["state_name"], found["state_type"], start, end)


def schedule_of(api: PrefectApi) -> float:
    """The interval of the flow's schedule, in seconds. Raises UserError when it has none that is active."""
    found = api("/deployments/filter", {"flows": {"name": {"any_": [FLOW]}}, "limit": 200})
    schedules = [one for deployment in found for one in deployment["schedules"] if one["active"]]
    intervals = [one["schedule"]["interval"] for one in schedules if "interval" in one["schedule"]]
    if not intervals:
        raise UserError(f"no schedule starts {FLOW}: docker compose up --detach --wait, in the folder of the lesson")
    return float(min(intervals))


class Pager:
    """Decides when somebody is woken."""

    def __init__(self, since: float, interval: float) -> None:
        """`since` is when the fault came; `interval` is that of the schedule, in seconds."""
        self.since, self.interval = since, interval
        self.answered, self.loaded = since, 0.0

    def symptom(self, sight: Sight) -> str:
        """What wakes somebody now, "" when nothing does."""
        self.answered = sight.at if sight.answers else self.answered
        self.loaded = max([self.loaded, *sight.watermarks])
        failed = next((run for run in sight.ended if run.type in ("FAILED", "CRASHED")), None)
        if sight.at - self.answered > SILENCE:
            return f"Prefect's API has not answered for {sight.at - self.answered:.0f} s"
        if failed:
            return f"a run of {FLOW}, {failed.name}, is {failed.state}"
        if len(last := sight.ended[-2:]) == 2 and all(run.type == "CANCELLED" for run in last):
            return f"two runs of {FLOW} in a row were {last[0].state}"
        if (age := sight.at - (self.loaded or self.since)) > 2 * self.interval:
            return f"no change has reached the warehouse for {age:.0f} s"
        return ""
