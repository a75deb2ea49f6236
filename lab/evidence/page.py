"""The class as one page: no script, nothing loaded, and whatever a file says is shown as text."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

from lab.checks.registry import LESSONS, all_checks
from lab.console import plural
from lab.cron.crontab import printable
from lab.evidence.form import State
from lab.evidence.tally import Count, Learner, counts, exercises_of, failing_most, page_answers

STYLE = Path(__file__).with_name("class.css")
# A browser that obeys it loads nothing and runs nothing, whatever the page holds.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
MOST_FAILING = 10  # exercises that are shown unfolded
MARKS = {
    State.PASSED: ("passed", "✓"),
    State.FAILED: ("failed", "✗"),
    State.AS_SHIPPED: ("untouched", "·"),
    State.MISSING: ("untouched", "–"),
    State.NOT_JUDGED: ("unjudged", "?"),
}


def page(learners: Sequence[Learner], refused: Sequence[str]) -> str:
    """The page."""
    parts = [*_head(learners, refused), *_where(learners), *_fails(learners), *_never(learners)]
    parts += [*_answers(learners), *_each(learners)]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Beyond Cron: the class</title>
<style>
{STYLE.read_text(encoding="utf-8")}</style>
</head>
<body>
<main>
{chr(10).join(parts)}
</main>
</body>
</html>
"""


def shown(text: str) -> str:
    """A stranger's text in HTML."""
    return escape(printable(text))


def _head(learners: Sequence[Learner], refused: Sequence[str]) -> Iterator[str]:
    yield "<h1>The class</h1>"
    exercises = plural(len(all_checks()), "exercise")
    yield (
        f"<p>{plural(len(learners), 'learner')}, {exercises}. The verdicts are those that the files say; "
        "<code>lab verify</code> runs the exercises again.</p>"
    )
    if refused:
        yield f"<h2>{plural(len(refused), 'file')} left out</h2>"
        yield f"<ul>{''.join(f'<li>{shown(reason)}</li>' for reason in refused)}</ul>"


def _where(learners: Sequence[Learner]) -> Iterator[str]:
    """A row for each learner: how many exercises of each lesson passed."""
    yield '<h2 id="where">Who is where</h2>'
    yield "<p>Passed exercises of each lesson. The last lesson in which something was tried is in a box.</p>"
    sizes = {lesson: len(exercises_of(lesson)) for lesson in LESSONS}
    head = [f"<th scope=col>{lesson}<br><small>of {size}</small>" for lesson, size in sizes.items()]
    rows = []
    for one in learners:
        cells = [_share(one, lesson, size) for lesson, size in sizes.items()]
        rows.append(f"<th scope=row>{_link(one)}{''.join(cells)}<td>{one.passed()}<td>{one.answered}")
    yield from _table(
        "Who is where", ["<th scope=col>Learner", *head, "<th scope=col>All", "<th scope=col>Pages"], rows
    )


def _share(learner: Learner, lesson: str, size: int) -> str:
    passed = learner.passed(f"{lesson}/")
    here = " class=at" if lesson == learner.at else ""
    tenth = round(10 * passed / size)
    number = f"{passed}" if learner.tried(lesson) else '<span class=none role=img aria-label="not tried">·</span>'
    return f"<td{here}><span class='bar b{tenth}'>{number}</span>"


def _link(learner: Learner) -> str:
    return f'<a href="#{_anchor(learner)}"><bdi>{shown(learner.label)}</bdi></a>'


def _anchor(learner: Learner) -> str:
    """The id of a learner's part: of digits and letters, whatever the file is called."""
    return f"f-{learner.file.encode(errors='surrogateescape').hex()}"


def _table(name: str, head: Iterable[str], rows: Iterable[str]) -> Iterator[str]:
    """A table that scrolls by itself on a narrow screen, by keyboard too."""
    yield f'<div class=scroll role=region tabindex=0 aria-label="{name}">'
    yield f"<table><thead><tr>{''.join(head)}</thead><tbody>"
    yield from (f"<tr>{row}" for row in rows)
    yield "</tbody></table></div>"


