"""Reads the exercises of a course page: for the site, for `lab check` and for the tests.

An exercise is written `!!! exercise KIND id_SOME-ID "Title"`; its options, its answers and its text are indented below.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from click import ClickException

KINDS = ("choice", "text short", "text long", "self", "check")

_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_ATTEMPT = re.compile(r" *(!!!|\?\?\?\+?) ?exerci", re.IGNORECASE)
_HEADER = re.compile(r' *!!! exercise((?: +[\w-]+)*)(?: +"(.*)")? *$')
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
OPTION = re.compile(r"\[([ xX])\](?: +|$)")
_BOX = re.compile(r"\[[ xX]{0,3}\](?!\()")
_ITEM = re.compile(r" *[-*+] +(.*)")
_ANSWER = re.compile(r" *\?\?\?\+? +answer\b")


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

    @property
    def lesson(self) -> str:
        """The lesson's name, which is that of its page: `02-cron`."""
        return self.page.stem


class PageError(ClickException):
    """A mistake on a page, told in one line: `docs/en/02-cron.md:120: exercise "x": reason`."""

    def __init__(self, page: Path, line: int, label: str, reason: str, source: str) -> None:
        """Keep `source`, words of the page by which its own build finds that the mistake is on it."""
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


def scan(page: Path, text: str) -> Iterator[tuple[Exercise, str]]:
    """Yield each exercise of a page with the first thing wrong with it, or an empty string."""
    lines = list(_lines(page, text))
    for at, (number, line) in enumerate(lines):
        if not _ATTEMPT.match(line):
            continue
        header = _HEADER.match(line)
        if not header:
            wrong = 'write !!! exercise KIND id_SOME-ID "Title"'
            yield Exercise("", "", line.strip(), page, number), wrong
            continue
        words = (header[1] or "").split()
        ids = [word[3:] for word in words if word.startswith("id_")]
        kind = " ".join(word for word in words if not word.startswith("id_"))
        margin = len(line) - len(line.lstrip()) + 4
        options, right, answers, wrong = 0, 0, 0, ""
        for follower, (_, below) in enumerate(lines[at + 1 :], at + 2):
            indent = len(below) - len(below.lstrip())
            if indent < margin:
                break
            if indent > margin:
                continue
            if _ANSWER.match(below):
                inside = lines[follower][1] if follower < len(lines) else ""
                answers += inside.startswith(" " * (margin + 4))
            elif below.strip().startswith("!!! answer"):
                wrong = "an answer is written ??? answer"
            elif kind == "choice" and (item := _ITEM.match(below)):
                mark = OPTION.match(item[1])
                options += mark is not None
                right += mark is not None and mark[1] != " "
                if _BOX.match(item[1]) and not (mark and item[1][mark.end() :].strip()):
                    wrong = "an option is written - [ ] or - [x], then its text"
        title = (header[2] or "").strip()
        exercise = Exercise(ids[0] if ids else "", kind, title, page, number, options, answers > 0)
        if kind not in KINDS:
            wrong = f'unknown kind "{kind}" (kinds: {", ".join(KINDS)})'
        elif len(ids) != 1:
            wrong = "it has no id (write id_SOME-ID)" if not ids else "it has more than one id"
        elif not _ID.fullmatch(ids[0]):
            wrong = "an id has lower-case letters, digits and single hyphens"
        elif not title:
            wrong = "its title is empty"
        elif not wrong and kind == "choice" and options < 2:
            wrong = f"a choice has at least two options, here {options}"
        elif not wrong and kind == "choice" and right != 1:
            wrong = f"a choice has exactly one [x], here {right}"
        elif not wrong and kind.startswith("text") and not answers:
            wrong = "a text exercise has an answer (??? answer)"
        yield exercise, wrong


def read_exercises(page: Path) -> list[Exercise]:
    """Return the exercises of a page in its order, leaving out those that a fence shows.

    Raises:
        PageError: the first mistake on the page.
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
    """Return the exercises of every page below a folder by their id, page by page in order of name.

    Raises:
        PageError: the first mistake on a page, or an id that two pages use.
    """
    found: dict[str, Exercise] = {}
    for page in sorted(docs.rglob("*.md")):
        for exercise in read_exercises(page):
            if first := found.get(exercise.id):
                reason = f"its id is already used at {first.page}:{first.line}"
                raise PageError(page, exercise.line, f'exercise "{exercise.id}"', reason, f"id_{exercise.id} ")
            found[exercise.id] = exercise
    return found
