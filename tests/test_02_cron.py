"""What real cron does in the lesson's container, in real time where it matters and under time-lapse elsewhere."""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from support.engine import until

from engine.docker import ask, docker
from lab.checks.sandbox.timelapse import LESSON, Window, run_windows

pytestmark = pytest.mark.stack
JOB = ">> /var/log/cron.log"


def compose(*words: str, files: tuple[str, ...] = ("docker-compose.yml",), **env: str) -> str:
    """What `docker compose` prints in the lesson."""
    options = [word for file in files for word in ("--file", file)]
    return docker("compose", *options, *words, cwd=LESSON, env=os.environ | env)


@pytest.fixture
def lesson() -> Iterator[None]:
    compose("down", "--volumes", "--remove-orphans")
    yield
    compose("down", "--volumes", "--remove-orphans")


def crontab(folder: Path, *lines: str) -> Path:
    file = folder / "crontab.txt"
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def stamp(text: str) -> str:
    return rf"""echo "$(date '+\%F \%T \%Z') {text}" {JOB}"""


def test_up_is_healthy_and_down_takes_without_a_kill(lesson: None) -> None:
    compose("up", "--detach", "--wait", "--build")
    health = docker("inspect", "--format", "{{.State.Health.Status}}", "python-scheduler-cron")
    assert health == "healthy"
    compose("stop")
    ended = docker("inspect", "--format", "{{.State.ExitCode}}", "python-scheduler-cron")
    assert ended in {"0", "143"}, "it had to be killed: `docker compose down` waits ten seconds for it"


def test_fourteen_fake_minutes_are_fourteen_runs(lesson: None) -> None:
    both = ("docker-compose.yml", "timelapse.yml")
    compose("up", "--detach", "--wait", "--build", files=both, START="2026-03-02 08:59:30", ZONE="America/Sao_Paulo")
    wanted = [f"{9 + n // 60:02}:{n % 60:02}" for n in range(14)]
    deadline = time.monotonic() + 120
    minutes: Counter[str] = Counter()
    while wanted[-1] not in minutes and time.monotonic() < deadline:
        lines = (ask("exec", "python-scheduler-cron", "cat", "/var/log/cron.log") or "").splitlines()
        stamps = [datetime.fromisoformat(line.split(": ")[1]) for line in lines]
        minutes = Counter(f"{s:%H:%M}" for s in stamps)
        time.sleep(0.2)
    assert [minutes[m] for m in wanted] == [1] * 14


def test_spring_night_in_new_york(tmp_path: Path) -> None:
    file = crontab(
        tmp_path, f"30 2 * * * {stamp('fixed')}", f"*/30 2 * * * {stamp('wild')}", f"15 3 * * * {stamp('end')}"
    )
    [night] = run_windows(file, [Window(datetime(2026, 3, 8, 1, 57), 24, "America/New_York")])
    assert [line[:16] + line[19:] for line in night.log] == ["2026-03-08 03:00 EDT fixed", "2026-03-08 03:15 EDT end"]


AUTUMN = {
    "America/New_York": (datetime(2026, 11, 1, 0, 52), 1),
    "Europe/Berlin": (datetime(2026, 10, 25, 1, 52), 2),
    "America/Sao_Paulo": (datetime(2019, 2, 16, 22, 52), 23),
}


def test_autumn_nights_in_three_zones(tmp_path: Path) -> None:
    """The hour that comes twice: a fixed job runs once, a wildcard job in both passes."""

    def live(zone: str) -> Counter[str]:
        start, hour = AUTUMN[zone]
        (tmp_path / zone).mkdir(parents=True)
        file = crontab(tmp_path / zone, f"30 {hour} * * * {stamp('fixed')}", f"*/30 {hour} * * * {stamp('wild')}")
        [night] = run_windows(file, [Window(start, 140, zone, 600)])
        return Counter(line.split()[-1] for line in night.log)

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(live, AUTUMN)) == [{"fixed": 1, "wild": 4}] * 3


def test_midnight_that_did_not_exist_in_sao_paulo(tmp_path: Path) -> None:
    file = crontab(tmp_path, f"0 0 * * * {stamp('daily')}")
    [night] = run_windows(file, [Window(datetime(2018, 11, 3, 23, 56), 10, "America/Sao_Paulo")])
    assert [line[:16] for line in night.log] == ["2018-11-04 01:00"]


def test_overlap_grows_without_a_lock() -> None:
    [session] = run_windows(LESSON / "limits" / "overlap.txt", [Window(datetime(2026, 3, 2, 8, 59, 10), 8)])
    running = most = 0
    for line in session.log:
        running += ("starts" in line) - ("ends" in line)
        most = max(most, running)
    assert most >= 3


