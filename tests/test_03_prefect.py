"""The stack of lesson 03: one copy of the lesson is started, watched at work and under faults, and taken down."""

import json
import os
import shutil
import subprocess
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from lab.engine import ROOT

pytestmark = pytest.mark.stack
PROJECT, PORT = "lab-test-prefect", "14203"
LOGIN = "admin:beyond-cron"
EVERY = "sales-etl/every-2-minutes"
NIGHT = 1  # seconds between the runs of the deployments that miss a night of ten intervals


class Stack:
    """The running stack: its folder, its commands, and its API."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.began = time.time()
        self.up_seconds = 0.0

    def compose(self, *words: str, check: bool = True, stdin: str | None = None) -> str:
        """What `docker compose` printed. With `check`, fails with its words when it fails."""
        env = {**os.environ, "COMPOSE_PROJECT_NAME": PROJECT, "PREFECT_PORT": PORT}
        command = ["docker", "compose", *words]
        ran = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, input=stdin)
        assert not check or ran.returncode == 0, f"docker compose {' '.join(words)}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def inside(self, *words: str, stdin: str | None = None) -> str:
        """What a command printed in a container of its own, with the settings of the deployer."""
        return self.compose("run", "--rm", "--no-deps", "-T", "deployer", *words, stdin=stdin)

    def ask(self, path: str, body: Any = None, login: str = LOGIN, method: str | None = None) -> Any:
        """The answer of the API. Raises HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://localhost:{PORT}/api{path}", data, method=method)
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Basic {b64encode(login.encode()).decode()}")
        with urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or "null")

    def runs(self, deployment: str, **filters: Any) -> list[dict[str, Any]]:
        """Runs of a deployment, the ones that are due first at the front."""
        chosen = {"deployments": {"name": {"any_": [deployment.split("/")[1]]}}, "flow_runs": filters}
        found: list[dict[str, Any]] = self.ask(
            "/flow_runs/filter", chosen | {"sort": "EXPECTED_START_TIME_ASC", "limit": 200}
        )
        return found

    def start_run(self, deployment: str, **parameters: Any) -> str:
        """The id of a new run."""
        number = self.ask(f"/deployments/name/{deployment}")["id"]
        run: str = self.ask(f"/deployments/{number}/create_flow_run", {"parameters": parameters})["id"]
        return run

    def state(self, run: str) -> str:
        name: str = self.ask(f"/flow_runs/{run}")["state_name"]
        return name


def until(true: Callable[[], Any], seconds: float) -> Any:
    """Ask every half second until the answer is true, and return it; the last answer when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := true()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return answer


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A copy: the lesson lives without the repository. Built before, so that the seconds are those of a start."""
    folder = tmp_path_factory.mktemp("lesson") / "03-prefect"
    shutil.copytree(ROOT / "03-prefect", folder, ignore=shutil.ignore_patterns(".venv", ".local", "__pycache__"))
    stack = Stack(folder)
    down = ("down", "--volumes", "--remove-orphans")
    stack.compose(*down)
    stack.compose("build", "--quiet")
    try:
        stack.began = time.time()
        stack.compose("up", "--detach", "--wait")
        stack.up_seconds = time.time() - stack.began
        yield stack
    finally:
        stack.compose(*down)


def test_up_ends_with_everything_healthy(stack: Stack) -> None:
    states = {}
    for line in stack.compose("ps", "--all", "--format", "json").splitlines():
        service = json.loads(line)
        states[service["Service"]] = service["Health"] or f"{service['State']} {service['ExitCode']}"
    assert states.pop("deployer") == "exited 0"
    assert states.pop("generator") == "running 0"
    assert states == dict.fromkeys(
        ["shop", "warehouse", "prefect-db", "prefect-server", "worker", "webhook"], "healthy"
    )


