"""The lesson's stack for chaos: a Compose project of its own, and containers beside it that write, read and run."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from bench.containers import HOUSE, INSIDE, LESSON, PASSWORD, WAREHOUSE_IMAGE, require
from engine.core import UserError
from engine.docker import docker, lines
from engine.images import POSTGRES
from engine.stacks import Project
from engine.web import PrefectApi, free_port

LESSON_FLOWS = ("sales_etl", "reconcile")
NAIVE = ("naive",)
DEPLOYMENTS = ("sales-etl/every-2-minutes", "reconcile/nightly", "sales-etl/backfill")
LEFT_OUT = ("generator", "deployer")  # writers that do worse take the generator's place; the worker starts the deployer
ENV = ("--env", f"PYTHONPATH={HOUSE}", "--env", f"SHOP_URL=postgresql://shop:{PASSWORD}@shop:5432/shop")
STOP_DEADLINE = 60  # seconds for a container to end after a signal
START_DEADLINE = 30  # seconds for a run of a deployment to start


def python(module: str, *words: str) -> tuple[str, ...]:
    """The command that runs a module of bench.inside.chaos."""
    return ("python", "-B", "-u", "-m", f"bench.inside.chaos.{module}", *words)


@dataclass(frozen=True)
class Ended:
    """How a run of the ETL ended."""

    code: int
    killed: bool
    phase: str  # the last one that it was in
    took: float  # seconds
    times: dict[str, float]  # phase → seconds after its start at which it began
    arrived: dict[str, int]  # table → rows that came with a run that was killed in its load
    copied: list[str]  # tables of which all rows had come
    retries: int
    log: list[str]

    @property
    def last_words(self) -> str:
        """The end of its log."""
        return " ".join(self.log[-3:])


class Run:
    """A run of the ETL that is under way; bench.inside.chaos.runner makes it in its container."""

    def __init__(self, output: Iterator[str]) -> None:
        """`output` is that of the runner."""
        self.output = output
        self.ended: Ended | None = None

    def wait_for(self, phase: str) -> None:
        """Wait until it enters the phase, or has ended."""
        for line in self.output:
            message: dict[str, Any] = json.loads(line)
            if "code" in message:
                self.ended = Ended(**message)
            if self.ended or message["phase"] == phase:
                return
        raise UserError("the runner of the ETL ended without a result (try: docker events)")

    def wait(self) -> Ended:
        """Wait for its end. Raises UserError when its container is gone."""
        while not self.ended:
            self.wait_for("end")
        return self.ended


class Stack(Project):
    """`with Stack(flows) as stack:` has images and names, `stack.start` the containers; nothing is left at the end."""

    def __init__(self, flows: tuple[str, ...]) -> None:
        """Choose names; `flows` are run in the quiet at the end, in this order."""
        name = os.environ.get("CHAOS_PROJECT") or f"chaos-{os.getpid()}"
        self.port = free_port()
        super().__init__(LESSON, name, {"PREFECT_PORT": str(self.port)})
        self.flows = flows
        self.naive = flows == NAIVE
        self.writers: list[str] = []
        self.lines = 0
        self.worker_kills = 0
        self.api = PrefectApi(f"127.0.0.1:{self.port}", f"admin:{PASSWORD}")

    def __enter__(self) -> Self:
        """Have an engine and the images. Raises UserError when that is not possible."""
        require("chaos", POSTGRES, WAREHOUSE_IMAGE)
        return super().__enter__()

    def start(self, lines: int, writers: int) -> None:
        """Start the stack, fill its shop, and start writers, the reader, and the container in which the ETL runs."""
        services = ["shop", "warehouse"] if self.naive else self.compose("config", "--services").split()
        self.up(*[service for service in services if service not in LEFT_OUT])
        self.start_beside("etl", "sleep", "infinity")
        self.lines = json.loads(docker("exec", self.container("etl"), *python("workload", "seed", str(lines))))["lines"]
        self.writers = [f"writer-{number}" for number in range(writers)]
        for number, writer in enumerate(self.writers):
            self.start_beside(writer, *python("workload", "write", str(number)))
        self.start_beside("reader", *python("checker", "read"))

    def start_beside(self, name: str, *command: str) -> None:
        """Start a container with the image and settings of the worker, beside its services."""
        target = ("--env", "TARGET_PREFIX=naive_") if self.naive else ()
        options = ("--detach", "--no-deps", "--name", self.container(name), *ENV, *target, *INSIDE)
        self.compose("run", *options, "worker", *command)

    def run(self, flow: str, *, full: bool = False, phase: str = "after", seconds: float) -> Run:
        """A run of a flow, which is killed so many seconds after that phase began. It starts when it is waited for."""
        request = json.dumps({"flow": flow, "full": full, "phase": phase, "seconds": seconds})
        return Run(lines("exec", self.container("etl"), *python("runner", request)))

    def kill(self, service: str, away: float) -> None:
        """Kill -9 it, and start it again after so many seconds."""
        docker("kill", self.container(service))
        time.sleep(away)
        docker("start", self.container(service))

    def stop_postgres_at_once(self, away: float) -> None:
        """PostgreSQL's immediate shutdown, which is SIGQUIT: no checkpoint, every session cut."""
        self.stop("shop", "QUIT")
        time.sleep(away)
        docker("start", self.container("shop"))

    def restart(self, service: str) -> None:
        """Stop it as Docker does it, and start it again."""
        docker("restart", self.container(service))

    def cut(self, service: str, seconds: float) -> None:
        """Take it off the network for so many seconds; it comes back under its name."""
        network, container = f"{self.name}_default", self.container(service)
        docker("network", "disconnect", network, container)
        time.sleep(seconds)
        docker("network", "connect", "--alias", service, network, container)

    def kill_worker_in_a_run(self, seconds: float) -> bool:
        """Have the worker run a deployment, and kill its container so long after that began; whether it still ran."""
        deployment = self.api(f"/deployments/name/{DEPLOYMENTS[self.worker_kills % len(DEPLOYMENTS)]}")["id"]
        self.worker_kills += 1
        run = self.api(f"/deployments/{deployment}/create_flow_run", {})["id"]
        deadline = time.monotonic() + START_DEADLINE
        while self.state(run) in ("SCHEDULED", "PENDING") and time.monotonic() < deadline:
            time.sleep(0.3)
        time.sleep(seconds)
        running = self.state(run) == "RUNNING"
        self.kill("worker", 0.5)
        return running

    def state(self, run: str) -> str:
        """The type of a run's state, as Prefect's server knows it now."""
        return str(self.api(f"/flow_runs/{run}")["state"]["type"])

    def stop(self, name: str, signal: str = "TERM") -> None:
        """Send a signal to a container, and wait for its end. Raises UserError when it goes on."""
        docker("kill", "--signal", signal, self.container(name))
        docker("wait", self.container(name), timeout=STOP_DEADLINE)

    def last_answer(self, name: str) -> dict[str, int]:
        """Stop a writer or the reader; return what it counted."""
        self.stop(name)
        counts: dict[str, int] = json.loads(docker("logs", self.container(name)).splitlines()[-1])
        return counts

    def stop_writers(self) -> dict[str, int]:
        """Stop the writers, and the worker with its schedule; return what the writers did."""
        done: dict[str, int] = {}
        for writer in self.writers:
            for name, count in self.last_answer(writer).items():
                done[f"by the writers: {name}"] = done.get(f"by the writers: {name}", 0) + count
        if not self.naive:
            docker("kill", self.container("worker"))
        time.sleep(2)  # longer than the watermark's margin
        return done

    def compare(self) -> dict[str, Any]:
        """How many rows the two sides have in common, how many not, and examples of those."""
        counts: dict[str, Any] = json.loads(docker("exec", self.container("etl"), *python("checker", "compare")))
        return counts

    def stop_reader(self) -> dict[str, int]:
        """How often the reader has read, and what it saw."""
        return {"reads": 0, "duplicates": 0} | self.last_answer("reader")
