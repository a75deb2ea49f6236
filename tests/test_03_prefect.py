"""The stack of lesson 03: one copy of the lesson is started, watched at work and under faults, and taken down."""

import json
import os
import re
import shutil
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from support.engine import until
from support.notes import note

from engine.core import ROOT
from engine.docker import docker, size

pytestmark = pytest.mark.stack
PROJECT, PORT = "lab-test-prefect", "14203"
LOGIN = "admin:beyond-cron"
EVERY = "sales-etl/every-2-minutes"
NIGHT = 1  # seconds between the runs of the deployment that misses a night


class Stack:
    """The running stack: its folder, its commands, and its API."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.began = time.time()
        self.up_seconds = 0.0

    def compose(self, *words: str, stdin: str | None = None) -> str:
        """What `docker compose` prints in this stack."""
        env = os.environ | {"COMPOSE_PROJECT_NAME": PROJECT, "PREFECT_PORT": PORT}
        return docker("compose", *words, cwd=self.folder, env=env, stdin=stdin)

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


def test_the_first_run_completes(stack: Stack) -> None:
    done = until(lambda: stack.runs(EVERY, state={"name": {"any_": ["Completed", "Failed", "Crashed"]}}), 240)
    assert [run["state_name"] for run in done] == ["Completed"]
    seconds = time.time() - stack.began
    names = stack.compose("ps", "--quiet").split()
    printed = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *names).splitlines()
    used = {line.split()[0].removeprefix(f"{PROJECT}-")[:-2]: line.split()[1] for line in printed}
    note("prefect-up", stack.up_seconds)
    note("prefect-first-run", seconds)
    note("prefect-idle", sum(map(size, used.values())) / 1e6)


def test_scheduled_runs_appear(stack: Stack) -> None:
    """With other versions of Prefect's dependencies the server is healthy, and schedules nothing."""
    coming = stack.runs(EVERY, state={"name": {"any_": ["Scheduled"]}}, tags={"all_": ["auto-scheduled"]})
    assert len(coming) >= 29
    for deployment in ("reconcile/nightly", "daily-report/at-three"):
        assert len(stack.runs(deployment, tags={"all_": ["auto-scheduled"]})) >= 3
    assert stack.runs("sales-etl/backfill") == []


def test_a_wrong_password_is_refused(stack: Stack) -> None:
    assert f"prefect=={stack.ask('/admin/version')}\n" in (stack.folder / "requirements.txt").read_text()
    for login in ("admin:wrong", ":", "beyond-cron:admin"):
        with pytest.raises(HTTPError, match="401"):
            stack.ask("/admin/version", login=login)


def test_the_browser_is_sent_to_localhost(stack: Stack) -> None:
    with urlopen(f"http://localhost:{PORT}/ui-settings") as answer:
        assert json.load(answer)["api_url"] == f"http://localhost:{PORT}/api"


def test_one_port_is_published_and_only_on_this_machine(stack: Stack) -> None:
    names = stack.compose("ps", "--all", "--quiet").split()
    printed = docker("inspect", *names)
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

    def planned() -> set[str]:
        deployments = (EVERY, "reconcile/nightly", "daily-report/at-three")
        return {run["id"] for name in deployments for run in stack.runs(name, state={"name": {"any_": ["Scheduled"]}})}

    before, coming = objects(), planned()
    assert [len(things) for things in before.values()] == [4, 2, 1, 1]
    stack.compose("up", "--detach", "--wait", "--scale", "worker=3")
    assert objects() == before
    assert "unchanged: every-2-minutes, backfill, nightly, at-three" in stack.compose("logs", "deployer")
    assert len(coming & planned()) >= 30, "deployed again, and all that was planned is planned anew"
    assert len(stack.compose("ps", "--quiet", "worker").split()) == 3
    assert until(lambda: Counter(worker["status"] for worker in workers())["ONLINE"] == 3, 240), workers()


