"""Every exercise fails its check as shipped, its solution passes, and so do other right answers; wrong ones are told why.

The answers are data, in tests/answers. Where a check needs Docker, or waits for a clock, a sample of them is judged, drawn
from the commit's hash; with PROVE=1 all are.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from support import answers
from support.answers import Answer
from support.records import commit, proving

from engine.core import CACHE
from lab.checks.advice import GENERAL, read
from lab.checks.registry import LESSONS, Check, Outcome, all_checks
from lab.checks.runner import judge_all

CHECKS = list(all_checks().values())
# How many of the answers are judged, beside the shipped files.
SAMPLE = {"01-intro": 10, "02-cron": 12, "03-prefect": 0, "04-incidents": 10, "05-migration": 24, "contrast": 0}
OWN = 0.8  # of the wrong answers at least so many get a hint of their own, not the general one


def answers_of(lesson: str) -> list[Answer]:
    """All answers to the exercises of a lesson."""
    return [answer for check in CHECKS if check.lesson == lesson for answer in answers.answers(check)]


def drawn(lesson: str) -> list[Answer]:
    """The shipped files, and of the other answers a sample that differs from commit to commit, or all."""
    every = answers_of(lesson)
    others = [answer for answer in every if answer.name != "shipped"]
    chosen = others if proving() else random.Random(commit()).sample(others, SAMPLE[lesson])
    return [answer for answer in every if answer.name == "shipped" or answer in chosen]


@dataclass(frozen=True)
class Judged:
    """An answer, and what came of it."""

    answer: Answer
    outcome: Outcome

    @property
    def diagnosis(self) -> str | None:
        """The diagnosis that the learner gets; none when the answer has passed."""
        return None if self.outcome.passed else self.answer.check.advice.diagnose(self.outcome.seen).name

    @property
    def as_due(self) -> bool:
        """Whether a right answer has passed, and a wrong one has the diagnosis that fits it."""
        return self.diagnosis == self.answer.diagnosis


def judge(wanted: list[Answer], folder: Path) -> Iterator[Judged]:
    """Judge answers side by side."""
    tasks = [(answer.check, answer.write(folder)) for answer in wanted]
    for answer, (_, outcome) in zip(wanted, judge_all(tasks), strict=True):
        yield Judged(answer, outcome)


@cache
def judged(lesson: str, needs_docker: bool) -> dict[str, Judged]:
    """The solutions and the drawn answers of a lesson, judged side by side: id → what came of it.

    Some checks measure time, and a busy machine changes what they see: what is not as due is judged once more, alone.
    """
    solutions = [
        Answer(check, "solution", check.solution.read_text(), None) for check in CHECKS if check.lesson == lesson
    ]
    wanted = [one for one in (*solutions, *drawn(lesson)) if one.check.needs_docker is needs_docker]
    CACHE.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=CACHE, prefix="answers-") as folder:  # below the course, where Docker may look
        found = {one.answer.id: one for one in judge(wanted, Path(folder, "first"))}
        for one in [one for one in found.values() if not one.as_due]:
            [found[one.answer.id]] = judge([one.answer], Path(folder, "again"))
    return found


def mark(check: Check) -> pytest.MarkDecorator:
    return pytest.mark.stack if check.needs_docker else pytest.mark.clock


@pytest.mark.timeout(7200 if proving() else 1200)  # the first of a lesson has all of it judged
@pytest.mark.parametrize("check", [pytest.param(check, id=check.id, marks=mark(check)) for check in CHECKS])
def test_fails_as_shipped_and_its_solution_passes(check: Check) -> None:
    found = judged(check.lesson, check.needs_docker)
    shipped, solution = found[f"{check.id}/shipped"].outcome, found[f"{check.id}/solution"].outcome
    assert not shipped.passed, f"already solved: {shipped.seen}"
    assert shipped.expected and shipped.seen and shipped.expected != shipped.seen
    assert solution.passed, f"expected: {solution.expected}\nseen: {solution.seen}"


ANSWERS = [
    pytest.param(answer, id=answer.id, marks=mark(answer.check)) for lesson in LESSONS for answer in drawn(lesson)
]


@pytest.mark.timeout(7200 if proving() else 1200)
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_gets_what_it_deserves(answer: Answer) -> None:
    """A right one passes. A wrong one fails, in one line, and its hint is that of the diagnosis that is due."""
    one = judged(answer.check.lesson, answer.check.needs_docker)[answer.id]
    assert one.as_due, f"due: {answer.diagnosis or 'passed'}, but: {one.diagnosis or 'passed'}\n{one.outcome.seen}"
    assert "\n" not in one.outcome.seen and one.outcome.seen.isprintable()


KINDS = [  # of a lesson: what needs Docker, and what does not
    pytest.param(lesson, needs, id=f"{lesson}/{'in Docker' if needs else 'here'}", marks=mark(of[0]))
    for lesson in LESSONS
    for needs in (False, True)
    if (of := [check for check in CHECKS if (check.lesson, check.needs_docker) == (lesson, needs)])
]


@pytest.mark.timeout(7200 if proving() else 1200)
@pytest.mark.parametrize(("lesson", "needs_docker"), KINDS)
def test_wrong_answers_are_caught_and_right_ones_pass(lesson: str, needs_docker: bool) -> None:
    """The score of a lesson, for those who run it with -s."""
    found = [one for one in judged(lesson, needs_docker).values() if one.answer.name != "solution"]
    wrong, right = ([one for one in found if (one.answer.diagnosis is None) is passes] for passes in (False, True))
    caught, own = (sum(one.diagnosis not in without for one in wrong) for without in ((None,), (None, GENERAL)))
    alarms = sum(one.diagnosis is not None for one in right)
    print(
        f"\n{lesson}: {caught} of {len(wrong)} wrong answers caught, {own} with a hint of their own, "
        f"{alarms} false alarms in {len(right)} right answers"
    )
    assert (caught, alarms) == (len(wrong), 0)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
class TestData:
    """What needs no judging."""

    def test_has_a_todo_and_advice(self, check: Check) -> None:
        assert "TODO" in check.path.read_text() and "TODO" not in check.solution.read_text()
        texts = [check.advice.why, check.advice.next]
        texts += [text for one in check.advice.diagnoses for text in (one.hint, one.more)]
        assert all(text and text == text.strip() and "\n" not in text for text in texts)
        assert check.advice.diagnoses[-1].name == GENERAL

    def test_has_enough_answers(self, check: Check) -> None:
        texts = [answer.text for answer in answers.answers(check)] + [check.solution.read_text()]
        assert len(set(texts)) == len(texts), "an answer is there twice"
        due = [answer.diagnosis for answer in answers.answers(check) if answer.name != "shipped"]
        wrong = [name for name in due if name is not None]
        assert len(wrong) >= 6 and len(due) - len(wrong) >= 2
        assert sum(name != GENERAL for name in wrong) >= OWN * len(wrong)

    def test_every_diagnosis_is_shown_by_an_answer(self, check: Check) -> None:
        due = {answer.diagnosis for answer in answers.answers(check)}
        mine = {name for name, of in read(check.lesson)[check.id.split("/")[1]].items() if isinstance(of, dict)}
        assert mine - {GENERAL} <= due - {None} <= mine | read("any").keys()


def test_the_data_names_no_other_exercise() -> None:
    for lesson in LESSONS:
        names = {check.id.split("/")[1] for check in CHECKS if check.lesson == lesson}
        assert read(lesson).keys() == answers.read(lesson).keys() == names


def test_no_stray_exercise() -> None:
    known = {path for check in CHECKS for path in (check.path, check.solution)}
    lessons = {path.parent.parent for path in known}  # a built site has a page called exercises
    found = {f for lesson in lessons for f in lesson.glob("*s/*") if f.parent.name in ("exercises", "solutions")}
    found = {f for f in found if ".yours" not in f.name}
    assert found - {Path(f) for f in known if f.exists()} == set() and all(path.exists() for path in known)
