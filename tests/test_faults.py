"""`lab break` and `lab fix`: what they print, and what they do to real stacks of 02-cron and 03-prefect."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from support import oncall
from support.engine import until
from typer.testing import CliRunner

from contrast.fault import faults
from engine.core import ROOT, UserError
from engine.docker import docker
from lab.cli import app
from lab.faults import catalogue
from lab.faults.catalogue import BOARD_ONLY, FAULTS, acts
from lab.faults.stack import CRON, LESSONS, PREFECT, find, start_command

JOB = "python-scheduler-cron"


def lab(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture
def no_daemon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")


def test_every_fault_of_the_board_has_an_answer() -> None:
    assert sorted([*FAULTS, *BOARD_ONLY]) == sorted(faults())
    assert all(name == fault.name for name, fault in FAULTS.items())
    assert all(name in acts(PREFECT) for name in FAULTS)


@pytest.mark.parametrize("fault", BOARD_ONLY)
def test_a_fault_of_the_board_is_one_line(fault: str) -> None:
    line = f"{fault} is not a fault to switch on, see it on the fault board: make contrast FAULT={fault}\n"
    assert lab("break", fault) == (2, line)


def test_what_cannot_be_switched_is_one_line(no_daemon: None) -> None:
    code, text = lab("break", "earthquake")
    assert (code, text.count("\n")) == (2, 1) and text.startswith("there is no fault 'earthquake'; there is: paused, ")
    assert lab("break", "paused", "04-x") == (2, "no faults are known for '04-x'; there are for: 02-cron, 03-prefect\n")
    assert lab("break", "poison", CRON) == (2, "poison does not apply to 02-cron: its job reads no data\n")


@pytest.mark.parametrize("words", [("break", "paused"), ("fix",)])
def test_no_engine_is_one_line(no_daemon: None, words: tuple[str, ...]) -> None:
    code, text = lab(*words)
    assert (code, text.count("\n")) == (2, 1) and "Docker does not answer (" in text and "lab doctor" in text


def test_the_table_can_be_read_without_an_engine(no_daemon: None) -> None:
    code, text = lab("break")
    assert code == 2 and "Docker does not answer" in text
    assert [name for name in FAULTS if f"\n  {name} " in text] == list(FAULTS)
    for what in (act.what for lesson in LESSONS for act in acts(lesson).values()):
        assert what.split()[0] in text
    assert all(name in text for name in BOARD_ONLY)


@pytest.mark.stack
def test_without_a_stack_it_names_the_command_that_starts_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "lab-test-faults-none")
    assert lab("break", "burst") == (2, f"03-prefect: no stack runs; start one: {start_command(PREFECT)}\n")
    assert lab("break", "paused", CRON) == (2, f"02-cron: no stack runs; start one: {start_command(CRON)}\n")
    assert lab("fix") == (0, "nothing is broken: neither 02-cron nor 03-prefect runs\n")


def compose(lesson: str, *words: str) -> str:
    """What `docker compose` prints in a lesson."""
    return docker("compose", *words, cwd=ROOT / lesson)


def started(lesson: str, **env: str) -> Iterator[None]:
    """A stack of the lesson with these settings, taken down at the end."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        try:
            compose(lesson, "up", "--detach", "--wait")
            yield
        finally:
            compose(lesson, "down", "--volumes", "--remove-orphans", "--rmi", "local", "--timeout", "1")


@pytest.fixture(scope="class")
def cron() -> Iterator[None]:
    """A minute of its clock is a second. The container's name is the course's: wait until nobody else has it."""

    def free() -> bool:
        return not subprocess.check_output(["docker", "ps", "--all", "--quiet", f"--filter=name=^{JOB}$"])

    assert until(free, 120), f"another container has the name {JOB}"
    both = "docker-compose.yml:timelapse.yml"
    yield from started(CRON, COMPOSE_PROJECT_NAME="lab-test-faults-cron", COMPOSE_FILE=both)


def lines() -> list[str]:
    return subprocess.check_output(["docker", "exec", JOB, "cat", "/var/log/cron.log"], text=True).splitlines()


def greets(seconds: float = 240) -> bool:
    """Whether the job runs in the next seconds, and says what it should."""
    before = len(lines())
    return bool(until(lambda: any(line.startswith("Hello") for line in lines()[before:]), seconds))


