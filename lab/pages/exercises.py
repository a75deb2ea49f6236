"""Reads the exercises of a course page: for the site, for `lab check` and for the tests.

An exercise is written `!!! exercise KIND id_SOME-ID "Title"`; its options, its answers and its text are indented below.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path

from click import ClickException

KINDS = ("choice", "predict", "text short", "text long", "self", "check")

_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_ATTEMPT = re.compile(r" *(!!!|\?\?\?\+?) ?exerci", re.IGNORECASE)
_HEADER = re.compile(r'!!! exercise((?: +[\w-]+)*)(?: +"(.*)")?$')
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
OPTION = re.compile(r"\[([ xX])\](?: +|$)")
_BOX = re.compile(r"\[[ xX]{0,3}\](?!\()")
_ITEM = re.compile(r"[-*+] +(.*)")
_FOLDER = re.compile(r"\*\*Folder:\*\* `([\w-]+)[`/]")
_ANSWER = re.compile(r"\?\?\?\+? +answer\b")
_HINT = re.compile(r"(!!!|\?\?\?\+?) +hint\b")
_INCLUDE = re.compile(r' +--8<-- "[^"]+"')


@dataclass(frozen=True)
class Exercise:
    """One exercise of a page, as it is written there."""

    id: str
    kind: str
    title: str
    page: Path
    line: int
    options: int = 0
    has_answer: bool = False
    has_hint: bool = False
    folder: str = ""  # that the page names as its own, if any

    @property
    def lesson(self) -> str:
        """The name of its page: `02-cron`."""
        return self.page.stem

    @property
    def check(self) -> str:
        """The id of its check: lesson, which is the folder of its page, and name."""
        return f"{self.folder or self.lesson}/{self.id}"


class PageError(ClickException):
    """A mistake on a page, told in one line: `docs/en/02-cron.md:120: exercise "x": reason`."""

    def __init__(self, page: Path, line: int, label: str, reason: str, source: str) -> None:
        """`source` is a piece of the page, by which the build of that page sees that the mistake is on it."""
        super().__init__(f"{page}:{line}: {label}: {reason}")
        self.source = source


def _lines(page: Path, text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of every line that is not blank and not inside a fence or an HTML comment."""
    end = ""
    start = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if end:
            if stripped.endswith(end) and (end == "-->" or not stripped.strip(end[0])):
                end = ""
            continue
        if fence := _FENCE.match(stripped):
            end, start = fence[1] or fence[2], (number, stripped)
        elif stripped.startswith("<!--") and "-->" not in stripped:
            end, start = "-->", (number, stripped)
        if stripped:
            yield number, line.expandtabs(4)
    if end:
        raise PageError(page, start[0], f'"{start[1]}"', "never closed", start[1])


@dataclass(frozen=True)
class _Block:
    """A line that begins as an exercise does, and the lines that are indented below it, without that indent."""

    number: int
    header: str
    body: list[str]


def _blocks(page: Path, text: str) -> Iterator[_Block]:
    """Find the blocks of a page that are meant to be exercises."""
    lines = list(_lines(page, text))
    for at, (number, line) in enumerate(lines):
        if _ATTEMPT.match(line):
            indent = " " * (len(line) - len(line.lstrip()) + 4)
            yield _Block(number, line.strip(), _indented([text for _, text in lines[at + 1 :]], indent))


def _indented(lines: list[str], indent: str) -> list[str]:
    """The lines up to the first one that is indented less, without the indent."""
    return [line.removeprefix(indent) for line in takewhile(lambda line: line.startswith(indent), lines)]


@dataclass(frozen=True)
class _Written:
    """What a block says, right or wrong; the counts are those of its own lines, not of blocks inside it."""

    well_formed: bool
    title: str
    kind: str = ""
    ids: tuple[str, ...] = ()
    options: int = 0
    right_options: int = 0
    broken_options: int = 0
    answers: int = 0
    open_answers: int = 0
    hints: int = 0
    full_hints: int = 0
    includes: int = 0


def _describe(block: _Block) -> _Written:
    """Read a block."""
    header = _HEADER.match(block.header)
    if not header:
        return _Written(well_formed=False, title=block.header)
    words = (header[1] or "").split()
    items = [item[1] for line in block.body if (item := _ITEM.match(line))]
    marks = [mark for item in items if (mark := OPTION.match(item))]
    # An answer that is empty is none: the line below it has to be indented further.
    below = list(pairwise([*block.body, ""]))
    answers = [after for line, after in below if _ANSWER.match(line)]
    hints = [line.startswith("???") and after.startswith("    ") for line, after in below if _HINT.match(line)]
    return _Written(
        well_formed=True,
        title=(header[2] or "").strip(),
        kind=" ".join(word for word in words if not word.startswith("id_")),
        ids=tuple(word[3:] for word in words if word.startswith("id_")),
        options=len(marks),
        right_options=sum(mark[1] != " " for mark in marks),
        broken_options=sum(map(_is_broken_option, items)),
        answers=sum(after.startswith("    ") for after in answers),
        open_answers=sum(line.startswith("!!! answer") for line in block.body),
        hints=len(hints),
        full_hints=sum(hints),
        includes=sum(bool(_INCLUDE.match(line)) for line in block.body),
    )


