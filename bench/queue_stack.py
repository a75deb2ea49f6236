"""The stack of lesson 05 for the benchmarks of its queues: consumers by number, loads, and what the inbox says of them."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

from bench.containers import HOUSE
from engine.core import ROOT, UserError
from engine.docker import docker
from engine.images import ensure_stack
from engine.stacks import Project
from engine.web import free_port

LESSON = ROOT / "05-migration"
SUPPLIER = "http://feed:8005/stock"  # it answers after five milliseconds
INSIDE = ("--volume", f"{ROOT / 'bench/inside'}:{HOUSE}/bench/inside:ro", "--env", "PYTHONPATH=/lesson/flows")
PATIENCE = 900  # seconds; the machine may be busy


class Stack(Project):
    """The lesson's own services, on ports of its own; `queue` is whom its consumers consume from."""

    def __init__(self, name: str, broker: str, check: str = SUPPLIER) -> None:
        """`check` is whom a consumer asks about each order; nobody when it is empty."""
        ports = {"PREFECT_PORT": str(free_port()), "RABBITMQ_PORT": str(free_port())}
        settings = {"COMPOSE_PROFILES": "prefect", "CONSUME": broker, "CHECK_URL": check}
        super().__init__(LESSON, name, ports | settings)
        self.broker = broker
        ensure_stack(LESSON)

    def consumers(self, count: int, check: str | None = None) -> list[str]:
        """Have so many consumers, ready; their containers' ids."""
        if check is not None:
            self.env["CHECK_URL"] = check
        self.up("--scale", f"worker-queues={count}", "worker-queues", "worker-drain")
        return self.compose("ps", "--quiet", "worker-queues").split()

    def beside(self, *command: str, check: str = SUPPLIER) -> str:
        """Start a process in a container of its own, as a consumer would be started; its id."""
        options = ("--detach", "--no-deps", *INSIDE, "--env", f"CHECK_URL={check}")
        return self.compose("run", *options, "worker-queues", *command).splitlines()[-1]

    def inside(self, *command: str) -> str:
        """What a Python file prints that runs beside the consumers, and ends."""
        return self.compose(
            "run", "--rm", "-T", "--no-deps", *INSIDE, "worker-queues", "python", *command, timeout=PATIENCE
        )

    def load(self, count: int, *options: str) -> str:
        """Send orders; what the generator says."""
        words = ("python", "flows/load.py", self.broker, str(count), *options)
        return self.compose("exec", "-T", "worker-drain", *words, timeout=4 * PATIENCE)

    def judge(self, count: int, poison: float, seed: int) -> dict[str, int]:
        """What became of a load: see bench.inside.queues.judge."""
        words = (f"{HOUSE}/bench/inside/queues/judge.py", self.broker, str(count), str(poison), str(seed))
        told: dict[str, int] = json.loads(self.inside(*words).splitlines()[-1])
        return told

    def shop(self, query: str) -> list[list[str]]:
        """What the shop answers."""
        words = (
            "--user",
            "shop",
            "--password=beyond-cron",
            "--batch",
            "--skip-column-names",
            "shop",
            "--execute",
            query,
        )
        return [line.split("\t") for line in self.exec("shop", "mariadb", *words).splitlines()]

    def taken(self) -> int:
        """How many messages are in the inbox."""
        return int(self.shop("SELECT COUNT(*) FROM inbox")[0][0])

    def wait_for(self, done: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Ask twice a second until it is so. Raises UserError, with what did not come true."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                raise UserError(f"not within {seconds:.0f} s: {what}; the inbox has {self.taken()} messages")
            time.sleep(0.5)

    def all_taken(self, count: int) -> None:
        """Wait until the inbox has so many."""
        self.wait_for(lambda: self.taken() >= count, f"{count} orders are taken")

    def measured(self) -> dict[str, Any]:
        """What the inbox says of the load that it holds: messages a second, waiting (s), and shares of the consumers."""
        rows = self.shop(
            "SELECT consumer, UNIX_TIMESTAMP(taken_at), TIMESTAMPDIFF(MICROSECOND, sent_at, taken_at) / 1e6,"
            " UNIX_TIMESTAMP(sent_at) FROM inbox"
        )
        taken, waits = [float(row[1]) for row in rows], sorted(float(row[2]) for row in rows)
        by: dict[str, int] = {}
        for row in rows:
            by[row[0]] = by.get(row[0], 0) + 1
        seconds = max(taken) - min(float(row[3]) for row in rows)
        return {
            "messages": len(rows),
            "seconds": seconds,
            "rate": len(rows) / seconds,
            "median_wait": waits[len(waits) // 2],
            "p95_wait": waits[len(waits) * 95 // 100],
            "shares": sorted(by.values()),
        }

    def empty_inbox(self) -> None:
        """Forget what was measured."""
        self.shop("TRUNCATE inbox")

    def run(self, deployment: str, *options: str) -> None:
        """Run a deployment to its end. Raises UserError when it fails."""
        words = ("prefect", "deployment", "run", deployment, *options, "--watch")
        self.exec("worker-drain", *words)


def started_at(container: str) -> str:
    """When a container was started last: ISO, UTC."""
    return docker("inspect", "--format", "{{.State.StartedAt}}", container)


def project_name(what: str) -> str:
    """A name that no other run uses."""
    return os.environ.get("QUEUES_PROJECT") or f"bench-queues-{what}-{os.getpid()}"
