"""The stack of lesson 05 for the benchmarks of its queues: consumers by number, loads, and what the inbox says of them."""

import json
import os
import time
from typing import Any

from bench.containers import HOUSE
from engine.core import ROOT, UserError
from engine.docker import docker
from engine.images import ensure_stack
from engine.stacks import Project

LESSON = ROOT / "05-migration"
SUPPLIER = "http://feed:8005/stock"  # it answers after five milliseconds
INSIDE = ("--volume", f"{ROOT / 'bench/inside'}:{HOUSE}/bench/inside:ro", "--env", "PYTHONPATH=/lesson/flows")
PATIENCE = 900  # seconds; the machine may be busy


class Stack(Project):
    """The lesson's own services, on free ports; its consumers take from one broker."""

    def __init__(self, name: str, broker: str) -> None:
        """Nothing is started yet. Each consumer asks the supplier about an order."""
        ports = {"PREFECT_PORT": "0", "RABBITMQ_PORT": "0"}
        settings = {"COMPOSE_PROFILES": "prefect", "CONSUME": broker, "CHECK_URL": SUPPLIER}
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

    def load(self, count: int, *options: str) -> str:
        """Send orders; what the generator says."""
        words = ("python", "flows/load.py", self.broker, str(count), *options)
        return self.compose("exec", "-T", "worker-drain", *words, timeout=4 * PATIENCE)

    def judge(self, count: int, poison: float, seed: int) -> dict[str, int]:
        """What became of a load: see bench.inside.queues.judge."""
        words = (f"{HOUSE}/bench/inside/queues/judge.py", self.broker, str(count), str(poison), str(seed))
        options = ("run", "--rm", "-T", "--no-deps", *INSIDE, "worker-queues", "python")
        told: dict[str, int] = json.loads(self.compose(*options, *words, timeout=PATIENCE).splitlines()[-1])
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

    def all_taken(self, count: int) -> None:
        """Wait until the inbox has so many. Raises UserError when it has fewer after PATIENCE seconds."""
        deadline = time.monotonic() + PATIENCE
        while (taken := self.taken()) < count:
            if time.monotonic() > deadline:
                raise UserError(f"{taken} of {count} orders are taken after {PATIENCE} s (try: lab doctor)")
            time.sleep(0.5)

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
