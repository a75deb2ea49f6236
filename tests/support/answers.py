"""Typical wrong answers to each exercise, and other right ones: data in tests/answers, a table for each exercise.

A row of `wrong` begins with the diagnosis that is due. What follows are edits to the solution, `replace, by` in turn,
or one text alone, which is a whole file. `shipped` is the diagnosis of the exercise as it is shipped.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engine.core import ROOT
from lab.checks.registry import Check

FOLDER = ROOT / "tests/answers"


@dataclass(frozen=True)
class Answer:
    """What somebody may have written, and the diagnosis that is due; none where it is right."""

    check: Check
    name: str
    text: str
    diagnosis: str | None

    @property
    def id(self) -> str:
        """Such as 02-cron/percent/wrong-3."""
        return f"{self.check.id}/{self.name}"

    def write(self, folder: Path) -> Path:
        """Write it below a folder, under the name that the check expects."""
        file = folder / self.id / self.check.file
        file.parent.mkdir(parents=True)
        file.write_text(self.text)
        return file


@cache
def read(lesson: str) -> dict[str, Any]:
    """The file of a lesson."""
    return tomllib.loads((FOLDER / f"{lesson}.toml").read_text())


def text_of(check: Check, row: list[str]) -> str:
    """A whole file, or the solution with some edits; each finds what it replaces."""
    if len(row) == 1:
        return row[0]
    text = check.solution.read_text()
    for replace, by in zip(row[::2], row[1::2], strict=True):
        assert replace in text, f"{check.id}: the solution has no {replace!r}"
        text = text.replace(replace, by)
    return text


def answers(check: Check) -> list[Answer]:
    """The answers to an exercise, the shipped file first."""
    table = read(check.lesson)[check.id.split("/")[1]]
    return [
        Answer(check, "shipped", check.path.read_text(), table["shipped"]),
        *(Answer(check, f"wrong-{n}", text_of(check, row[1:]), row[0]) for n, row in enumerate(table["wrong"], 1)),
        *(Answer(check, f"right-{n}", text_of(check, row), None) for n, row in enumerate(table["right"], 1)),
    ]
