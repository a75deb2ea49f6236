"""The command line of `lab`: what it prints, and with what exit code."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.commands import commands
from typer.testing import CliRunner

from engine.core import ROOT
from lab.checks import command
from lab.checks.registry import all_checks
from lab.cli import app
from lab.console import ended_by_signals

PERCENT = "02-cron/percent"
THREE_AM = all_checks()["01-intro/three-am"]


def lab(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


# What each command is given that it cannot do, and a part of the line that says so. No engine answers, LAB_PORT is none.
IMPOSSIBLE = {
    "check": [(["07-x"], "07-x"), (["02-cron/nope"], "weekdays"), ([PERCENT], "lab doctor"), (["a", "b"], "--help")],
    "list": [(["07-x"], "02-cron"), (["--progress", "no-such-file"], "no such file"), (["a", "b"], "--help")],
    "next": [(["07-x"], "02-cron"), ([], "LAB_PORT=none is not a port")],
    "watch": [(["07-x"], "02-cron"), (["02-cron/nope"], "weekdays"), (["a", "b"], "--help")],
    "export": [
        (["--progress", "no-such-file"], "no such file"),
        (["no-such-folder/x"], "no-such-folder"),
        (["a", "b"], "--help"),
    ],
    "verify": [(["no-such-file"], "no such file"), ([str(ROOT)], "not a plain file"), ([], "--help")],
    "class": [(["no-such-folder"], "no folder"), ([str(ROOT / "engine")], "lab export"), ([], "--help")],
    "reset": [(["02-cron"], PERCENT), (["02-cron/nope"], "weekdays"), ([], "--help")],
    "cron explain": [(["61 * * * *"], "minute"), (["* * * * *", "--tz", "Mars"], "Mars"), ([], "--help")],
    "cron lint": [(["no-such-file"], "no such file"), ([str(ROOT)], "is a directory"), ([], "--help")],
    "migrate plan": [
        (["no-such-file"], "no such file"),
        ([str(ROOT)], "is a directory"),
        (["-", "--tz", "Mars"], "Mars"),
        ([], "--help"),
    ],
    "audit": [(["no-such-file"], "no such file"), (["-", "--tz", "Mars"], "Mars")],
    "migrate diff": [
        (["no-such-file", "x"], "no such file"),
        (["-", str(ROOT)], "is a directory"),
        (["-", "x", "--tz", "Mars"], "Mars"),
        ([], "--help"),
    ],
    "migrate status": [(["--plan", "no-such-folder"], "lab migrate plan CRONTAB")],
    "migrate shadow": [(["job"], "lab migrate plan CRONTAB"), ([], "--help")],
    "migrate cutover": [(["job"], "lab migrate plan CRONTAB"), ([], "--help")],
    "migrate rollback": [(["job", "--wait", "x"], "--help"), (["job"], "lab migrate plan CRONTAB")],
    "policy simulate": [
        (["--schedule", "61 * * * *", "--outage", "02:00-03:00", "--length", "1m"], "is not between 0 and 59"),
        ([], "--help"),
    ],
    "doctor": [(["now"], "--help")],
    "up": [([], "LAB_PORT=none is not a port"), (["now"], "--help")],
    "down": [(["now"], "--help")],
    "break": [
        (["paused"], "lab doctor"),
        (["flood"], "paused"),
        (["poison", "02-cron"], "reads no data"),
        (["--surprise", "burst"], "chooses"),
    ],
    "fix": [([], "lab doctor"), (["paused"], "--help")],
    "oncall": [
        (["--output", str(ROOT / "README.md")], "is there already"),
        ([], "lab doctor"),
        (["--seed", "x"], "--help"),
    ],
    "trigger": [
        ([], "--help"),
        (["--list", "--url", "x"], "no address"),
        (["--deployment", "x", "--conf", "{"], "no JSON"),
    ],
    "why": [([], "lab doctor"), (["07-x"], "02-cron"), (["a", "b"], "--help")],
}


def test_every_command_has_something_that_it_cannot_do() -> None:
    assert set(IMPOSSIBLE) == set(commands())


@pytest.mark.parametrize("command", [*IMPOSSIBLE, "cron", "grade"])
def test_what_cannot_be_done_is_one_line_and_exit_code_2(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, and nothing on standard output; also for an option that there is not."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setenv("LAB_PORT", "none")
    for words, part in [*IMPOSSIBLE.get(command, []), (["--no-such-option"], "--help")]:
        result = CliRunner().invoke(app, [*command.split(), *words])
        assert isinstance(result.exception, SystemExit), result.exception
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), result.output
        assert part in result.stderr


def test_lab_itself_ends_with_exit_code_2() -> None:
    program = Path(sys.executable).with_name("lab")
    done = subprocess.run([program, "check", "07-x"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_the_help_of_a_group_is_no_error_line() -> None:
    for words in ([], ["cron"]):
        code, text = lab(*words)
        assert code == 2 and "Usage:" in text and "(try:" not in text


def test_a_file_that_cannot_be_used_is_one_line(exercise: Path) -> None:
    exercise.mkdir()
    assert lab("reset", PERCENT) == (2, f"{exercise}: is a directory\n")


def test_an_unknown_lesson_is_one_line() -> None:
    known = "01-intro, 02-cron, 03-prefect, 04-incidents, 05-migration, contrast"
    assert lab("check", "07-x") == (2, f"there is no lesson '07-x'; there is: {known}\n")


def test_an_unknown_exercise_lists_those_of_its_lesson() -> None:
    code, text = lab("check", "02-cron/nope")
    assert code == 2 and text.startswith("there is no exercise '02-cron/nope'; there is: 02-cron/weekdays, ")


def test_a_failed_check_says_expected_seen_and_hint() -> None:
    code, text = lab("check", "01-intro/three-am")
    lines = text.splitlines()
    assert code == 1 and lines[0] == "✗ failed 01-intro/three-am" and lines[-1] == "0 of 1 passed"
    assert [line.split(":")[0].strip() for line in lines[1:-1]] == ["expected", "seen", "hint", "more"]
    assert lines[-2].endswith("lab check 01-intro/three-am --hint")


def test_the_hint_fits_what_was_seen_and_there_is_more_of_it() -> None:
    cause = THREE_AM.advice.diagnose("2026-03-07T03:00 America/New_York: 86400.0 seconds")
    code, text = lab("check", "01-intro/three-am", "--hint")
    assert code == 1 and cause.name == "wall-clock"
    assert text.splitlines()[-3:-1] == [f"  hint:     {cause.hint}", f"  more:     {cause.more}"]


def test_the_solution_of_the_same_exercise_passes_and_it_is_said_why() -> None:
    told = f"  why:      {THREE_AM.advice.why}\n  next:     {THREE_AM.advice.next}\n"
    expected = f"✓ passed 01-intro/three-am\n{told}1 of 1 passed\n"
    assert lab("check", "--solutions", "01-intro/three-am") == (0, expected)


def test_no_engine_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    code, text = lab("check", PERCENT)
    assert code == 2 and text.startswith(f"{PERCENT} cannot be checked: ") and text.count("\n") == 1
    assert "lab doctor" in text


@pytest.fixture
def exercise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of an exercise in a course of its own."""
    monkeypatch.setattr("lab.checks.registry.ROOT", tmp_path)
    monkeypatch.setattr("lab.checks.command.ROOT", tmp_path)
    file = all_checks()[PERCENT].path
    file.parent.mkdir(parents=True)
    return file


