"""Count what a class has done: who is where, what fails most, what nobody has tried."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.core import UserError
from lab.checks.registry import LESSONS, all_checks
from lab.cron.crontab import printable
from lab.evidence.form import JUDGED, Evidence, Exercise, State, read

MOST_FILES = 500
NOT_THERE = Exercise(State.MISSING)


@dataclass(frozen=True)
class Learner:
    """A learner: the file, and what is in it."""

    file: str
    evidence: Evidence

    @property
    def label(self) -> str:
        """The name that the learner has given, or else that of the file."""
        return printable(self.evidence.name or self.file.removesuffix(".json"))

    def exercise(self, id: str) -> Exercise:
        """An exercise of the course; a file from before there was one has it not."""
        return self.evidence.exercises.get(id, NOT_THERE)

    def passed(self, lesson: str = "") -> int:
        """How many exercises passed, of a lesson or of all."""
        return sum(one.state is State.PASSED for id, one in self.evidence.exercises.items() if id.startswith(lesson))

    def tried(self, lesson: str) -> bool:
        """Whether a file of the lesson is no longer as it was shipped."""
        return any(self.exercise(id).state in (*JUDGED, State.NOT_JUDGED) for id in exercises_of(lesson))

    @property
    def at(self) -> str:
        """The last lesson, in the order of the course, in which something was tried; empty if none."""
        return next((lesson for lesson in reversed(LESSONS) if self.tried(lesson)), "")

    @property
    def answered(self) -> int:
        """How many exercises on pages count as done."""
        return sum(answer.done for answer in self.evidence.answers.values())


@dataclass(frozen=True)
class Count:
    """What the class has done of an exercise, and what was seen most often where it failed."""

    id: str
    passed: int
    failed: int
    untouched: int
    seen: str

    @property
    def never_tried(self) -> bool:
        """Whether nobody has changed the file."""
        return not self.passed + self.failed


def exercises_of(lesson: str) -> list[str]:
    """The ids of a lesson's exercises."""
    return [check.id for check in all_checks().values() if check.lesson == lesson]


def read_class(folder: Path) -> tuple[list[Learner], list[str]]:
    """The learners whose files are in a folder, by their names, and why other files cannot be read, a line each.

    Raises UserError when there is no file, or far too many.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder: name the one with the files of lab export")
    files = sorted(path for path in folder.iterdir() if path.suffix == ".json")
    if not files or len(files) > MOST_FILES:
        raise UserError(
            f"{folder} has {len(files) or 'no'} .json files, 1 to {MOST_FILES} are read: lab export makes one"
        )
    learners, refused = [], []
    for path in files:
        try:
            learners.append(Learner(path.name, read(path, set(all_checks()))))
        except UserError as reason:
            refused.append(str(reason))
    return sorted(learners, key=lambda one: (one.label.casefold(), one.file)), refused


def counts(learners: Sequence[Learner]) -> list[Count]:
    """What the class has done of each exercise, in the order of the course."""
    return [_count(id, [learner.exercise(id) for learner in learners]) for id in all_checks()]


def _count(id: str, exercises: Sequence[Exercise]) -> Count:
    states = Counter(one.state for one in exercises)
    seen = Counter(one.seen for one in exercises if one.state is State.FAILED)
    tried = states[State.PASSED] + states[State.FAILED]
    common = seen.most_common(1)[0][0] if seen else ""
    return Count(id, states[State.PASSED], states[State.FAILED], len(exercises) - tried, common)


def failing_most(learners: Sequence[Learner]) -> list[Count]:
    """The exercises that somebody fails, those that most fail first."""
    return sorted((one for one in counts(learners) if one.failed), key=lambda one: -one.failed)


def page_answers(learners: Sequence[Learner]) -> dict[str, Counter[str]]:
    """Of each exercise on a page that somebody has answered: how many have which verdict."""
    made: dict[str, Counter[str]] = {}
    for learner in learners:
        for id, answer in learner.evidence.answers.items():
            made.setdefault(id, Counter())[answer.verdict or "not checked"] += 1
    return dict(sorted(made.items()))
