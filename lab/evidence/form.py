"""The form of an export, version 1: what is in the file, read from what a stranger may have written, and written."""

import json
import re
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from engine.core import UserError
from lab.cron.crontab import printable
from lab.evidence.strict import Refused, cut, entries, fields, read_json, text
from lab.progress.store import MOST, VERDICTS, Answer

FORMAT, VERSION = "beyond-cron evidence", 1
MOST_TEXT = 40_000  # characters of an exercise's file
MOST_LINE = 4_000  # characters of what was expected or seen
MOST_NAME = 80
MOST_ANSWERS = 500
VERSIONS = {"python", "prefect", "lab"}
PAGE_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
COMMIT, DIGEST, IMAGE_ID = (
    re.compile(r"[0-9a-f]{40,64}"),
    re.compile(r"[0-9a-f]{16}"),
    re.compile(r"sha256:[0-9a-f]{64}"),
)


class State(StrEnum):
    """What is known of an exercise."""

    PASSED = "passed"
    FAILED = "failed"
    AS_SHIPPED = "as shipped"  # nobody has changed its file
    MISSING = "missing"
    NOT_JUDGED = "not judged"


JUDGED = (State.PASSED, State.FAILED)


@dataclass(frozen=True)
class Exercise:
    """An exercise: its state, the text of its file, and what its check expected and saw, or why there is no verdict."""

    state: State
    text: str = ""
    expected: str = ""
    seen: str = ""


@dataclass(frozen=True)
class Evidence:
    """What a learner has done. The commit is empty where the course is no checkout of git."""

    exercises: dict[str, Exercise]
    answers: dict[str, Answer] = field(default_factory=dict)
    name: str = ""
    commit: str = ""
    checks: str = ""  # a digest of the checks that judged
    versions: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)


def written(evidence: Evidence) -> str:
    """The text of the file."""
    value = {"format": FORMAT, "version": VERSION, **asdict(evidence)}
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def read(path: Path, known: set[str]) -> Evidence:
    """The evidence in a file, whose exercises are all `known` here. Raises UserError, in one line."""
    value = read_json(path)
    try:
        return evidence_of(value, known)
    except Refused as reason:
        raise UserError(f"{printable(path.name)}: {reason}") from None


def evidence_of(value: Any, known: set[str]) -> Evidence:
    """The evidence that a value of JSON is. Raises Refused."""
    keys = {"format", "version", *Evidence.__dataclass_fields__}
    _head(value)
    got = fields(value, "the file", keys)
    answers = entries(got["answers"], "answers", MOST_ANSWERS)
    return Evidence(
        exercises_of(got["exercises"], known),
        {_page_id(id): _answer(id, one) for id, one in answers.items()},
        name_of(got["name"]),
        _matching(got["commit"], "commit", COMMIT),
        _matching(got["checks"], "checks", DIGEST),
        {
            what: text(one, "a version", MOST_NAME)
            for what, one in fields(got["versions"], "versions", VERSIONS).items()
        },
        {
            text(image, "an image", MOST_NAME): _matching(one, "an image", IMAGE_ID)
            for image, one in entries(got["images"], "images", 50).items()
        },
    )


def exercises_of(value: Any, known: set[str]) -> dict[str, Exercise]:
    """The exercises that a value of JSON is, all of them known. Raises Refused."""
    exercises = entries(value, "exercises", 10 * len(known))
    if unknown := sorted(set(exercises) - known):
        raise Refused(f"this course has no exercise {cut(unknown[0])!r}")
    return {id: _exercise(id, one) for id, one in exercises.items()}


def _head(value: Any) -> None:
    """Refuse what is no export, or of a version that is not known here."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Refused(f"is not in the format {FORMAT}")
    version = value.get("version")
    if type(version) is not int or version != VERSION:  # True is 1, too
        raise Refused(f"is not of version {VERSION} of its format")


def _exercise(id: str, value: Any) -> Exercise:
    got = fields(value, id, set(Exercise.__dataclass_fields__))
    if got["state"] not in list(State):
        raise Refused(f"{id} has a state that there is not")
    expected, seen = (text(got[key], f"{key} of {id}", MOST_LINE) for key in ("expected", "seen"))
    return Exercise(State(got["state"]), text(got["text"], f"the text of {id}", MOST_TEXT), expected, seen)


def _answer(id: str, value: Any) -> Answer:
    got = fields(value, id, set(Answer.__dataclass_fields__))
    if got["verdict"] not in VERDICTS or not isinstance(got["done"], bool):
        raise Refused(f"the answer of {id} has a verdict that there is not")
    return Answer(text(got["value"], f"the answer of {id}", MOST), got["verdict"], got["done"])


def _page_id(id: str) -> str:
    if len(id) > MOST_NAME or not PAGE_ID.fullmatch(id):
        raise Refused(f"{cut(id)!r} is no id of an exercise on a page")
    return id


def name_of(value: Any) -> str:
    """The name of a learner; may be empty. Raises Refused."""
    name = text(value, "the name", MOST_NAME)
    if any(letter < " " or letter == "\x7f" for letter in name):
        raise Refused("the name holds a control character")
    return name


def _matching(value: Any, what: str, pattern: re.Pattern[str]) -> str:
    if value != "" and not (isinstance(value, str) and pattern.fullmatch(value)):
        raise Refused(f"{what} is not what it should be: {pattern.pattern}")
    return str(value)
