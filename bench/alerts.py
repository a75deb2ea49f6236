"""`python -m bench.alerts`: how long each alert of lesson 05 takes from its cause to the pager, and what watching costs.

On a stack of its own. Environment: REPEAT (3 times each).
"""

import json
import os
import time
from collections.abc import Callable
from datetime import datetime
from statistics import median
from typing import Any
from urllib.parse import urlencode

from bench.arguments import arguments
from bench.report import machine, write
from engine.core import ROOT, UserError, positive, program, step
from engine.docker import docker, require_engine, size
from engine.images import ensure_stack
from engine.markdown import table
from engine.stacks import Project
from engine.web import PrefectApi, call

LESSON, NAME = ROOT / "05-migration", f"bench-alerts-{os.getpid()}"
WATCHING = ("prometheus", "alertmanager", "pager", "prefect-exporter", "grafana", "jaeger")
ENV = {
    "COMPOSE_PROFILES": "prefect,monitoring",
    **{
        f"{name}_PORT": "0"
        for name in ("PROMETHEUS", "ALERTMANAGER", "PAGER", "GRAFANA", "JAEGER", "RABBITMQ", "PREFECT")
    },
}
CAUSES = {
    "FlowFailed": "a run fails, for the warehouse has stopped",
    "RunLate": "a run is due, and its worker has stopped",
    "QueueGrows": "600 orders in the queue of the legacy worker, which is not there",
    "TargetDown": "the exporter is stopped",
    "PrefectDown": "Prefect's server is stopped",
    "MonitorSilent": "Prometheus is stopped",
}
PATIENCE = 240  # seconds
ORDERS = """
import json, sys
sys.path.insert(0, "flows")
from systems import rabbitmq
channel = rabbitmq().channel()
channel.queue_declare("orders", durable=True)
for number in range(600):
    channel.basic_publish("", "orders", json.dumps({"id": f"drill-{number}", "product": 1, "quantity": 1}))
"""


