"""What a fault module works with: the board, on which it breaks things, and each lane as it was afterwards."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import Any

from contrast.stack import TICK, Stack, until
from lab.engine import Trouble

PATIENCE = 30  # seconds until each lane has a load that can be killed
STUCK = "clock_timestamp() - started > interval '0.3 s'"


@dataclass
class Lane:
    """What a lane did and has: the runs of its ledger, its alerts, and its rows."""

    name: str
    ticks: int
    truth: list[int]  # the orders that a run at the last tick could have loaded
    runs: list[dict[str, Any]] = field(default_factory=list)  # job, due, attempts; see contrast/timeline.py
    alerts: list[dict[str, Any]] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    rejected: list[int] = field(default_factory=list)
    reports: list[dict[str, Any]] = field(default_factory=list)  # made (tick), newest (order)
    spans: list[tuple[float, float, str]] = field(default_factory=list)  # when the fault was on
    due: list[int] = field(default_factory=list)  # the ticks at which a run was due
    facts: Any = None  # what else the fault has measured

    @property
    def attempts(self) -> list[dict[str, Any]]:
        """All attempts of all runs."""
        return [attempt for run in self.runs for attempt in run["attempts"]]

    @property
    def rows_lost(self) -> int:
        """Orders that are missing in the sink and were not set aside either."""
        return len(set(self.truth) - set(self.orders) - set(self.rejected))

    @property
    def rows_doubled(self) -> int:
        """Rows that are there more than once."""
        return len(self.orders) - len(set(self.orders))

    @property
    def at_once(self) -> int:
        """How many attempts were at work at the same time, at most."""
        ends = [attempt["end"] or self.ticks for attempt in self.attempts]
        starts = [attempt["start"] for attempt in self.attempts]
        return max((sum(s <= start < e for s, e in zip(starts, ends, strict=True)) for start in starts), default=0)

    @property
    def failed(self) -> int:
        """Runs whose last attempt failed or was killed."""
        return sum(run["attempts"][-1]["outcome"] != "ok" for run in self.runs)

    @property
    def late(self) -> int:
        """Runs that were due while the fault was on, and came when it was over."""
        [(start, end, _)] = self.spans
        return sum(start < run["due"] < end < run["attempts"][0]["start"] for run in self.runs)

    @property
    def lost(self) -> list[int]:
        """Ticks that were due and had no run, though none was at work."""
        return [tick for tick in self._empty if tick not in self.skipped]

    @property
    def skipped(self) -> list[int]:
        """Ticks that were due and had no run because another was at work: a lock, or a limit of one."""
        reach = (
            0.4 if self.name == "prefect" else 0.1
        )  # ticks: a run of Prefect takes its place before and after the job
        ends = {run["due"]: run["attempts"][-1]["end"] or self.ticks for run in self.runs if run["due"] is not None}
        return [tick for tick in self._empty if any(due < tick <= end + reach for due, end in ends.items())]

    @property
    def _empty(self) -> list[int]:
        had = {run["due"] for run in self.runs}
        return [tick for tick in self.due if tick not in had]


class Board:
    """What a fault may do to the lanes, by the clock of the window."""

    def __init__(self, stack: Stack, t0: float, ticks: int, tick: float = TICK) -> None:
        """Tick 0 is at `t0`, in Unix seconds; each takes `tick` seconds."""
        self.stack, self.t0, self.ticks, self.tick = stack, t0, ticks, tick
        self.spans: list[tuple[float, float, str]] = []
        self.facts: dict[str, Any] = {}  # lane → what else a fault has measured
        self.by_hand = float("inf")  # from this tick on, what cron does not record was started by a person

    @property
    def now(self) -> float:
        """The time, in ticks."""
        return (time.time() - self.t0) / self.tick

    def at(self, tick: float) -> None:
        """Wait for a moment of the window, in ticks."""
        until(self.t0 + tick * self.tick)

    @contextmanager
    def span(self, start: float, end: float, label: str) -> Iterator[None]:
        """The body runs at tick `start`; it has lasted until tick `end` when this is left."""
        self.at(start)
        began = self.now
        yield
        self.spans.append((round(began, 2), round(self.now, 2), label))

    def upstream(self, start: float, end: float, label: str, **settings: object) -> None:
        """The upstream behaves so from one tick to another; see contrast/upstream.py."""
        with self.span(start, end, label):
            self.stack.admin(**settings)
            self.at(end)
            self.stack.admin(status=200, hold=False, token="")

    def schedulers(self, start: float, end: float, label: str, halt: str, resume: str) -> None:
        """Cron, and Prefect's server and worker, are halted and resumed by these commands of docker."""
        services = [*self.stack.lanes, *(["prefect-server"] if "prefect" in self.stack.lanes else [])]
        containers = self.stack.compose("ps", "--quiet", *services).split()
        with self.span(start, end, label):
            self.stack.docker(halt, *containers)
            self.at(end)
            self.stack.docker(resume, *containers)
        self.stack.addresses.pop("prefect-server", None)  # has another port when it is started again

    def usage(self, services: list[str], looks: int = 3) -> list[tuple[float, float]]:
        """What the containers of services use, each by the median of so many looks: memory in MB, percent of a core."""
        containers = self.stack.compose("ps", "--quiet", *services).split()
        look = ("stats", "--no-stream", "--format", "{{.MemUsage}} {{.CPUPerc}}", *containers)
        seen = [self.stack.docker(*look).splitlines() for _ in range(looks)]
        return [
            (
                median(size(line.split()[0]) for line in lines),
                median(float(line.split()[-1].rstrip("%")) for line in lines),
            )
            for lines in zip(*seen, strict=True)
        ]

    def plan(self, deployment: str, tick: float, parameters: list[dict[str, str]]) -> None:
        """Have a run of a Prefect deployment planned for `tick`, for each of these parameters."""
        due = datetime.fromtimestamp(self.t0 + tick * self.tick, UTC).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
        for name in self.stack.deployments(deployment) if "prefect" in self.stack.lanes else []:
            for given in parameters:
                self.stack.prefect(f"/deployments/{name}/create_flow_run", {"state": state, "parameters": given})

    def kill_in_mid_load(self, order: int, tick: float) -> None:
        """From `tick` on, loads stand still at this order; when those of all lanes do, they are killed -9."""
        with self.span(tick, tick, "killed in mid-load"):
            self.stack.sql(f"INSERT INTO ledger.held VALUES ({order})")
            at_work = "SELECT lane, pid FROM ledger.runs WHERE ended IS NULL AND " + STUCK
            stuck: list[dict[str, Any]] = []
            deadline = time.monotonic() + PATIENCE
            while missing := set(self.stack.lanes) - {run["lane"] for run in stuck}:
                if time.monotonic() > deadline:
                    lanes = ", ".join(sorted(missing))
                    raise Trouble(f"lane {lanes} has loaded nothing in {PATIENCE} s: look at its crontab or deployment")
                stuck = self.stack.sql(at_work)
            for run in stuck:
                ended = time.time()  # asked after the kill, it could be later than the start of the next run
                self.stack.compose("exec", "-T", run["lane"], "sh", "-c", f"kill -9 {run['pid']}")
                self.stack.sql(
                    f"UPDATE ledger.runs SET ended = to_timestamp({ended:.3f}), outcome = 'killed'"
                    f" WHERE lane = '{run['lane']}' AND pid = {run['pid']} AND ended IS NULL"
                )
            self.stack.sql("DELETE FROM ledger.held")


def size(given: str) -> float:
    """A size as Docker prints it, 12.5MiB or 1.2GiB, in MB."""
    units = {"GiB": 2**30, "MiB": 2**20, "KiB": 2**10, "B": 1}
    unit = next(unit for unit in units if given.endswith(unit))
    return float(given.removesuffix(unit)) * units[unit] / 10**6
