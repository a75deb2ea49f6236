"""The command line of `lab`: what it prints, and with what exit code."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.checks import ROOT, all_checks
from lab.cli import app

PERCENT = "02-cron/percent"


def lab(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_an_unknown_lesson_is_one_line() -> None:
    assert lab("check", "07-x") == (2, "there is no lesson '07-x'; there is: 01-intro, 02-cron, 03-prefect, contrast\n")


def test_an_unknown_exercise_lists_those_of_its_lesson() -> None:
    code, text = lab("check", "02-cron/nope")
    assert code == 2 and text.startswith("there is no exercise '02-cron/nope'; there is: 02-cron/weekdays, ")


def test_a_failed_check_says_expected_seen_and_hint() -> None:
    code, text = lab("check", "01-intro/three-am")
    lines = text.splitlines()
    assert code == 1 and lines[0] == "✗ failed 01-intro/three-am" and lines[-1] == "0 of 1 passed"
    assert [line.split(":")[0].strip() for line in lines[1:4]] == ["expected", "seen", "hint"]


def test_the_solution_of_the_same_exercise_passes() -> None:
    assert lab("check", "--solutions", "01-intro/three-am") == (0, "✓ passed 01-intro/three-am\n1 of 1 passed\n")


def test_no_engine_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    code, text = lab("check", PERCENT)
    assert code == 2 and text.startswith(f"{PERCENT} cannot be checked: ") and text.count("\n") == 1
    assert "lab doctor" in text


def test_reset_restores_the_file_and_keeps_yours() -> None:
    file = all_checks()[PERCENT].path
    shipped, yours = file.read_bytes(), Path(f"{file}.yours")
    assert not yours.exists(), "an earlier version of yours would be lost"
    try:
        file.write_text("* * * * * mine\n")
        code, text = lab("reset", PERCENT)
        assert (code, file.read_bytes()) == (0, shipped)
        assert yours.read_text() == "* * * * * mine\n"
        assert str(yours.relative_to(ROOT)) in text
    finally:
        file.write_bytes(shipped)
        yours.unlink(missing_ok=True)


def test_reset_wants_an_exercise() -> None:
    code, text = lab("reset", "02-cron")
    assert code == 2 and "lab reset 02-cron/percent" in text
