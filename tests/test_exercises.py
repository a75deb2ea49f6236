"""Every exercise has a TODO and a hint, fails its check as shipped, and its solution passes."""

from pathlib import Path

import pytest

from lab.checks import ROOT, Check, all_checks

CHECKS = [
    pytest.param(check, id=check.id, marks=pytest.mark.stack if check.needs_docker else pytest.mark.clock)
    for check in all_checks().values()
]


@pytest.mark.parametrize("check", CHECKS)
def test_fails_as_shipped(check: Check) -> None:
    outcome = check.judge(check.path)
    assert not outcome.passed, f"already solved: {outcome.seen}"
    assert outcome.expected and outcome.seen and outcome.expected != outcome.seen


@pytest.mark.parametrize("check", CHECKS)
def test_solution_passes(check: Check) -> None:
    outcome = check.judge(check.solution)
    assert outcome.passed, f"expected: {outcome.expected}\nseen: {outcome.seen}"


@pytest.mark.parametrize("check", all_checks().values(), ids=lambda check: check.id)
def test_has_a_todo_and_a_hint(check: Check) -> None:
    assert "TODO" in check.path.read_text() and "TODO" not in check.solution.read_text()
    assert check.hint.endswith((".", "…", ".txt"))


def test_no_stray_exercise() -> None:
    known = {path for check in all_checks().values() for path in (check.path, check.solution)}
    found = {f for folder in ("exercises", "solutions") for f in ROOT.glob(f"0*/{folder}/*") if f.suffix != ".yours"}
    assert found - {Path(f) for f in known if f.exists()} == set() and all(path.exists() for path in known)
