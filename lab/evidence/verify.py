"""Run the exercises of an export again, in a sandbox, and compare what becomes of them with what the file says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.core import UserError
from lab.checks.registry import all_checks
from lab.evidence.container import judge_in_container
from lab.evidence.export import NO_ENGINE, can_run, engine_answers, shipped
from lab.evidence.form import JUDGED, Evidence, Exercise, State
from lab.evidence.judging import judge_texts, own_folder

# The lane of the fault board is no sandbox: what runs in it has a network.
OPEN = ("contrast",)
NOT_TRUSTED = "it would run with a network: --trust, if you trust the file"

Judge = Callable[[Mapping[str, str]], dict[str, Exercise]]


class Result(StrEnum):
    """How an exercise of a file compares with what was seen here."""

    SAME = "same"
    DIFFERS = "differs"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Finding:
    """An exercise of a file, what the file says of it, and what came of it here."""

    id: str
    said: Exercise
    here: Exercise

    @property
    def result(self) -> Result:
        """Whether the states are the same. What was seen may hold times and random numbers, and is not compared."""
        if self.here.state is State.NOT_JUDGED:
            return Result.NOT_JUDGED
        return Result.SAME if self.here.state is self.said.state else Result.DIFFERS

    @property
    def why(self) -> str:
        """What differs, or why there is no verdict."""
        if self.said.state is State.AS_SHIPPED:
            return "the file says as shipped, and its text is another one than that of this course"
        if self.here.state is State.NOT_JUDGED:
            return f"the file says {self.said.state}; not judged here: {self.here.seen}"
        return f"the file says {self.said.state}, here it {self.here.state}; seen: {self.here.seen}"


def verify(evidence: Evidence, trust: bool) -> list[Finding]:
    """Compare each exercise that the file says something of; one that differs is judged a second time.

    `trust` also runs what no sandbox holds: the lane of the fault board, and, without an engine, all on this machine.
    Raises UserError when nothing can be run here.
    """
    said = {id: one for id, one in evidence.exercises.items() if one.state in JUDGED}
    untouched = {id: one for id, one in evidence.exercises.items() if one.state is State.AS_SHIPPED}
    findings = [Finding(id, one, _by_text(id, one)) for id, one in untouched.items()]
    if not said:
        return findings
    engine = engine_answers()
    if not engine and not trust:
        raise UserError(
            f"verify runs a learner's programs in containers, and {NO_ENGINE}: lab doctor, or --trust to run them here"
        )
    here = judge(said, engine, trust)
    unsure = {id: one for id, one in said.items() if Finding(id, one, here[id]).result is Result.DIFFERS}
    here |= judge(unsure, engine, trust)  # some checks measure time: a busy machine is no evidence
    return sorted(findings + [Finding(id, one, here[id]) for id, one in said.items()], key=lambda one: _place(one.id))


def _place(id: str) -> int:
    return list(all_checks()).index(id)


def _by_text(id: str, exercise: Exercise) -> Exercise:
    """What a file that is said to be as shipped is here, by its text: that, or one that fails it."""
    return exercise if exercise.text == shipped()[id] else Exercise(State.FAILED, exercise.text)


def judge(exercises: Mapping[str, Exercise], engine: bool, trust: bool) -> dict[str, Exercise]:
    """Judge exercises, each where its check keeps it in; what cannot be judged here says why."""
    judged: dict[str, Exercise] = {}
    places: dict[Judge, dict[str, str]] = {judge_in_container: {}, in_this_process: {}}
    for id, one in exercises.items():
        check = all_checks()[id]
        if check.lesson in OPEN and not trust:
            judged[id] = Exercise(State.NOT_JUDGED, one.text, seen=NOT_TRUSTED)
        elif not can_run(id, engine):
            judged[id] = Exercise(State.NOT_JUDGED, one.text, seen=NO_ENGINE)
        else:
            places[judge_in_container if engine and not check.needs_docker else in_this_process][id] = one.text
    for place, texts in places.items():
        judged |= place(texts) if texts else {}
    return judged


def in_this_process(texts: Mapping[str, str]) -> dict[str, Exercise]:
    """Judge what `lab check` runs in a container anyway; or all, where there is no engine and the file is trusted."""
    with own_folder() as folder:
        return judge_texts(texts, folder)