def test_failing_job_is_neither_retried_nor_reported(tmp_path: Path) -> None:
    [session] = run_windows(
        crontab(tmp_path, f"* * * * * {stamp('try')}; exit 3"), [Window(datetime(2026, 3, 2, 8, 59, 10), 6)]
    )
    minutes = [line[11:16] for line in session.log]
    assert minutes[:4] == ["09:00", "09:01", "09:02", "09:03"] and session.output == []


def test_missed_while_stopped_is_lost() -> None:
    """The log lives in a volume; the daemon of the first container ends at 09:02, the second starts at 09:10."""
    name, log = "lab-test-missed", ("--volume", "lab-test-missed:/var/log")
    mounts = (*log, "--volume", f"{LESSON}:/lesson:ro", "--init", "--detach", "--name", name, "--env", "RATE=60")
    jobs = "(cat /lesson/limits/missed.txt; echo '2 9 * * * kill $(cat /run/crond.pid)') | crontab - && exec cron -f"

    def start(at: str) -> None:
        docker("run", *mounts, "--env", f"START=2026-03-02 {at}", "02-cron-python-app", "timelapse", "sh", "-c", jobs)

    def minutes() -> list[str]:
        lines = docker("run", "--rm", *log, "02-cron-python-app", "cat", "/var/log/cron.log").splitlines()
        assert not any("due at" in line for line in lines)
        return [line[11:16] for line in lines]

    try:
        start("08:59:10")
        docker("wait", name, timeout=120)
        docker("rm", name)
        assert minutes()[:2] == ["09:00", "09:01"] and max(minutes()) <= "09:02"
        start("09:10:10")
        assert until(lambda: max(minutes()) > "09:10", 120)
        assert [minute for minute in minutes() if "09:02" < minute <= "09:10"] == []
    finally:
        ask("rm", "--force", name)
        ask("volume", "rm", "--force", name)


def test_lesson_survives_being_copied_out(tmp_path: Path) -> None:
    """`cp -r 02-cron /tmp && docker compose up` works; the job in the copy is the one that runs."""
    copied = tmp_path / "02-cron"
    subprocess.run(["cp", "-r", LESSON, copied], check=True)
    job = copied / "app.py"
    job.write_text(job.read_text().replace("Hello", "Greetings"))
    files = ("--file", "docker-compose.yml", "--file", "timelapse.yml")
    try:
        docker("compose", *files, "up", "--detach", "--wait", "--build", cwd=copied)
        deadline, seen = time.monotonic() + 120, ""
        while "Greetings" not in seen and time.monotonic() < deadline:
            seen = ask("exec", "python-scheduler-cron", "cat", "/var/log/cron.log") or ""
        assert "Greetings from Docker!" in seen
    finally:
        docker("compose", *files, "down", "--volumes", cwd=copied)
        docker("compose", "build", "--quiet", cwd=LESSON)


@pytest.mark.parametrize(("minutes", "late"), [(30, 1), (240, 0)])
def test_a_freeze_of_up_to_three_hours_makes_up_fixed_jobs_only(tmp_path: Path, minutes: int, late: int) -> None:
    """Frozen from about 08:52 on: the job of 09:20 runs late or never, that of every minute never more than once."""
    crontab(tmp_path, f"* * * * * {stamp('wild')}", f"20 9 * * * {stamp('fixed')}")
    rate, name = 600, "lab-test-frozen"
    flags = ("--detach", "--init", "--name", name, "--env", f"RATE={rate}", "--env", "START=2026-03-02 08:50:00")
    command = ("02-cron-python-app", "timelapse", "sh", "-c", "crontab /exercise/crontab.txt && exec cron -f")

    def is_frozen() -> bool:
        """A busy machine may refuse to freeze a container; by the next try its clock would have gone on too far."""
        ask("rm", "--force", name)
        docker("run", *flags, "--volume", f"{tmp_path}:/exercise:ro", *command)
        ran = until(lambda: "wild" in (ask("exec", name, "cat", "/var/log/cron.log") or ""), 30, every=0.05)
        assert ran, "cron has run nothing in 30 s"
        return ask("pause", name) is not None

    try:
        assert until(is_frozen, 120)
        time.sleep(minutes * 60 / rate)
        docker("unpause", name)
        time.sleep(1)
        lines = docker("exec", name, "cat", "/var/log/cron.log").splitlines()
    finally:
        ask("rm", "--force", name)
    fixed = [datetime.fromisoformat(line[:19]) for line in lines if line.endswith("fixed")]
    wild = sorted({line[:16] for line in lines if line.endswith("wild")})
    gap = max(datetime.fromisoformat(b) - datetime.fromisoformat(a) for a, b in pairwise(wild))
    assert gap.total_seconds() > (minutes - 6) * 60, "the minutes of the freeze were made up"
    assert len(fixed) == late and all(run.minute > 20 for run in fixed)
