"""The checks of the exercises, lesson by lesson.

A check is a function that runs the learner's file and judges its behaviour, registered with `@check`.
The file is looked for in the lesson's `exercises/`; a solution of the same name must pass the same check.
"""

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core import ROOT, UserError
from lab.checks.advice import Advice, advice_for

# A lesson → the modules of lab.checks that have its checks.
LESSONS = {
    "01-intro": ("intro",),
    "02-cron": ("cron",),
    "03-prefect": ("prefect",),
    "04-incidents": ("incidents", "policy", "terms"),
    "05-migration": ("migration", "plans", "switch", "queues", "monitoring", "bigdata"),
    "contrast": ("contrast",),
}


@dataclass(frozen=True)
class Outcome:
    """Whether a check passed, what was expected and what was seen, in one line each."""

    passed: bool
    expected: str
    seen: str

    @classmethod
    def of(cls, expected: str, seen: str) -> "Outcome":
        """Passed when what was seen is what was expected, word for word."""
        return cls(seen == expected, expected, seen)


Judge = Callable[..., Outcome]  # of the file, and of what the check shares, if anything
Shared = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Check:
    """An exercise that can be checked: its id (`lesson/name`), its file, its advice, and the function that judges.

    Checks with the same `shares` have a server or a stack in common: it is started once, and they use it in turn.
    If it has a method `close`, that ends a check which waits for it: another thread calls it after Ctrl-C.
    """

    id: str
    file: str
    advice: Advice
    judge: Judge
    needs_docker: bool = False
    shares: Shared | None = None

    @property
    def lesson(self) -> str:
        """The folder of the exercise."""
        return self.id.split("/")[0]

    @property
    def path(self) -> Path:
        """The file that the learner edits."""
        return ROOT / self.lesson / "exercises" / self.file

    @property
    def solution(self) -> Path:
        """The file that shows one way to do it."""
        return ROOT / self.lesson / "solutions" / self.file


_registry: dict[str, Check] = {}


def check(id: str, *, file: str, needs_docker: bool = False, shares: Shared | None = None) -> Callable[[Judge], Judge]:
    """Register the decorated function as the check of the exercise `id`."""
    advice = advice_for(*id.split("/"))

    def register(judge: Judge) -> Judge:
        _registry[id] = Check(id, file, advice, judge, needs_docker, shares)
        return judge

    return register


def all_checks() -> dict[str, Check]:
    """Every check of the course by id, in the order of the lessons."""
    for module in (module for modules in LESSONS.values() for module in modules):
        importlib.import_module(f"lab.checks.{module}")
    return dict(_registry)


def find_checks(name: str | None) -> list[Check]:
    """The checks that `name` means: all, those of a lesson, or one.

    Raises UserError when no lesson and no exercise has that name; the message lists what there is.
    """
    checks = all_checks()
    if name is None:
        return list(checks.values())
    wanted = [check for check in checks.values() if name in (check.id, check.lesson)]
    if not wanted:
        lesson = name.split("/")[0]
        known = [id for id in checks if id.startswith(f"{lesson}/")] or list(LESSONS)
        what = "exercise" if "/" in name and lesson in LESSONS else "lesson"
        raise UserError(f"there is no {what} {name!r}; there is: {', '.join(known)}")
    return wanted