def _is_broken_option(item: str) -> bool:
    """Whether a list item has a box, but not the box, the space and the text of an option."""
    mark = OPTION.match(item)
    return bool(_BOX.match(item)) and not (mark and item[mark.end() :].strip())


# What can be wrong with an exercise, and how that is said. The first rule that applies is the one that is told.
_RULES: tuple[tuple[Callable[[_Written], bool], str], ...] = (
    (lambda it: not it.well_formed, 'write !!! exercise KIND id_SOME-ID "Title"'),
    (lambda it: it.kind not in KINDS, f'unknown kind "{{it.kind}}" (kinds: {", ".join(KINDS)})'),
    (lambda it: not it.ids, "it has no id (write id_SOME-ID)"),
    (lambda it: len(it.ids) > 1, "it has more than one id"),
    (lambda it: not _ID.fullmatch(it.ids[0]), "an id has lower-case letters, digits and single hyphens"),
    (lambda it: not it.title, "its title is empty"),
    (lambda it: it.open_answers > 0, "an answer is written ??? answer"),
    (
        lambda it: it.kind == "choice" and it.broken_options > 0,
        "an option is written - [ ] or - [x], then its text",
    ),
    (lambda it: it.kind == "choice" and it.options < 2, "a choice has at least two options, here {it.options}"),
    (
        lambda it: it.kind == "choice" and it.right_options != 1,
        "a choice has exactly one [x], here {it.right_options}",
    ),
    (lambda it: it.kind.startswith("text") and not it.answers, "a text exercise has an answer (??? answer)"),
    (
        lambda it: it.kind == "predict" and not (it.answers and it.includes),
        'a prediction has an answer (??? answer) that includes what was measured (--8<-- "FILE")',
    ),
    (lambda it: it.hints > 0 and it.kind != "choice", "only a choice has a hint"),
    (lambda it: it.hints > it.full_hints, "a hint is written ??? hint, and its text is indented below"),
    (lambda it: it.hints > 1, "a choice has one hint, here {it.hints}"),
)


def _first_mistake(written: _Written) -> str:
    """The first thing that is wrong with an exercise, in words; empty when all is right."""
    return next((message.format(it=written) for applies, message in _RULES if applies(written)), "")


def scan(page: Path, text: str) -> Iterator[tuple[Exercise, str]]:
    """Yield each exercise of a page with the first thing wrong with it, or an empty string."""
    named = _FOLDER.search(text)
    for block in _blocks(page, text):
        it = _describe(block)
        identifier = it.ids[0] if it.ids else ""
        options = it.options if it.kind == "choice" else 0
        folder = named[1] if named else ""
        exercise = Exercise(
            identifier, it.kind, it.title, page, block.number, options, it.answers > 0, it.hints > 0, folder
        )
        yield exercise, _first_mistake(it)


def read_exercises(page: Path) -> list[Exercise]:
    """The exercises of a page in its order, without those that a fence shows.

    Raises PageError at the first mistake on the page.
    """
    text = page.read_text(encoding="utf-8")
    found: dict[str, Exercise] = {}
    for exercise, wrong in scan(page, text):
        if not wrong and (first := found.get(exercise.id)):
            wrong = f"its id is already used on line {first.line}"
        if wrong:
            label = f'exercise "{exercise.id or exercise.title}"'
            raise PageError(page, exercise.line, label, wrong, text.splitlines()[exercise.line - 1].strip())
        found[exercise.id] = exercise
    return list(found.values())


def read_course(docs: Path) -> dict[str, Exercise]:
    """The exercises of every page below a folder by their id, page by page in order of name.

    Raises PageError at the first mistake on a page, and at an id that two pages use.
    """
    found: dict[str, Exercise] = {}
    for page in sorted(docs.rglob("*.md")):
        for exercise in read_exercises(page):
            if first := found.get(exercise.id):
                reason = f"its id is already used at {first.page}:{first.line}"
                raise PageError(page, exercise.line, f'exercise "{exercise.id}"', reason, f"id_{exercise.id} ")
            found[exercise.id] = exercise
    return found
