"""The concept map: every snippet of 04-incidents/terms runs on one Prefect server, and is judged by what it did there."""

import json
import re
import time
from calendar import monthrange
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
from cronsim import CronSim
from support.engine import until

from docs import old_forms
from engine.core import ROOT, UserError
from engine.docker import build, docker
from engine.web import PrefectApi

pytestmark = pytest.mark.stack
TERMS = ROOT / "04-incidents/terms"
ENDS = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
NAME, IMAGE = "terms-test", "beyond-cron-terms"
PATIENCE = 240  # seconds
# What SQLite locks for when it writes at the same time, and no snippet needs. The scheduler plans, as at home.
IDLE = ("LATE_RUNS", "EVENT_PERSISTER", "TRIGGERS", "FOREMAN", "CANCELLATION_CLEANUP", "PAUSE_EXPIRATIONS")
# Snippet → what it prints, the states of its flow runs, and those of its task runs.
SNIPPETS: dict[str, tuple[str, list[str], dict[str, int]]] = {
    "flow_and_task": ("3 rows", ["Completed"], {"Completed": 3}),
    "dependencies": ("extract, create, insert 3 rows", ["Completed"], {"Completed": 3}),
    "parameters": (
        "top 3 of 02 January 2026\nFlow run received invalid parameters:\n"
        " - day: Input should be a valid date or datetime, input is too short",
        ["Completed", "Failed"], {},
    ),
    "branches": ("sent: tow truck\nsent: pump\nnobody sent", ["Completed"] * 3, {"Completed": 5}),
    "mapping": ("1a 1b 2a 2b 4a 4b", ["Completed"], {"Completed": 3, "Failed": 1}),
    "states": (
        "COMPLETED Completed False None\nCOMPLETED Skipped False nothing new\n"
        "FAILED Failed True Task run encountered an exception ValueError: fewer rows than none",
        ["Completed"], {"Completed": 1, "Skipped": 1, "Failed": 1},
    ),
    "triggers": (
        "all_finished, any_failed, any_successful",
        ["Completed"], {"Completed": 4, "Failed": 1, "NotReady": 1},
    ),
    "retries": ("rows after 3 attempts", ["Completed"], {"Completed": 1}),
    "hooks": ("etl is Failed: Flow run encountered an exception: ValueError: no rows", ["Failed"], {}),
    "results": ("extract.json [1, 2, 3]", ["Completed"], {"Completed": 1}),
    "targets": ("3 runs of the flow, 2 of the task", ["Completed"] * 3, {"Completed": 2, "Cached": 1}),
    "cache_inputs": ("3 runs of the flow, 2 of the task", ["Completed"] * 3, {"Completed": 2, "Cached": 1}),
    "names": ("nem_prices_raw_2014-01-01: pop-28", ["Completed"], {"Completed": 1}),
    "context": ("etl/which parameters {'top': 10}\ndue on ...", ["Completed"], {"Completed": 1}),
    "secrets_and_variables": ("15 characters for Rio", ["Completed"], {}),
}  # fmt: skip
ALONE = {"task_runners", "on_dask", "storage", "serve", "ask_for_a_run", "collect", "skip_weekend"}  # see below


@dataclass(frozen=True)
class Server:
    """The container with the server, its API, and what the snippets have done there."""

    api: PrefectApi
    ran: dict[str, Any]

    def run(self, *words: str) -> str:
        """What a command prints in the container, in the folder of the lesson."""
        return docker("exec", NAME, *words)

    def plan(self, deployment: str, window: dict[str, Any]) -> None:
        """Have the server plan the runs of a deployment in a window of time; SQLite may be locked, so again."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self.api(f"/deployments/{deployment}/schedule", window)
                return
            except UserError as error:
                if "answers 503" not in str(error) or time.monotonic() > deadline:
                    raise

    def flow_runs(self, **filters: Any) -> list[dict[str, Any]]:
        """Runs of flows, the ones that are due first at the front."""
        found: list[dict[str, Any]] = self.api("/flow_runs/filter", {"sort": "EXPECTED_START_TIME_ASC", **filters})
        return found


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One server for all; the snippets that need none of their own process have run."""
    build("beyond-cron-prefect", ROOT / "03-prefect")
    build(IMAGE, TERMS)
    place = ["--volume", f"{ROOT / '04-incidents'}:/lesson:ro", "--publish", "127.0.0.1::4200"]
    place += [f"--env=PREFECT_SERVER_SERVICES_{service}_ENABLED=false" for service in IDLE]
    inside = Path(__file__).with_name("terms_inside.py")
    docker("rm", "--force", "--volumes", NAME)
    try:
        docker(
            "run",
            "--detach",
            "--init",
            "--name",
            NAME,
            *place,
            IMAGE,
            "prefect",
            "server",
            "start",
            "--host",
            "0.0.0.0",
        )
        api = PrefectApi(docker("port", NAME, "4200"), patience=PATIENCE)
        api("/health")
        docker("exec", "--detach", "--workdir", "/home/learner", NAME, "python", "/lesson/terms/serve.py")
        files = [f"terms/{name}.py" for name in SNIPPETS]
        answer = docker("exec", "--interactive", NAME, "python", "-c", inside.read_text(), *files)
        yield Server(api, json.loads(answer.splitlines()[-1]))
    finally:
        docker("rm", "--force", "--volumes", NAME)