@pytest.mark.stack
class TestCron:
    def test_a_silent_failure(self, cron: None) -> None:
        assert greets()
        code, text = lab("break", "silent-failure")
        assert code == 0 and text.startswith("02-cron: app.py is gone: ") and f"watch: docker exec {JOB} " in text
        assert until(lambda: "No such file" in lines()[-1], 150) and not greets(5)
        assert lab("break", "silent-failure") == (0, "02-cron: silent-failure is on already; lab fix ends it\n")
        assert lab("fix") == (0, "02-cron: silent-failure is fixed\n")
        assert greets()
        assert lab("fix") == (0, "nothing is broken\n")

    def test_frozen(self, cron: None) -> None:
        assert lab("break", "paused", CRON)[0] == 0
        assert lab("break", "silent-failure") == (
            2,
            "02-cron: python-app is paused: lab fix, or docker unpause python-scheduler-cron\n",
        )
        assert "02-cron: paused is fixed" in lab("fix")[1]
        assert greets()

    def test_asleep_and_broken_before(self, cron: None) -> None:
        lab("break", "silent-failure")
        assert lab("break", "host-asleep")[0] == 0
        state = ["docker", "inspect", "--format", "{{.State.Status}}", JOB]
        assert subprocess.check_output(state, text=True) == "exited\n"
        assert lab("break")[1].count("02-cron ?") == 1, "what is broken inside cannot be seen while it sleeps"
        code, text = lab("fix")
        assert code == 0 and text.endswith("02-cron: host-asleep is fixed\n02-cron: silent-failure is fixed\n")
        assert greets()

    def test_a_new_container_has_no_fault(self, cron: None) -> None:
        lab("break", "silent-failure")
        compose(CRON, "up", "--detach", "--wait", "--force-recreate")
        assert lab("fix") == (0, "nothing is broken\n")


ASK = """import base64, sys, urllib.request
path, method, body = sys.argv[1:]
asked = urllib.request.Request("http://prefect-server:4200/api" + path, body.encode() or None, method=method)
asked.add_header("Content-Type", "application/json")
asked.add_header("Authorization", "Basic " + base64.b64encode(b"admin:beyond-cron").decode())
print(urllib.request.urlopen(asked, timeout=20).read().decode())"""
COMPLETED = {"flow_runs": {"state": {"name": {"any_": ["Completed"]}}}}
ENDED = {"Completed", "Failed", "Crashed", "Cancelled"}


def ask(path: str, body: Any = None, method: str = "") -> Any:
    """What the API answers, asked from within the stack."""
    words = (path, "GET", "") if body is None else (path, method or "POST", json.dumps(body))
    return json.loads(compose(PREFECT, "exec", "-T", "webhook", "python", "-c", ASK, *words).strip() or "null")


def deployment(name: str) -> str:
    """The id of a deployment of sales-etl."""
    return str(ask(f"/deployments/name/sales-etl/{name}")["id"])


def start(name: str) -> str:
    """The id of a new run of a deployment of sales-etl."""
    return str(ask(f"/deployments/{deployment(name)}/create_flow_run", {})["id"])


def state(run: str, *wanted: str, seconds: float = 240) -> dict[str, str]:
    """The state of a run, as soon as its name is a wanted one; the last one when the time is over."""

    def seen() -> dict[str, str]:
        return dict(ask(f"/flow_runs/{run}")["state"])

    until(lambda: seen()["name"] in wanted, seconds)
    return seen()


@pytest.fixture(scope="class")
def prefect() -> Iterator[None]:
    """The stack, once the run that fills the warehouse has ended. Its schedule is off: the tests start runs."""
    for _ in started(PREFECT, COMPOSE_PROJECT_NAME="lab-test-faults", PREFECT_PORT="14391"):
        ask(f"/deployments/{deployment('every-2-minutes')}", {"paused": True}, "PATCH")
        assert until(lambda: ask("/flow_runs/count", COMPLETED), 240)
        yield


@pytest.fixture(scope="class")
def scheduled(prefect: None) -> Iterator[None]:
    """The stack as a learner has it, with its schedule."""
    path = f"/deployments/{deployment('every-2-minutes')}"
    ask(path, {"paused": False}, "PATCH")
    yield
    ask(path, {"paused": True}, "PATCH")


def start_soon() -> None:
    """Start a run, rather than wait for the schedule; it has one every two minutes, should the server be too busy."""
    with suppress(UserError):
        start("every-2-minutes")