def _fails(learners: Sequence[Learner]) -> Iterator[str]:
    yield '<h2 id="fails">What fails most</h2>'
    failing = failing_most(learners)
    if not failing:
        yield "<p>No exercise that was tried failed.</p>"
        return
    rows = [_failure(one, len(learners)) for one in failing]
    yield f"<ol class=fails>{''.join(rows[:MOST_FAILING])}</ol>"
    if more := rows[MOST_FAILING:]:
        yield f"<details><summary>{plural(len(more), 'more exercise')} that somebody fails</summary>"
        yield f"<ol class=fails start={MOST_FAILING + 1}>{''.join(more)}</ol></details>"


def _failure(one: Count, of: int) -> str:
    return (
        f"<li><code>{one.id}</code>: <strong>{one.failed} failed</strong>, {one.passed} passed, {one.untouched} of {of} not tried"
        f"<p class=seen>most often seen: {shown(one.seen)}</p>"
    )


def _never(learners: Sequence[Learner]) -> Iterator[str]:
    yield '<h2 id="never">What nobody has tried</h2>'
    never = [one.id for one in counts(learners) if one.never_tried]
    if not never:
        yield "<p>Each exercise was tried by somebody.</p>"
        return
    yield "<ul>"
    for lesson in LESSONS:
        names = [id.partition("/")[2] for id in never if id.startswith(f"{lesson}/")]
        if names:
            yield f"<li><strong>{lesson}</strong>: {' '.join(f'<code>{name}</code>' for name in names)}"
    yield "</ul>"


def _answers(learners: Sequence[Learner]) -> Iterator[str]:
    answers = page_answers(learners)
    if answers:
        yield '<h2 id="pages">Questions on the pages</h2>'
        words = {id: ", ".join(f"{of} {verdict}" for verdict, of in one.most_common()) for id, one in answers.items()}
        rows = [f"<th scope=row class=words><code>{id}</code><td class=words>{of}" for id, of in words.items()]
        yield from _table("Questions on the pages", ["<th scope=col>Question", "<th scope=col>Answers"], rows)


def _each(learners: Sequence[Learner]) -> Iterator[str]:
    yield '<h2 id="each">Learner by learner</h2>'
    yield f"<p class=legend>{' '.join(_mark(state) + f' {state}' for state in State)}</p>"
    for one in learners:
        yield f'<section id="{_anchor(one)}"><h3><bdi>{shown(one.label)}</bdi> <small>{shown(one.file)}</small></h3>'
        for lesson in LESSONS:
            if one.tried(lesson):
                marks = [f"<li>{_mark(one.exercise(id).state)} {id.partition('/')[2]}" for id in exercises_of(lesson)]
                yield f"<h4>{lesson}</h4><ul class=marks>{''.join(marks)}</ul>"
        yield from _complaints(one)
        yield "</section>"


def _mark(state: State) -> str:
    name, sign = MARKS[state]
    return f'<span class="mark {name}" role=img aria-label="{state}">{sign}</span>'


def _complaints(learner: Learner) -> Iterator[str]:
    """What was expected and seen of the exercises that failed, and why others were not judged."""
    states = (State.FAILED, State.NOT_JUDGED)
    these = [(id, learner.exercise(id)) for id in all_checks() if learner.exercise(id).state in states]
    if not these:
        yield "" if learner.at else "<p>Nothing tried.</p>"
        return
    yield f"<details><summary>{plural(len(these), 'exercise')} that did not pass</summary><dl>"
    for id, one in these:
        expected = f"<dd><b>expected:</b> {shown(one.expected)}" if one.state is State.FAILED else ""
        yield f"<dt><code>{id}</code>{expected}<dd><b>{'seen' if expected else 'not judged'}:</b> {shown(one.seen)}"
    yield "</dl></details>"