def test_the_first_run_completes_soon(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    done = until(lambda: stack.runs(EVERY, state={"name": {"any_": ["Completed", "Failed", "Crashed"]}}), 90)
    assert [run["state_name"] for run in done] == ["Completed"]
    seconds = time.time() - stack.began
    names = stack.compose("ps", "--quiet").split()
    printed = subprocess.run(
        ["docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *names],
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    used = {line.split()[0].removeprefix(f"{PROJECT}-")[:-2]: line.split()[1] for line in printed}
    with capsys.disabled():
        print(f"\nup {stack.up_seconds:.0f} s, first run completed after {seconds:.0f} s; memory: {used}")
    assert stack.up_seconds < 240 and seconds < 300  # a few times what a busy laptop needs


def test_scheduled_runs_appear(stack: Stack) -> None:
    """With other versions of Prefect's dependencies the server is healthy, and schedules nothing."""
    coming = stack.runs(EVERY, state={"name": {"any_": ["Scheduled"]}}, tags={"all_": ["auto-scheduled"]})
    assert len(coming) >= 29
    for deployment in ("reconcile/nightly", "daily-report/at-three"):
        assert len(stack.runs(deployment, tags={"all_": ["auto-scheduled"]})) >= 3
    assert stack.runs("sales-etl/backfill") == []


def test_a_wrong_password_is_refused(stack: Stack) -> None:
    assert stack.ask("/admin/version") == "3.8.8"
    for login in ("admin:wrong", ":", "beyond-cron:admin"):
        with pytest.raises(HTTPError, match="401"):
            stack.ask("/admin/version", login=login)


def test_the_browser_is_sent_to_localhost(stack: Stack) -> None:
    with urlopen(f"http://localhost:{PORT}/ui-settings") as answer:
        assert json.load(answer)["api_url"] == f"http://localhost:{PORT}/api"


def test_one_port_is_published_and_only_on_this_machine(stack: Stack) -> None:
    names = stack.compose("ps", "--all", "--quiet").split()
    printed = subprocess.run(["docker", "inspect", *names], capture_output=True, text=True).stdout
    ports = [
        host for box in json.loads(printed) for hosts in box["HostConfig"]["PortBindings"].values() for host in hosts
    ]
    assert ports == [{"HostIp": "127.0.0.1", "HostPort": PORT}]


UNKNOWN_KEYS = """
import sys, yaml
from prefect.cli.deploy._models import *
def unknown(given, model, where):
    return [f"{where}.{key}" for key in given if key not in model.model_fields]
file = yaml.safe_load(sys.argv[1])
found = unknown(file, PrefectYamlModel, "prefect.yaml")
for one in file["deployments"]:
    found += unknown(one, DeploymentConfig, one["name"])
    found += unknown(one["work_pool"], WorkPoolConfig, one["name"] + ".work_pool")
    found += unknown(one.get("concurrency_limit", {}), ConcurrencyLimitSpec, one["name"] + ".concurrency_limit")
    for schedule in one.get("schedules", []):
        found += unknown(schedule, RawScheduleConfig, one["name"] + ".schedules")
print(*found)
"""


def test_prefect_knows_every_key_of_prefect_yaml(stack: Stack) -> None:
    """Prefect ignores the others without a word."""
    right = (stack.folder / "prefect.yaml").read_text()
    wrong = right.replace("concurrency_limit:", "concurency_limit:", 1).replace("limit: 1,", "limits: 1,")
    assert stack.inside("python", "-c", UNKNOWN_KEYS, right).split() == []
    found = stack.inside("python", "-c", UNKNOWN_KEYS, wrong).split()
    assert found[0] == "every-2-minutes.concurency_limit" and "nightly.concurrency_limit.limits" in found


def test_a_second_up_scales_and_deploys_nothing_twice(stack: Stack) -> None:
    def objects() -> dict[str, set[str]]:
        paths = ("/deployments/filter", "/automations/filter", "/work_pools/filter", "/block_documents/filter")
        return {path: {f"{thing['name']} {thing['id']}" for thing in stack.ask(path, {})} for path in paths}

    def workers() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = stack.ask("/work_pools/lab/workers/filter", {})
        return found

    before = objects()
    assert [len(things) for things in before.values()] == [4, 2, 1, 1]
    stack.compose("up", "--detach", "--wait", "--scale", "worker=3")
    assert objects() == before
    assert len(stack.compose("ps", "--quiet", "worker").split()) == 3
    assert until(lambda: Counter(worker["status"] for worker in workers())["ONLINE"] == 3, 60), workers()


@pytest.fixture(scope="module")
def zombie(stack: Stack) -> str:
    """A run whose worker was killed. Made before the tests that wait most, so that its minutes pass meanwhile."""
    stack.compose("pause", "warehouse")
    run = stack.start_run("reconcile/nightly")
    assert until(lambda: stack.state(run) == "Running", 60)
    stack.compose("kill", "worker")
    stack.compose("unpause", "warehouse")
    stack.compose("up", "--detach", "--wait", "--no-deps", "worker")
    return run


def test_a_killed_worker_leaves_a_run_that_counts_as_running(stack: Stack, zombie: str) -> None:
    assert stack.state(zombie) == "Running"


def test_a_failed_run_raises_an_alert(stack: Stack) -> None:
    stack.compose("stop", "warehouse")
    try:
        run = stack.start_run("sales-etl/backfill", full=True)
        assert until(lambda: stack.state(run) == "Failed", 90), stack.state(run)
    finally:
        stack.compose("up", "--detach", "--wait", "--no-deps", "warehouse")
    said = f"sales-etl: run {stack.ask(f'/flow_runs/{run}')['name']} is Failed: "
    assert until(lambda: said in stack.compose("logs", "--no-log-prefix", "webhook"), 20)


def test_a_night_without_workers(stack: Stack) -> None:
    """Without workers, each deployment misses ten runs: with the tag the gate skips them."""
    stack.compose("kill", "worker")
    deploy = f"prefect --no-prompt deploy flows/daily_report.py:daily_report --pool lab --interval {NIGHT} --name"
    stack.inside("sh", "-c", f"{deploy} kept & {deploy} skipped --tag skip-missed & wait")
    waiting = stack.start_run("daily-report/at-three")

    def due(name: str) -> list[dict[str, Any]]:
        now = time.time()
        return [
            run
            for run in stack.runs(f"daily-report/{name}")
            if datetime.fromisoformat(run["expected_start_time"]).timestamp() < now - 1
        ]

    def let_ten_be_missed(name: str) -> None:
        """And no more, so that they can be counted; those that are due stay."""
        assert until(lambda: len(due(name)) >= 10, 90)
        deployment = stack.ask(f"/deployments/name/daily-report/{name}")
        path = f"/deployments/{deployment['id']}/schedules/{deployment['schedules'][0]['id']}"
        stack.ask(path, {"active": False}, method="PATCH")

    let_ten_be_missed("kept")
    let_ten_be_missed("skipped")

    def missed() -> Counter[str]:
        return Counter(run["state_name"] for run in due("kept"))

    assert until(lambda: missed()["Late"] >= 5, 60), missed()  # a label that comes after 15 to 20 seconds
    assert missed().keys() <= {"Late", "Scheduled"}

    def of_the_schedule() -> int:  # sales-etl has the tag too, and may have missed a run in that minute
        return len(stack.runs(EVERY, state={"name": {"any_": ["Skipped"]}}))

    before = of_the_schedule()
    said = stack.inside("env", "GRACE=1", "python", "skip_missed.py")
    count = len(due("skipped"))
    assert f"skipped {count + of_the_schedule() - before} missed runs" in said
    assert Counter(run["state_name"] for run in due("skipped")) == {"Skipped": count}

    stack.compose("up", "--detach", "--wait", "--no-deps", "worker")
    total = len(due("kept"))
    assert until(lambda: Counter(run["state_name"] for run in due("kept")) == {"Completed": total}, 300), [
        run["state_name"] for run in due("kept")
    ]
    assert Counter(run["state_name"] for run in due("skipped")) == {"Skipped": count}, "a skipped run ran after all"
    assert until(lambda: stack.state(waiting) == "Completed", 60), "the run that a person asked for is not skipped"
    assert "daily-report: run " in stack.compose("logs", "webhook") and "is Late" in stack.compose("logs", "webhook")


def test_a_run_without_heartbeat_is_crashed(stack: Stack, zombie: str) -> None:
    assert until(lambda: stack.state(zombie) == "Crashed", 120), "no heartbeat, and still Running"


def test_the_schedule_is_kept(stack: Stack) -> None:
    done = until(
        lambda: stack.runs(EVERY, state={"name": {"any_": ["Completed"]}}, tags={"all_": ["auto-scheduled"]}), 130
    )
    assert done, "no run of the schedule has completed"


def test_down_leaves_nothing(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    began = time.monotonic()
    stack.compose("down", "--volumes", "--remove-orphans")
    with capsys.disabled():
        print(f"\ndown {time.monotonic() - began:.1f} s")
    for kind in ("container", "volume", "network"):
        mine = ("docker", kind, "ls", "--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}")
        assert subprocess.run(mine, capture_output=True, text=True).stdout == "", kind