@pytest.mark.stack
class TestPrefect:
    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            ("poison", "orders: sent "),
            ("silent-failure", "permission denied for table orders"),
            ("upstream-down", "OperationalError"),
            ("no-env", "SOURCE_URL"),
        ],
    )
    def test_a_run_fails_and_somebody_is_told(self, prefect: None, fault: str, message: str) -> None:
        assert lab("break", fault)[0] == 0
        failed = state(start("backfill"), *ENDED)
        assert failed["name"] == "Failed" and message in failed["message"]
        alerts = ("logs", "--no-log-prefix", "webhook")
        assert until(lambda: message in compose(PREFECT, *alerts), 240)
        assert lab("break", fault) == (0, f"03-prefect: {fault} is on already; lab fix ends it\n")
        code, text = lab("fix")
        assert code == 0 and text.endswith(f"03-prefect: {fault} is fixed\n")

    def test_a_burst_is_refused_and_tries_again(self, prefect: None) -> None:
        assert lab("break", "burst")[0] == 0
        assert state(start("backfill"), *ENDED)["name"] == "Completed"
        assert "too many connections for role" in compose(PREFECT, "logs", "worker")
        assert lab("fix") == (0, "03-prefect: burst is fixed\n")

    def test_a_slow_run_lets_no_other_in(self, prefect: None) -> None:
        assert lab("break", "slow-run")[0] == 0
        slow = start("every-2-minutes")
        assert state(slow, "Running", *ENDED)["name"] == "Running"
        assert state(start("every-2-minutes"), *ENDED)["name"] == "Cancelled"
        assert state(slow)["name"] == "Running"
        assert lab("fix") == (0, "03-prefect: slow-run is fixed\n")
        assert state(slow, *ENDED)["name"] == "Completed"

    def test_a_crash_is_seen(self, prefect: None) -> None:
        lab("break", "slow-run")  # so that there is a run at work
        run = start("backfill")
        code, text = lab("break", "crash")
        assert code == 0 and "there is nothing to fix; watch: docker compose -p lab-test-faults logs" in text
        assert state(run, *ENDED)["name"] == "Crashed"
        lab("fix")

    def test_frozen(self, prefect: None) -> None:
        assert lab("break", "paused") == (0, ANY)
        assert compose(PREFECT, "ps", "--format", "{{.Service}} {{.Status}}").count("(Paused)") == 2
        assert "03-prefect: paused is fixed" in lab("fix")[1]
        assert ask("/health") is True

    def test_all_at_once_and_then_a_run_completes(self, prefect: None) -> None:
        for fault in ("slow-run", "silent-failure", "poison", "burst", "no-env", "host-asleep", "upstream-down"):
            assert lab("break", fault) == (0, ANY)
        server = "lab-test-faults-prefect-server-1"
        assert lab("break", "paused") == (
            2,
            f"03-prefect: prefect-server is exited: lab fix, or docker start {server}\n",
        )
        assert lab("break")[1].count("03-prefect ?") == 4, "the shop cannot be asked while it is down"
        code, text = lab("fix")
        fixed = [line.split()[1] for line in text.splitlines() if line.endswith(" is fixed")]
        # The session that held the lock went with the shop.
        assert (code, fixed) == (0, ["host-asleep", "upstream-down", "no-env", "silent-failure", "burst", "poison"])
        assert lab("fix") == (0, "nothing is broken\n")
        assert state(start("backfill"), *ENDED)["name"] == "Completed"

    @pytest.mark.timeout(2 * oncall.DEADLINE)
    @pytest.mark.parametrize("seed", oncall.seeds())
    def test_a_shift(self, scheduled: None, seed: int, tmp_path: Path) -> None:
        """Nothing done scores nothing; and what is touched beside the repair is told apart from it."""
        nothing = oncall.shift(seed, tmp_path, minutes=0)
        assert (nothing.code, nothing.score) == (1, 0), nothing.said
        assert nothing.figure("repaired") == "never" and "the fault is still on" in nothing.post_mortem
        assert lab("fix")[1].endswith(f"03-prefect: {nothing.fault} is fixed\n")
        act = acts(PREFECT)[nothing.fault]

        def is_on() -> bool:
            stack = find(PREFECT)
            return bool(stack and catalogue.is_on(stack, act))

        def meet() -> None:
            """Start runs that meet the fault; no server, no run."""
            assert until(is_on, 240)
            if nothing.fault not in ("paused", "host-asleep"):
                for _ in range(3 if nothing.fault == "slow-run" else 1):  # two are cancelled while the first one waits
                    start_soon()

        def repair() -> None:
            compose(PREFECT, "restart", "--timeout", "1", "webhook")  # a generator without its shop restarts by itself
            assert is_on(), "that was the wrong repair"
            assert lab("fix")[0] == 0
            start_soon()

        repaired = oncall.shift(seed, tmp_path, 30, meet, repair)
        assert (repaired.code, repaired.fault) == (0, nothing.fault), repaired.said
        assert repaired.score > 0 and "−5 touched what was not broken" in repaired.figure("score")
        assert repaired.figure("touched") == "webhook was restarted"
        assert repaired.figure("rows").startswith("0 lost, 0 doubled, ")
        lines = repaired.post_mortem.splitlines()
        for event in (f"the fault: {repaired.fault}", "pager: ", "you: noticed", "the fault is gone", "repaired: "):
            assert sum(line.startswith("| ") and event in line for line in lines) == 1, event
        oncall.keep(seed, nothing, repaired)