def test_every_snippet_is_judged() -> None:
    assert {file.stem for file in TERMS.glob("*.py")} == {*SNIPPETS, *ALONE}


@pytest.mark.parametrize("name", SNIPPETS)
def test_a_snippet_does_what_the_page_says(server: Server, name: str) -> None:
    printed, flow_states, task_states = SNIPPETS[name]
    seen = server.ran["ran"][name]
    assert re.fullmatch(re.escape(printed).replace(r"\.\.\.", ".*"), seen["printed"])
    runs = {"flow_runs": {"id": {"any_": seen["runs"]}}}
    assert sorted(run["state_name"] for run in server.flow_runs(**runs)) == sorted(flow_states)

    def tasks() -> Counter[str]:  # the server notes them when it comes to it
        return Counter(task["state_name"] for task in server.api("/task_runs/filter", runs))

    assert until(lambda: tasks() == task_states, PATIENCE), (tasks(), task_states)


def test_an_interval_is_filtered_by_the_flow(server: Server) -> None:
    """A Friday and a Saturday, both long past: the day for which a run was planned decides."""
    assert server.ran["weekend"] == ["Completed: collected for Friday", "Skipped: Saturday"]


def test_task_runners(server: Server) -> None:
    """Three tasks that wait for each other meet in threads; a pool of processes gives the same result."""
    assert server.run("python", "terms/task_runners.py").splitlines() == ["[0, 1, 4] [0, 1, 4]", "three at once"]


def test_dask_has_two_workers_and_a_failed_task_fails_the_flow(server: Server) -> None:
    printed = server.run("python", "terms/on_dask.py").splitlines()
    assert printed == ["2 workers, this process among them: False", "Failed"]
    [failed] = server.flow_runs(flow_runs={"name": {"any_": ["pops-11"]}})

    def tasks() -> Counter[str]:
        ran = {"flow_runs": {"id": {"any_": [failed["id"]]}}}
        return Counter(task["state_name"] for task in server.api("/task_runs/filter", ran))

    assert until(lambda: tasks() == {"Completed": 3, "Failed": 1}, PATIENCE), tasks()


@pytest.fixture(scope="module")
def deployed(server: Server) -> Server:
    """The server after deploy.sh, which lets a worker do one run."""
    docker("exec", "--workdir", "/lesson/terms", NAME, "sh", "deploy.sh")
    return server


def test_a_deployment_stands_for_agent_queue_project_and_working_directory(deployed: Server) -> None:
    deployment = deployed.api("/deployments/name/collect/every-20-minutes")
    runs = deployed.flow_runs(deployments={"id": {"any_": [deployment["id"]]}})
    due = {run["expected_start_time"][14:19] for run in runs if "auto-scheduled" in run["tags"]}
    assert due == {"10:00", "30:00", "50:00"}, "the anchor date is a phase"
    [by_hand] = [run for run in runs if "auto-scheduled" not in run["tags"]]
    assert by_hand["state_name"] == "Completed" and "traffic" in by_hand["tags"]
    assert (by_hand["work_pool_name"], by_hand["work_queue_name"]) == ("lab", "default")
    done = [run for run in runs if run["state_name"] == "Completed"]  # and one of the schedule, at minute 10, 30 or 50
    assert len(deployed.run("cat", "/tmp/incidents.csv").splitlines()) == len(done), "in the working directory"


def test_a_run_is_asked_for_twice_and_is_there_once(deployed: Server) -> None:
    names = deployed.run("python", "terms/ask_for_a_run.py").split()
    assert len(names) == 2 and len(set(names)) == 1


def test_storage_is_a_step_of_the_deployment(deployed: Server) -> None:
    deployed.run("python", "terms/storage.py")
    steps = deployed.api("/deployments/name/collect/from-source")["pull_steps"]
    assert steps == [{"prefect.deployments.steps.set_working_directory": {"directory": "/lesson/terms"}}]