class Drill:
    """Causes alerts on a running stack, and counts the seconds until the pager has them."""

    def __init__(self, stack: Project) -> None:
        """`stack` is up, with the profiles prefect and monitoring. Raises UserError when Prometheus sees no flow of it."""
        self.stack = stack
        self.pager = f"http://{stack.address('pager', 8006)}/alerts"
        deploy = "prefect --no-prompt deploy --all --prefect-file monitoring/prefect.yaml"
        stack.exec("worker-scheduler", *deploy.split())
        self.probe = self.prefect("/deployments/name/probe/every-5-minutes")["id"]
        zero = urlencode({"query": 'prefect_flow_runs_ended_total{flow="probe", state="FAILED"}'})
        asked = f"http://{stack.address('prometheus', 9090)}/api/v1/query?{zero}"
        deadline = time.monotonic() + PATIENCE
        while not call(asked)["data"]["result"]:  # or its first failure would be no increase
            if time.monotonic() > deadline:
                raise UserError(f"Prometheus knows no probe after {PATIENCE} s (try: docker compose logs prometheus)")
            time.sleep(0.5)

    @property
    def prefect(self) -> PrefectApi:
        """Prefect's API. Its port is another one when the server has been stopped and started."""
        return PrefectApi(self.stack.address("prefect-server", 4200), "admin:beyond-cron", patience=PATIENCE)

    def received(self, alert: str, since: float, status: str = "firing") -> float:
        """When the pager got an alert, in seconds of the epoch. Raises UserError when it does not come."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for one in reversed(call(self.pager)):
                at = datetime.fromisoformat(one["at"]).timestamp()
                if (one["alert"], one["status"]) == (alert, status) and at >= since:
                    return at
            time.sleep(0.5)
        raise UserError(f"the pager has no {alert}, {status}, after {PATIENCE} s (try: docker compose logs pager)")

    def run(self) -> str:
        """Start a run of the probe; return its id."""
        return str(self.prefect(f"/deployments/{self.probe}/create_flow_run", {})["id"])

    def fail(self) -> float:
        """Let a run fail; return when it did."""
        self.stack.compose("stop", "--timeout", "1", "warehouse")
        id, deadline = self.run(), time.monotonic() + PATIENCE
        while (run := self.prefect(f"/flow_runs/{id}"))["state_type"] != "FAILED":
            if time.monotonic() > deadline:
                raise UserError(f"the run is {run['state_name']} after {PATIENCE} s, and was to fail")
            time.sleep(0.5)
        self.stack.compose("start", "warehouse")
        return datetime.fromisoformat(run["end_time"]).timestamp()

    def delay(self) -> float:
        """Let a run be late; return when it was due."""
        self.stack.compose("stop", "worker-drain")
        return datetime.fromisoformat(self.prefect(f"/flow_runs/{self.run()}")["expected_start_time"]).timestamp()

    def crowd(self) -> float:
        """Let a queue grow; return when its last order was sent."""
        self.stack.exec("worker-scheduler", "python", "-", stdin=ORDERS)
        return time.time()

    def stop(self, service: str) -> float:
        """Stop a service; return when it had ended."""
        self.stack.compose("stop", "--timeout", "5", service)
        return time.time()

    def all(self) -> dict[str, float]:
        """Cause every alert, and mend everything; return the seconds that each took."""
        caused = {"FlowFailed": self.fail(), "RunLate": self.delay(), "QueueGrows": self.crowd()}
        took = {alert: self.received(alert, at) - at for alert, at in caused.items()}
        self.stack.exec("rabbitmq", "rabbitmqctl", "--quiet", "purge_queue", "orders")
        for alert, service in (("TargetDown", "prefect-exporter"), ("PrefectDown", "prefect-server")):
            took[alert] = self.received(alert, at := self.stop(service)) - at
            self.stack.up(service)
        took["MonitorSilent"] = self.received("MonitorSilent", at := self.stop("prometheus")) - at
        self.stack.up()
        self.received("MonitorSilent", at, "resolved")
        return took


def memory(stack: Project) -> dict[str, float]:
    """The memory of each service that watches, in bytes."""
    told = docker("stats", "--no-stream", "--format", "json", *map(stack.container, WATCHING))
    lines = {line["Name"]: line["MemUsage"] for line in map(json.loads, told.splitlines())}
    return {service: size(lines[stack.container(service)]) for service in WATCHING}


def timed(work: Callable[[], object]) -> float:
    """The seconds that something takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def text(took: dict[str, list[float]], seconds: float, used: dict[str, float], repeat: int) -> str:
    """What was measured, as Markdown."""
    rows = [
        [alert, CAUSES[alert], f"{median(times):.0f}", f"{min(times):.0f} to {max(times):.0f}"]
        for alert, times in took.items()
    ]
    first = table(["Alert", "Cause", "Seconds to the pager", "From, to"], rows)
    parts = ", ".join(f"{service} {bytes / 2**20:.0f} MB" for service, bytes in used.items())
    return (
        f"{first}\n\nThe median of {repeat}, and the extremes. To start the six services of the profile took {seconds:.0f} s;"
        f" idle, they took {sum(used.values()) / 2**20:.0f} MB: {parts}."
    )


def main() -> None:
    """Measure, and write bench/results/alerts.*."""
    arguments(__doc__)
    repeat = positive("REPEAT", 3)
    require_engine("this benchmark")
    ensure_stack(LESSON)
    with Project(LESSON, NAME, ENV | {"COMPOSE_PROFILES": "prefect"}) as watched:
        with step("starting the stack of lesson 05"):
            watched.up()
        stack = Project(LESSON, NAME, ENV)
        with step("starting what watches it"):
            seconds = timed(stack.up)
        drill = Drill(stack)
        used = memory(stack)
        took: dict[str, list[float]] = {alert: [] for alert in CAUSES}
        for turn in range(repeat):
            with step(f"causing each alert, {turn + 1} of {repeat}"):
                for alert, delay in drill.all().items():
                    took[alert].append(delay)
    data: dict[str, Any] = {"machine": machine(), "repeat": repeat, "seconds": took, "up": seconds, "memory": used}
    write("alerts", data, text(took, seconds, used, repeat))


if __name__ == "__main__":
    program(main)
