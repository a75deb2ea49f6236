"""What a learner is told after a check: hints that fit what was seen; why an answer works, and what comes next.

It is data. `hints/LESSON.toml` has a table for each exercise: `why`, `next`, and a table for each diagnosis, in which
`seen` is a pattern of what was seen, `hint` the first help, and `more` the more concrete one. The first diagnosis whose
pattern is found is the one; after them come those of `hints/any.toml`, and last `general`, which has no pattern.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HINTS = Path(__file__).with_name("hints")
GENERAL = "general"


@dataclass(frozen=True)
class Diagnosis:
    """A cause: its name, how it shows in what was seen, a hint, and a more concrete one."""

    name: str
    seen: re.Pattern[str]
    hint: str
    more: str


@dataclass(frozen=True)
class Advice:
    """All that can be said of an exercise: the diagnoses in their order, why it works, and what comes next."""

    diagnoses: tuple[Diagnosis, ...]
    why: str
    next: str

    def diagnose(self, seen: str) -> Diagnosis:
        """The first diagnosis that fits what was seen; the general one fits always."""
        return next(diagnosis for diagnosis in self.diagnoses if diagnosis.seen.search(seen))


@cache
def read(name: str) -> dict[str, Any]:
    """What a file of hints says."""
    return tomllib.loads((HINTS / f"{name}.toml").read_text(encoding="utf-8"))


def diagnoses(tables: dict[str, Any]) -> list[Diagnosis]:
    """The diagnoses among these, in their order; one without a pattern fits always."""
    found = [(name, table) for name, table in tables.items() if isinstance(table, dict)]
    return [Diagnosis(name, re.compile(of.get("seen", "")), of["hint"], of["more"]) for name, of in found]


def advice_for(lesson: str, exercise: str) -> Advice:
    """The advice for an exercise. Raises KeyError when there is none, or when it has no general hint."""
    tables = dict(read(lesson)[exercise])
    general = {GENERAL: tables.pop(GENERAL)}
    ordered = (*diagnoses(tables), *diagnoses(read("any")), *diagnoses(general))
    return Advice(ordered, tables["why"], tables["next"])
