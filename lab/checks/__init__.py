"""Checks of exercises: what an exercise must do when it runs, lesson by lesson.

A check is a function that runs the learner's file and judges its behaviour, registered with `@check`.
The file is looked for in the lesson's `exercises/`; a solution of the same name must pass the same check.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LESSONS = {"01-intro": "intro", "02-cron": "cron", "03-prefect": "prefect", "contrast": "contrast"}


@dataclass(frozen=True)
class Outcome:
    """What a check saw: whether it passed, and in one line each, what was expected and what was seen."""

    passed: bool
    expected: str
    seen: str


@dataclass(frozen=True)
class Check:
    """An exercise that can be checked: its id (`lesson/name`), its file, one hint, and the function that judges."""

    id: str
    file: str
    hint: str
    needs_docker: bool
    judge: Callable[[Path], Outcome]

    @property
    def path(self) -> Path:
        """The file that the learner edits."""
        return ROOT / self.id.split("/")[0] / "exercises" / self.file

    @property
    def solution(self) -> Path:
        """The file that shows one way to do it."""
        return ROOT / self.id.split("/")[0] / "solutions" / self.file


_registry: dict[str, Check] = {}


def check(
    id: str, *, file: str, hint: str, needs_docker: bool = False
) -> Callable[[Callable[[Path], Outcome]], Callable[[Path], Outcome]]:
    """Register the decorated function as the check of the exercise `id`."""

    def register(judge: Callable[[Path], Outcome]) -> Callable[[Path], Outcome]:
        _registry[id] = Check(id, file, hint, needs_docker, judge)
        return judge

    return register


def all_checks() -> dict[str, Check]:
    """Every check of the course by id, in the order of the lessons."""
    for module in LESSONS.values():
        importlib.import_module(f"lab.checks.{module}")
    return dict(_registry)


def find_checks(name: str | None) -> list[Check]:
    """The checks that `name` means: all, those of a lesson, or one.

    Raises:
        LookupError: no lesson and no exercise has that name; the message lists what there is.
    """
    checks = all_checks()
    if name is None:
        return list(checks.values())
    found = [c for c in checks.values() if name in (c.id, c.id.split("/")[0])]
    if not found:
        lesson = name.split("/")[0]
        known = [c for c in checks if c.startswith(f"{lesson}/")] or list(LESSONS)
        what = "exercise" if "/" in name and lesson in LESSONS else "lesson"
        raise LookupError(f"there is no {what} {name!r}; there is: {', '.join(known)}")
    return found