def test_deployed_a_hundred_times_around_a_tick(stack: Stack) -> None:
    """A schedule with a slug has no time planned twice; one without has, which shows that the test can fail.

    That planning anew loses no time is shown in lesson 05, whose deployer does the same.
    """
    stack.ask("/work_pools/", {"name": "claimed", "type": "process"})
    like = stack.ask("/deployments/name/daily-report/at-three")
    every = {"interval": 6, "anchor_date": "2026-01-01T00:00:00Z"}
    plans: dict[str, dict[str, Any]] = {
        "plain": {"schedules": [{"schedule": every}]},
        "slug": {"schedules": [{"schedule": every, "slug": "often"}]},
    }
    deployments = {}
    for name, plan in plans.items():
        body = {"name": name, "flow_id": like["flow_id"], "entrypoint": like["entrypoint"], "work_pool_name": "claimed"}
        deployments[name] = stack.ask("/deployments/", body | plan)["id"]

    def planned_twice(name: str) -> list[str]:
        times = Counter(run["expected_start_time"] for run in stack.runs(f"daily-report/{name}"))
        return [time for time, count in times.items() if count > 1]

    def claim() -> int:
        """As a worker does ten seconds before a run is due: it is no longer Scheduled, so a deploy does not remove it."""
        before = datetime.fromtimestamp(time.time() + 10, UTC).isoformat()
        due = stack.ask("/work_pools/claimed/get_scheduled_flow_runs", {"scheduled_before": before})
        for run in due:
            stack.ask(f"/flow_runs/{run['flow_run']['id']}/set_state", {"state": {"type": "PENDING"}})
        return len(due)

    claimed, count, deadline = 0, 0, time.monotonic() + 180
    while (count < 100 or not planned_twice("plain")) and time.monotonic() < deadline:
        claimed += claim()
        for name, plan in plans.items():
            stack.ask(f"/deployments/{deployments[name]}", plan, method="PATCH")  # what `prefect deploy` sends
        count += 1
    assert planned_twice("plain"), f"without a slug, {claimed} claimed runs were not planned again"
    assert planned_twice("slug") == []
    for name in deployments.values():
        stack.ask(f"/deployments/{name}", method="DELETE")


def test_a_night_that_was_skipped_stays_so(stack: Stack) -> None:
    """No skipped run runs after all, one that a person asked for does, and somebody is told of the late ones."""
    stack.compose("kill", "worker")
    deploy = f"flows/daily_report.py:daily_report --pool lab --interval {NIGHT} --name skipped --tag skip-missed"
    stack.inside("prefect", "--no-prompt", "deploy", *deploy.split())
    waiting = stack.start_run("daily-report/at-three")

    def missed() -> list[dict[str, Any]]:
        now = time.time() - 1
        runs = stack.runs("daily-report/skipped")
        return [run for run in runs if datetime.fromisoformat(run["expected_start_time"]).timestamp() < now]

    assert until(lambda: len(missed()) >= 10, 240)
    deployment = stack.ask("/deployments/name/daily-report/skipped")
    schedule = f"/deployments/{deployment['id']}/schedules/{deployment['schedules'][0]['id']}"
    stack.ask(schedule, {"active": False}, method="PATCH")  # no more, so that they can be counted
    # A label that comes after 15 to 20 seconds, and that the alert names.
    assert until(lambda: re.search(r"daily-report: run .* is Late", stack.compose("logs", "webhook")), 240)

    def of_the_schedule() -> int:  # sales-etl has the tag too, and may have missed a run in that minute
        return len(stack.runs(EVERY, state={"name": {"any_": ["Skipped"]}}))

    before = of_the_schedule()
    said = stack.inside("env", "GRACE=1", "python", "deploy/skip_missed.py")
    count = len(missed())
    assert f"skipped {count + of_the_schedule() - before} missed runs" in said
    stack.compose("up", "--detach", "--wait", "--no-deps", "worker")
    assert until(lambda: stack.state(waiting) == "Completed", 240), "the run that a person asked for"
    assert Counter(run["state_name"] for run in missed()) == {"Skipped": count}, "a skipped run ran after all"


def test_the_schedule_is_kept(stack: Stack) -> None:
    """One of the next three scheduled times, which are two minutes apart: a busy worker may be late for the first."""
    done = until(
        lambda: stack.runs(EVERY, state={"name": {"any_": ["Completed"]}}, tags={"all_": ["auto-scheduled"]}), 400
    )
    assert done, "no run of the schedule has completed"


def test_down_kills_nothing_and_leaves_nothing(stack: Stack) -> None:
    """With a deadline longer than Docker's ten seconds, so that a busy machine kills nothing either (exit code 137)."""
    stack.compose("stop", "--timeout", "60")
    boxes = json.loads(docker("inspect", *stack.compose("ps", "--all", "--quiet").split()))
    codes = {box["Config"]["Labels"]["com.docker.compose.service"]: box["State"]["ExitCode"] for box in boxes}
    assert len(codes) == 8 and set(codes.values()) <= {0, 143}, codes
    stack.compose("down", "--volumes", "--remove-orphans")
    for kind in ("container", "volume", "network"):
        mine = f"label=com.docker.compose.project={PROJECT}"
        assert docker(kind, "ls", "--quiet", "--filter", mine) == "", kind
