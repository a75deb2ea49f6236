"""What was done, in one file that terminal and pages share: `progress.json` in the folder of the course.

`lab check` writes it and the button "Load progress" of a page reads it; "Save progress" writes the same form, which
`lab list --progress FILE` reads. It is not kept in a lesson's `exercises/`: the site watches the lessons, and would build
itself again after each check; a lesson that is copied out takes nothing of the tool along.
"""

import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from engine.core import CACHE, ROOT, UserError

FORMAT, VERSION = "beyond-cron progress", 1
MOST = 1_000_000  # bytes of such a file: each exercise of the course with an answer of three pages
VERDICTS = ("", "right", "wrong", "compared", "done")  # those of theme/assets/exercise.js

_NAME = r"[a-z0-9]+(-[a-z0-9]+)*"
_ANSWER_ID, _CHECK_ID = re.compile(_NAME), re.compile(f"{_NAME}/{_NAME}")

Entry = TypeVar("Entry")


@dataclass(frozen=True)
class Answer:
    """What a page has kept of an exercise: the answer, what was said of it, and whether it counts as done."""

    value: str = ""
    verdict: str = ""
    done: bool = False


@dataclass(frozen=True)
class Judged:
    """What `lab check` said of a file, and the digest of the file that it said it of."""

    passed: bool
    file: str


@dataclass(frozen=True)
class Progress:
    """Answers by the id of the exercise on its page (`minute-field`), checks by theirs (`02-cron/percent`)."""

    answers: dict[str, Answer] = field(default_factory=dict)
    checks: dict[str, Judged] = field(default_factory=dict)


def kept_in() -> Path:
    """The file in which progress is kept: LAB_PROGRESS, or `progress.json` in the folder of the course."""
    return Path(os.environ.get("LAB_PROGRESS") or ROOT / "progress.json")


def digest(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits; empty when there is no file."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def kept() -> Progress:
    """What is kept on this machine; nothing when nothing was kept yet. Raises UserError as `read` does."""
    return read(kept_in()) if kept_in().exists() else Progress()


def keep(change: Callable[[Progress], Progress]) -> Progress:
    """Change what is kept, and return it. Others who change it at the same time wait; a reader sees it whole.

    Raises UserError as `read` does, or when it would become too large, and OSError when it cannot be written.
    """
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "progress.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        progress = change(kept())
        _write(kept_in(), progress)
        return progress


def _write(path: Path, progress: Progress) -> None:
    """Write a file that `read` reads, in one piece."""
    text = json.dumps({"format": FORMAT, "version": VERSION} | asdict(progress), indent=1) + "\n"
    if len(text) > MOST:
        raise UserError(f"{path} would be larger than {MOST:,} bytes: shorten an answer on a page, and save again")
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(text)
            file.close()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink()
            raise


def read(path: Path) -> Progress:
    """Read such a file, whoever wrote it. Raises UserError, one line, when it is something else, or too large."""
    if path.exists() and not path.is_file():  # a pipe would never end
        raise UserError(f"{path} is no file with progress: it is a folder or a device")
    with path.open("rb") as file:
        data = file.read(MOST + 1)
    try:
        if len(data) > MOST:
            raise ValueError(f"it is larger than {MOST:,} bytes")
        return _progress(_parsed(data))
    except ValueError as error:
        help = f"; begin anew with: rm {path}" if path == kept_in() else '; a page writes one with "Save progress"'
        raise UserError(f"{path} is no file with progress: {error}{help}") from None


def _parsed(data: bytes) -> Any:
    """The JSON value of some bytes. Raises ValueError, in words for people."""
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        raise ValueError("it is no text") from None
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON (line {error.lineno}: {error.msg})") from None


def _progress(value: Any) -> Progress:
    """The progress of a JSON value. Raises ValueError, which says what is wrong first."""
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ValueError(f'it does not say "format": "{FORMAT}"')
    if value.get("version") != VERSION:
        raise ValueError(f"its version is {_short(value.get('version'))}, and this course reads version {VERSION}")
    return Progress(
        _entries(value, "answers", _ANSWER_ID, _answer),
        _entries(value, "checks", _CHECK_ID, _judged),
    )


def _entries(value: Any, part: str, ids: re.Pattern[str], make: Callable[[Any], Entry]) -> dict[str, Entry]:
    """A part of the file, which may be missing: an object of entries by id. Raises ValueError."""
    entries = value.get(part, {})
    if not isinstance(entries, dict):
        raise ValueError(f"{part} is no object")
    for id, entry in entries.items():
        if not ids.fullmatch(id):
            raise ValueError(f"{part} has {_short(id)}, which is no id of an exercise")
        if not isinstance(entry, dict):
            raise ValueError(f"{part} has {id}, which is no object")
    try:
        return {id: make(entry) for id, entry in entries.items()}
    except TypeError as error:
        raise ValueError(f"{part} has an entry in which {error}") from None


def _answer(entry: dict[str, Any]) -> Answer:
    """An answer; what a page left out is empty. Raises TypeError."""
    answer = Answer(entry.get("value", ""), entry.get("verdict", ""), entry.get("done", False))
    if not isinstance(answer.value, str):
        raise TypeError("value is no text")
    if answer.verdict not in VERDICTS:
        raise TypeError(f"verdict is {_short(answer.verdict)}, and not one of {', '.join(filter(None, VERDICTS))}")
    if not isinstance(answer.done, bool):
        raise TypeError("done is neither true nor false")
    return answer


def _judged(entry: dict[str, Any]) -> Judged:
    """What was said of a file. Raises TypeError."""
    passed, file = entry.get("passed"), entry.get("file")
    if not isinstance(passed, bool):
        raise TypeError("passed is neither true nor false")
    if not isinstance(file, str) or not re.fullmatch(r"([0-9a-f]{64})?", file):
        raise TypeError("file is no SHA-256")
    return Judged(passed, file)


def _short(value: object) -> str:
    """A value in a message: cut, and without anything that a terminal would obey."""
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
