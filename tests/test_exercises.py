"""Every exercise has a TODO and a hint, fails its check as shipped, and its solution passes."""

from functools import cache
from pathlib import Path

import pytest

from engine.core import ROOT
from lab.checks.registry import Check, Outcome, all_checks
from lab.checks.runner import judge_all

CHECKS = [
    pytest.param(check, id=check.id, marks=pytest.mark.stack if check.needs_docker else pytest.mark.clock)
    for check in all_checks().values()
]


@cache
def outcomes(lesson: str) -> dict[Path, Outcome]:
    """All exercises of a lesson and all of its solutions, judged side by side: file → outcome."""
    checks = [check for check in all_checks().values() if check.lesson == lesson]
    tasks = [(check, file) for check in checks for file in (check.path, check.solution)]
    return {file: outcome for (_, file), (_, outcome) in zip(tasks, judge_all(tasks), strict=True)}


@pytest.mark.timeout(1200)  # the first of a lesson has all of it judged
@pytest.mark.parametrize("check", CHECKS)
def test_fails_as_shipped(check: Check) -> None:
    outcome = outcomes(check.lesson)[check.path]
    assert not outcome.passed, f"already solved: {outcome.seen}"
    assert outcome.expected and outcome.seen and outcome.expected != outcome.seen


@pytest.mark.timeout(1200)  # the first of a lesson has all of it judged
@pytest.mark.parametrize("check", CHECKS)
def test_solution_passes(check: Check) -> None:
    outcome = outcomes(check.lesson)[check.solution]
    assert outcome.passed, f"expected: {outcome.expected}\nseen: {outcome.seen}"


@pytest.mark.parametrize("check", all_checks().values(), ids=lambda check: check.id)
def test_has_a_todo_and_a_hint(check: Check) -> None:
    assert "TODO" in check.path.read_text() and "TODO" not in check.solution.read_text()
    assert check.hint.strip() == check.hint != ""


def test_no_stray_exercise() -> None:
    known = {path for check in all_checks().values() for path in (check.path, check.solution)}
    found = {f for folder in ("exercises", "solutions") for f in ROOT.glob(f"*/{folder}/*") if ".yours" not in f.name}
    assert found - {Path(f) for f in known if f.exists()} == set() and all(path.exists() for path in known)