def test_a_served_flow_needs_no_worker(server: Server) -> None:
    deployment = until(
        lambda: server.api("/deployments/filter", {"deployments": {"name": {"any_": ["served"]}}}), PATIENCE
    )
    assert [one["schedule"]["interval"] for one in deployment[0]["schedules"]] == [1200]
    assert deployment[0]["work_pool_name"] is None
    run = server.api(f"/deployments/{deployment[0]['id']}/create_flow_run", {})["id"]
    ended = until(lambda: (state := server.api(f"/flow_runs/{run}")["state"])["type"] in ENDS and state, PATIENCE)
    assert ended["type"] == "COMPLETED", ended


YEARS = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC))  # a leap year among them


def days() -> list[date]:
    return [(YEARS[0] + timedelta(days=number)).date() for number in range((YEARS[1] - YEARS[0]).days)]


def is_last(day: date) -> bool:
    return day.day == monthrange(day.year, day.month)[1]


def is_last_business_day(day: date) -> bool:
    """A weekday after which the month has weekends only."""
    rest = [day.replace(day=later) for later in range(day.day + 1, monthrange(day.year, day.month)[1] + 1)]
    return day.weekday() < 5 and all(later.weekday() >= 5 for later in rest)


def is_business_day_of_the_15th(day: date) -> bool:
    """The 15th, or the first weekday after it."""
    first = day.replace(day=15)
    return day == first + timedelta(days=max(7 - first.weekday(), 0) if first.weekday() >= 5 else 0)


def at_nine(chosen: Any) -> list[datetime]:
    return [datetime(day.year, day.month, day.day, 9, tzinfo=UTC) for day in days() if chosen(day)]


def by_cronsim(line: str) -> list[datetime]:
    return list(takewhile(lambda at: at < YEARS[1], CronSim(line, YEARS[0] - timedelta(seconds=1))))


# Deployment → its runs in two years: of cronsim where cron's language has it, else of the calendar.
CALENDAR = {
    "weekdays-cron": by_cronsim("0 9 * * MON-FRI"),
    "weekdays-rrule": by_cronsim("0 9 * * MON-FRI"),
    "six-hours-rrule": by_cronsim("0 */6 * * MON-FRI"),
    "daily-interval": by_cronsim("0 9 * * *"),
    "last-day-cron": by_cronsim("0 9 L * *"),  # cronsim knows L, as Prefect does; Debian's cron does not
    "last-day-rrule": at_nine(is_last),
    "last-business-day-rrule": at_nine(is_last_business_day),
    "next-business-day-rrule": at_nine(is_business_day_of_the_15th),
    "next-business-day-cron": at_nine(is_business_day_of_the_15th),
}


@pytest.fixture(scope="module")
def planned(deployed: Server) -> dict[str, list[datetime]]:
    """Deployment of calendar.yaml → the runs of two years, as the server has planned them, at most 200 of each."""
    deployed.run("prefect", "--no-prompt", "deploy", "--prefect-file", "terms/calendar.yaml", "--all")
    window = {"start_time": YEARS[0].isoformat(), "end_time": (YEARS[1] - timedelta(seconds=1)).isoformat()}
    found = {}
    for name in CALENDAR:
        deployment = deployed.api(f"/deployments/name/collect/{name}")["id"]
        deployed.plan(deployment, window | {"min_runs": 100, "max_runs": 100})
        runs = deployed.flow_runs(
            deployments={"id": {"any_": [deployment]}},
            flow_runs={"expected_start_time": {"after_": YEARS[0].isoformat()}},
        )
        found[name] = [datetime.fromisoformat(run["expected_start_time"]) for run in runs]
    return found


@pytest.mark.parametrize("name", CALENDAR)
def test_filters_and_adjustments(planned: dict[str, list[datetime]], name: str) -> None:
    """All runs of two years where they are monthly, else the first hundred."""
    monthly = len(CALENDAR[name]) == 24
    assert len(planned[name]) >= (24 if monthly else 100)
    assert planned[name] == (CALENDAR[name] if monthly else CALENDAR[name][: len(planned[name])])


def test_each_calendar_is_compared() -> None:
    names = re.findall(r"^  - name: ([\w-]+)$", (TERMS / "calendar.yaml").read_text(), re.M)
    assert names == [*CALENDAR]


def test_old_forms_say_what_is_recorded() -> None:
    """Each is run anew; nothing is left out of what it prints but the way to the error."""
    recorded = {path: path.read_text() for path in sorted(old_forms.FOLDER.iterdir())}
    assert old_forms.sessions(recorded) == recorded, "python -m docs.old_forms"