def test_reset_brings_back_what_was_shipped_and_keeps_each_of_yours(exercise: Path) -> None:
    shipped = (ROOT / "02-cron/exercises/percent.txt").read_text()
    for text in ("* * * * * mine\n", "* * * * * mine, again\n"):
        exercise.write_text(text)
        code, said = lab("reset", PERCENT)
        assert code == 0 and exercise.read_text() == shipped
    assert "your version is kept as 02-cron/exercises/percent.txt.yours.2\n" in said
    assert Path(f"{exercise}.yours").read_text() == "* * * * * mine\n"
    assert Path(f"{exercise}.yours.2").read_text() == "* * * * * mine, again\n"


def test_reset_brings_back_a_file_that_is_gone(exercise: Path) -> None:
    assert lab("reset", PERCENT) == (0, "02-cron/exercises/percent.txt is as shipped\n")
    assert exercise.exists() and not list(exercise.parent.glob("*.yours*"))


def test_what_is_shipped_is_what_the_exercises_are() -> None:
    """Whatever the learner has committed, `lab reset` has it from here; after a change: -m lab.checks.command."""
    shipped = json.loads(command.SHIPPED.read_text())
    assert shipped == {check.id: check.path.read_text() for check in all_checks().values()}


def test_reset_wants_an_exercise() -> None:
    code, text = lab("reset", "02-cron")
    assert code == 2 and "lab reset 02-cron/percent" in text


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("lab cron lint - <&-", "there is no standard input to read: name a file"),
        ("lab cron lint 02-cron/broken.txt > /dev/full", "no space left on device"),
    ],
)
def test_streams_that_are_none_and_a_full_disk_are_one_line(shell: str, line: str) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ("sh", "-c", shell), cwd=ROOT, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr.splitlines()) == (2, [line])


def test_a_terminal_without_arrows_gets_question_marks() -> None:
    command = (f"{Path(sys.executable).parent}/lab", "cron", "lint", "02-cron/broken.txt")
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONIOENCODING": "latin-1"}, capture_output=True)
    assert done.returncode == 1 and b" ? remove root" in done.stdout and done.stderr == b""


def test_what_nohup_has_set_stays() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) not in (signal.SIG_IGN, signal.SIG_DFL)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_a_program_printed_is_shown_as_it_is(tmp_path: Path) -> None:
    """Rich would read `[wsl2]` as a style, and `:x:` as a picture."""
    code = "from lab.console import out, show; show(['fix'], [['[wsl2] memory=6GB :x: [/x]']]); out.print(':x:')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[wsl2] memory=6GB :x: [/x]" in done.stdout and done.stdout.endswith(":x:\n")


@pytest.mark.clock  # the check gives a program half a minute
def test_a_check_ends_with_all_that_the_program_has_started(tmp_path: Path) -> None:
    """A child holds the output open: it would keep the check waiting, and live on."""
    file, note = tmp_path / THREE_AM.file, tmp_path / "child"
    file.write_text(
        "import pathlib, subprocess\n"
        f"child = subprocess.Popen(['sleep', '600'])\npathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
    )
    began = time.monotonic()
    outcome = THREE_AM.judge(file)
    assert not outcome.passed and time.monotonic() - began < 60
    child = Path("/proc", note.read_text(), "stat")
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"
