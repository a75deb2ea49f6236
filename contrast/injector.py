"""What a fault breaks things with: it acts on the lanes, by the clock of the scenario run."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from math import ceil
from statistics import median
from typing import Any

from contrast.stack import TICK, Stack
from engine.core import UserError
from engine.docker import docker, size

LOAD_DEADLINE = 60  # seconds until each lane has a load that can be killed
# Of each lane with a load that stands still in ledger.stand_still(): the oldest run at work. Later ones wait for nothing.
STANDING_STILL = """SELECT DISTINCT ON (lane) lane, pid FROM ledger.runs WHERE ended IS NULL AND EXISTS
    (SELECT FROM pg_stat_activity WHERE usename = lane AND wait_event = 'PgSleep')
    AND lane IN (SELECT lane FROM ledger.held) ORDER BY lane, id"""
RECOVERED = """SELECT DISTINCT lane FROM ledger.runs AS after WHERE outcome = 'ok' AND started >
    (SELECT max(ended) FROM ledger.runs WHERE lane = after.lane AND outcome = 'killed')"""


class FaultInjector:
    """What a fault may do to the lanes in one scenario run."""

    def __init__(self, stack: Stack, t0: float, ticks: int, tick: float = TICK) -> None:
        """Tick 0 is at `t0`, in Unix seconds; each takes `tick` seconds."""
        self.stack, self.t0, self.ticks, self.tick = stack, t0, ticks, tick
        self.spans: list[tuple[float, float, str]] = []
        self.measured: dict[str, Any] = {}  # lane → what else a fault has measured, as JSON can hold it
        self.by_hand = float("inf")  # from this tick on, what cron does not record was started by a person

    @property
    def now(self) -> float:
        """The time, in ticks."""
        return (time.time() - self.t0) / self.tick

    def at(self, tick: float) -> None:
        """Wait for a moment of the scenario run, in ticks."""
        self.stack.wait(max(0.0, self.t0 + tick * self.tick - time.time()))

    @contextmanager
    def span(self, start: float, end: float, label: str) -> Iterator[None]:
        """The body runs at tick `start`; it has lasted until tick `end` when this is left."""
        self.at(start)
        began = self.now
        yield
        self.spans.append((round(began, 2), round(self.now, 2), label))

    def upstream(self, start: float, end: float, label: str, **settings: object) -> None:
        """The upstream behaves so from one tick to another; see contrast/inside/upstream.py."""
        with self.span(start, end, label):
            self.stack.admin(**settings)
            self.at(end)
            self.stack.admin(status=200, hold=False, token="")

    def schedulers(self, start: float, end: float, label: str, halt: str, resume: str) -> None:
        """Cron, and Prefect's server and worker, are halted and resumed by these commands of docker, all at once."""
        services = [*self.stack.lanes, *(["prefect-server"] if "prefect" in self.stack.lanes else [])]
        with ThreadPoolExecutor(len(services)) as pool, self.span(start, end, label):
            list(pool.map(lambda service: docker(halt, self.stack.container(service)), services))
            self.at(end)
            list(pool.map(lambda service: docker(resume, self.stack.container(service)), services))
        self.stack.addresses.pop("prefect-server", None)  # has another port when it is started again

    def usage(self, services: list[str], times: int = 3) -> list[tuple[float, float]]:
        """What the containers of services use, each by the median of so many reads: memory in MB, percent of a core."""
        containers = [self.stack.container(service) for service in services]
        read = ("stats", "--no-stream", "--format", "{{.MemUsage}} {{.CPUPerc}}", *containers)
        reads = [docker(*read).splitlines() for _ in range(times)]
        return [
            (
                median(size(line) / 10**6 for line in lines),
                median(float(line.split()[-1].rstrip("%")) for line in lines),
            )
            for lines in zip(*reads, strict=True)
        ]

    def plan(self, deployment: str, tick: float, parameters: list[dict[str, str]]) -> None:
        """Have a run of a Prefect deployment planned for `tick`, for each of these parameters.

        Each has a key of its own, by which the server knows a call that is repeated.
        """
        due = datetime.fromtimestamp(self.t0 + tick * self.tick, UTC).isoformat()
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
        for name in self.stack.deployments(deployment) if "prefect" in self.stack.lanes else []:
            for number, given in enumerate(parameters):
                run = {"state": state, "parameters": given, "idempotency_key": f"{name} {due} {number}"}
                self.stack.prefect(f"/deployments/{name}/create_flow_run", run)

    def kill_in_mid_load(self, order: int, tick: float) -> None:
        """From `tick` on, loads stand still at this order; that of each lane is killed -9 as soon as it does.

        The scenario run then lasts until each lane has had a run that went well after that, however busy the machine.
        """
        lanes = set(self.stack.lanes)
        with self.span(tick, tick, "killed in mid-load"):
            self.stack.sql("".join(f"INSERT INTO ledger.held VALUES ('{lane}', {order});" for lane in lanes))
            deadline = time.monotonic() + LOAD_DEADLINE
            while lanes:
                if time.monotonic() > deadline:
                    late = ", ".join(sorted(lanes))
                    raise UserError(
                        f"lane {late} has loaded nothing in {LOAD_DEADLINE} s: look at its crontab or deployment"
                    )
                for run in self.stack.sql(STANDING_STILL):
                    self.kill(run["lane"], run["pid"])
                    lanes.remove(run["lane"])
        deadline = time.monotonic() + LOAD_DEADLINE
        while len(self.stack.sql(RECOVERED)) < len(self.stack.lanes) and time.monotonic() < deadline:
            self.stack.wait(0.3)
        self.ticks = max(self.ticks, ceil(self.now) + 1)

    def kill(self, lane: str, pid: int) -> None:
        """Kill a load that stands still, and let the next ones of its lane pass."""
        ended = time.time()  # asked after the kill, it could be later than the start of the next run
        self.stack.inside(lane, "sh", "-c", f"kill -9 {pid}")
        self.stack.sql(
            f"UPDATE ledger.runs SET ended = to_timestamp({ended:.3f}), outcome = 'killed'"
            f" WHERE lane = '{lane}' AND pid = {pid} AND ended IS NULL; DELETE FROM ledger.held WHERE lane = '{lane}'"
        )
