"""The exercises of the course in its order, and the state of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.core import ROOT, UserError
from lab.checks.registry import Check, all_checks
from lab.pages.exercises import Exercise, PageError, read_exercises
from lab.progress.store import Progress, digest

PASSED, DONE, FAILED, CHANGED, NOT_TRIED = "passed", "done", "failed", "changed since", "not tried"
FINISHED = (PASSED, DONE)


@dataclass(frozen=True)
class Item:
    """An exercise as a page has it, the check of its file if it has one, and its state."""

    exercise: Exercise
    check: Check | None
    state: str

    @property
    def id(self) -> str:
        """What names it in a terminal: `02-cron/percent`, or `minute-field` for what only its page has."""
        return self.check.id if self.check else self.exercise.id

    @property
    def page(self) -> str:
        """The name of its page: `02-cron`."""
        return self.exercise.lesson

    @property
    def lesson(self) -> str:
        """The folder that it belongs to."""
        return self.exercise.folder or self.page


def items(progress: Progress, name: str | None = None) -> list[Item]:
    """The exercises of the course in the order of its pages, or those of one lesson or page.

    Raises UserError when nothing has that name, or when a page has a mistake.
    """
    checks = all_checks()
    found = []
    for exercise in _exercises():
        check = checks.get(exercise.check) if exercise.kind == "check" else None
        found.append(Item(exercise, check, _state(exercise, check, progress)))
    wanted = [item for item in found if name in (None, item.lesson, item.page)]
    if not wanted:
        known = ", ".join(dict.fromkeys(item.page for item in found))
        raise UserError(f"there is no lesson or page {name!r} with exercises; there is: {known}")
    return wanted


def _exercises() -> Iterator[Exercise]:
    """The exercises of all pages, in the order of the menu."""
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    try:
        for page in _pages(menu):
            yield from read_exercises(ROOT / "docs/en" / page)
    except PageError as error:
        raise UserError(error.message) from None


def _pages(menu: Any) -> Iterator[Path]:
    """The files of a menu, whose entries are files, titled files, and titled menus."""
    for entry in menu:
        for part in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(part, str):
                yield Path(part)
            else:
                yield from _pages(part)


def _state(exercise: Exercise, check: Check | None, progress: Progress) -> str:
    """What is known of an exercise. The word of `lab check` counts more than a mark on the page."""
    if check and (judged := progress.checks.get(check.id)):
        if digest(check.path) != judged.file:
            return CHANGED
        return PASSED if judged.passed else FAILED
    answer = progress.answers.get(exercise.id)
    if exercise.kind == "choice" and answer:
        return {"right": PASSED, "wrong": FAILED}.get(answer.verdict, NOT_TRIED)
    return DONE if answer and answer.done else NOT_TRIED
