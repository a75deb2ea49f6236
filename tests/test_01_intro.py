"""What the lesson's loops do when they run: Docker's restarts, drift, the lost window, the night of a clock change."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.engine import tried

from engine.docker import docker
from engine.images import PYTHON

LESSON = Path(__file__).parents[1] / "01-intro"
RESTARTS = "python-scheduler-restarts"


def python(*command: str, **environment: str) -> str:
    """Run a file of the lesson as its container does, and return what it prints."""
    return subprocess.run(
        [sys.executable, *command], cwd=LESSON, env=environment, capture_output=True, text=True, check=True
    ).stdout


def starts(*command: str, **environment: str) -> list[float]:
    return [float(second) for second in re.findall(r"starts at second ([\d.]+)", python(*command, **environment))]


def compose(*words: str) -> str:
    """What `docker compose` prints in the lesson."""
    return docker("compose", *words, cwd=LESSON)


def gaps(container: str, runs: int, deadline: float) -> list[float]:
    """The seconds between the starts of a container, once it has had so many runs: what gaps.py prints for them."""
    end = time.monotonic() + deadline
    while len(log := docker("logs", "--timestamps", container).splitlines()) < runs:
        assert time.monotonic() < end, log
        time.sleep(0.2)
    printed = subprocess.run(
        [sys.executable, LESSON / "gaps.py"], input="\n".join(log[:runs]), capture_output=True, text=True, check=True
    ).stdout
    return [float(gap) for gap in re.findall(r"started ([\d.]+) s after", printed)]


@pytest.fixture
def lesson() -> Iterator[None]:
    compose("down", "--remove-orphans")
    yield
    compose("down", "--remove-orphans")


@pytest.mark.stack
def test_up_is_healthy_and_stops_without_a_kill(lesson: None) -> None:
    compose("up", "--detach", "--wait", "--build")
    assert docker("inspect", "--format", "{{.State.Health.Status}}", "python-scheduler").strip() == "healthy"
    compose("stop")
    ended = docker("inspect", "--format", "{{.State.ExitCode}}", "python-scheduler")
    assert ended in {"0", "143"}, "it had to be killed: `docker compose down` waits ten seconds for it"


@pytest.mark.stack
def test_the_loop_prints_every_five_seconds(lesson: None) -> None:
    compose("up", "--detach", "--wait")
    assert gaps("python-scheduler", runs=2, deadline=20) == pytest.approx([5], abs=0.5)


@pytest.mark.stack
def test_an_edited_file_needs_a_restart_and_no_build(lesson: None, tmp_path: Path) -> None:
    for name in ("docker-compose.yml", "Dockerfile", "loop.py"):
        (tmp_path / name).write_bytes((LESSON / name).read_bytes())
    here = ["docker", "compose", "--project-name", "01-intro", "--project-directory", str(tmp_path)]
    subprocess.run([*here, "up", "--detach", "--wait"], check=True)
    loop = tmp_path / "loop.py"
    loop.write_text(loop.read_text().replace("Hello", "Goodbye"))
    subprocess.run([*here, "restart"], check=True)
    subprocess.run([*here, "up", "--detach", "--wait", "--no-recreate"], check=True)
    assert "Goodbye from Docker!" in docker("logs", "python-scheduler")


@pytest.mark.stack
def test_the_loop_is_unhealthy_when_it_has_not_run_for_a_while(lesson: None) -> None:
    compose("up", "--detach", "--wait")
    docker("exec", "python-scheduler", "touch", "--date", "1 minute ago", "/tmp/last-run")
    probe = docker("inspect", "--format", "{{index .Config.Healthcheck.Test 1}}", "python-scheduler").strip()
    stale = subprocess.run(["docker", "exec", "python-scheduler", "sh", "-c", probe], check=False)
    assert stale.returncode == 1


@pytest.mark.stack
def test_restart_always_waits_twice_as_long_each_time(lesson: None) -> None:
    compose("--file", "restart.yml", "up", "--detach", "--build")
    found = gaps("python-scheduler", runs=7, deadline=40)
    assert found[0] < 2 and found[-1] > 3.2
    assert found[2:] == sorted(found[2:])


@pytest.mark.stack
def test_the_wait_before_a_restart_begins_anew_after_a_run_of_ten_seconds() -> None:
    """Five short runs bring the next wait to 3.2 s; the sixth lasts long enough to bring it back to 0.1 s."""
    script = "echo run | tee -a /tmp/runs; if [ $(wc -l < /tmp/runs) = 6 ]; then sleep 11; fi"
    command = ("--init", "--restart", "always", "--name", RESTARTS, PYTHON, "sh", "-c", script)
    try:
        docker("run", "--detach", *command)
        found = gaps(RESTARTS, runs=7, deadline=60)
        assert found[4] > 1.6
        assert 11 < found[5] < 13
    finally:
        docker("rm", "--force", RESTARTS)


@pytest.mark.stack
def test_an_etl_that_stops_is_said(lesson: None) -> None:
    compose("up", "--detach", "--wait", "--build")
    failing = tried("exec", "python-scheduler", "python", "lost_window.py", "no-such-etl.py")
    assert failing.returncode == 1
    assert failing.stdout.splitlines()[-1].startswith("no-such-etl.py stopped before it was told to")


@pytest.mark.stack
def test_the_window_loses_more_the_slower_the_etl(lesson: None) -> None:
    """Runs start half a minute into every minute, every second and every fourth: 1/2, 3/4 and 7/8 are lost.

    A minute is a second here, and a busy machine starts each run a little later in it, where it loses less: such an
    experiment is repeated. That a slower ETL loses more holds on any machine.
    """
    compose("up", "--detach", "--wait", "--build")
    docker("update", "--cpu-shares", "65536", "python-scheduler")  # before all other containers
    for _ in range(4):
        output = docker("exec", "python-scheduler", "python", "lost_window.py")
        found = re.findall(r"(\d+) orders, (\d+) lost, (\d+) twice", output)
        assert [twice for *_, twice in found] == ["0", "0", "0"]
        shares = [int(lost) / int(orders) for orders, lost, _ in found]
        if shares == pytest.approx([1 / 2, 3 / 4, 7 / 8], abs=0.12):
            break
    assert 0 < shares[0] < shares[1] < shares[2], shares


@pytest.mark.clock
def test_a_pause_adds_the_work_to_the_period() -> None:
    """The page has this with two seconds of work and a sleep of five: a period of seven."""
    assert starts("drift.py", "2", WORK="0.4", PAUSE="0.6") == pytest.approx([0, 1], abs=0.2)


@pytest.mark.clock
def test_a_fixed_rate_does_not_add_the_work() -> None:
    assert starts("fixed_rate.py", "3", WORK="0.3", PERIOD="0.6") == pytest.approx([0, 0.6, 1.2], abs=0.2)


@pytest.mark.clock
def test_a_late_fixed_rate_runs_without_a_pause() -> None:
    assert starts("fixed_rate.py", "3", WORK="0.5", PERIOD="0.4") == pytest.approx([0, 0.5, 1.0], abs=0.2)


def test_24_hours_after_3_am_is_4_am_when_the_clocks_go_forward() -> None:
    wakes = dict(re.findall(r"(\S.*?)  +sleeps \d+ h and wakes on 08 March at ([\d:]+)", python("until_three.py")))
    assert wakes == {
        "24 hours": "04:00",
        "three - last_run": "04:00",
        "the same in UTC": "03:00",
        "24 hours, restarted at noon": "13:00",
    }
