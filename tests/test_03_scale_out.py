"""Lesson 03 with two of each: API, services and worker. One of each is killed, and no run is lost or starts twice."""

import json
import os
import shutil
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from support.engine import until

from engine.core import ROOT
from engine.docker import docker

pytestmark = pytest.mark.stack
PROJECT, PORTS = "lab-test-scale-out", ("14206", "14207")
TWO = ("prefect-server", "prefect-services", "worker")
FLOW = """
from pathlib import Path
from prefect import flow
from prefect.runtime import flow_run

@flow
def tick() -> None:
    with Path("/results/ticks").open("a") as file:
        file.write(f"{flow_run.id}\\n")
"""
PLAN = """
deployments:
  - name: {name}
    entrypoint: flows/tick.py:tick
    work_pool: {{ name: lab }}
    schedules: [{{ slug: often, interval: 20 }}]
"""


class Stack:
    """The stack, without shop and warehouse, which its flow does not need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = PORTS[0]

    def compose(self, *words: str, stdin: str | None = None) -> str:
        ports = {"PREFECT_PORT": PORTS[0], "PREFECT_LAST_PORT": PORTS[1]}
        files = {"COMPOSE_FILE": "docker-compose.yml:scale-out.yml", "COMPOSE_PROJECT_NAME": PROJECT}
        return docker("compose", *words, cwd=self.folder, env=os.environ | ports | files, stdin=stdin)

    def inside(self, command: str, stdin: str | None = None) -> str:
        """What a command printed in a container of the deployer."""
        return self.compose("run", "--rm", "--no-deps", "-T", "deployer", "sh", "-ec", command, stdin=stdin)

    def deploy(self, name: str) -> None:
        self.inside(
            "cat > /tmp/p.yaml; prefect --no-prompt deploy --all --prefect-file /tmp/p.yaml", PLAN.format(name=name)
        )

    def runs(self, name: str, *states: str) -> list[dict[str, Any]]:
        wanted = {"deployments": {"name": {"any_": [name]}}, "limit": 200}
        body = wanted | ({"flow_runs": {"state": {"name": {"any_": states}}}} if states else {})
        request = Request(f"http://localhost:{self.port}/api/flow_runs/filter", json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Basic {b64encode(b'admin:beyond-cron').decode()}")
        with urlopen(request, timeout=30) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found

    def states(self, name: str) -> Counter[str]:
        return Counter(run["state_name"] for run in self.runs(name))

    def kill(self, service: str) -> str:
        """Kill one of the two containers of a service, which Docker does not start again; return the other."""
        killed, left = self.compose("ps", "--quiet", service).split()
        docker("kill", killed)
        return left


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("lesson") / "03-prefect"
    shutil.copytree(ROOT / "03-prefect", folder, ignore=shutil.ignore_patterns(".venv", ".local", "__pycache__"))
    (folder / "flows/tick.py").write_text(FLOW)
    stack = Stack(folder)
    down = ("down", "--volumes", "--remove-orphans", "--timeout", "1")
    scale = {service: f"--scale={service}=2" for service in TWO}
    stack.compose(*down)
    stack.compose("build", "--quiet")
    try:
        stack.compose("up", "--detach", "--wait", "prefect-server")  # one: two that make the tables fail
        stack.compose("up", "--detach", "--wait", scale[TWO[0]], scale[TWO[1]], *TWO[:2])
        stack.inside("prefect work-pool create lab --type process")
        stack.deploy("before")
        stack.compose("up", "--detach", "--wait", "--no-deps", scale["worker"], "worker")
        yield stack
    finally:
        stack.compose(*down)


def test_one_of_each_may_be_killed_and_no_run_starts_twice(stack: Stack) -> None:
    assert [len(stack.compose("ps", "--quiet", service).split()) for service in TWO] == [2, 2, 2]
    assert until(lambda: len(stack.runs("before", "Completed")) >= 2, 240), stack.states("before")

    stack.port = docker("port", stack.kill("prefect-server"), "4200").rpartition(":")[2]
    stack.kill("prefect-services")
    stack.kill("worker")
    done = len(stack.runs("before", "Completed"))
    stack.deploy("after")  # which nobody but the services that are left can plan
    assert until(lambda: len(stack.runs("after", "Completed")) >= 2, 240), stack.states("after")
    assert until(lambda: len(stack.runs("before", "Completed")) >= done + 2, 240), stack.states("before")

    for name in ("before", "after"):
        times = Counter(run["expected_start_time"] for run in stack.runs(name))
        assert [time for time, count in times.items() if count > 1] == []
    completed = {run["id"] for name in ("before", "after") for run in stack.runs(name, "Completed")}
    ran = Counter(stack.inside("cat /results/ticks").split())
    assert [run for run, count in ran.items() if count > 1] == []
    assert ran.keys() >= completed
