"""Read JSON that a stranger may have written: a plain file of a limited size, and nothing in it that has two readings."""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any

from engine.core import UserError
from lab.cron.crontab import printable

MOST_BYTES = 2_000_000  # of a file, before it is parsed; an export of the whole course has a hundred thousand
MOST_SHOWN = 60  # characters of a stranger's word in a message


class Refused(ValueError):
    """What a file has that it may not have, in words that follow its name."""


def read_json(path: Path) -> Any:
    """What a file holds. Raises UserError, one line that begins with its name, when it is no such file."""
    try:
        return parse(_bytes_of(path))
    except Refused as reason:
        raise UserError(f"{printable(path.name)}: {reason}") from None


def _bytes_of(path: Path) -> bytes:
    """The bytes of a plain file; a link is not followed, a pipe not waited for. Raises Refused."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise Refused("is not a plain file")
            with os.fdopen(number, "rb", closefd=False) as file:
                raw = file.read(MOST_BYTES + 1)
        finally:
            os.close(number)
    except OSError as error:
        is_link = error.errno == errno.ELOOP
        raise Refused("is a link, and links are not followed" if is_link else (error.strerror or "").lower()) from None
    if len(raw) > MOST_BYTES:
        raise Refused(f"is larger than {MOST_BYTES:,} bytes")
    return raw


def parse(raw: bytes) -> Any:
    """The value of a JSON text. Raises Refused, also for a key that stands twice and for what only JavaScript knows."""
    try:
        return json.loads(raw.decode(), object_pairs_hook=_object, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise Refused("is not UTF-8 text") from None
    except RecursionError:
        raise Refused("is nested too deeply") from None
    except Refused:
        raise
    except ValueError as error:  # a number of more digits than Python reads is one, too
        raise Refused(f"is not JSON: {cut(str(error))}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Raises Refused when a key stands twice: each reader would take another one."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise Refused(f"has the key {cut(key)!r} twice in one object")
        made[key] = value
    return made


def _no_number(word: str) -> None:
    raise Refused(f"is not JSON: {word} is no number of it")


def cut(text: str) -> str:
    """A stranger's word as a message shows it: short, and nothing that a terminal would obey."""
    return printable(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} …")


def fields(value: Any, what: str, needed: set[str]) -> dict[str, Any]:
    """An object with these keys and no others. Raises Refused."""
    if not isinstance(value, dict):
        raise Refused(f"{what} is not an object")
    if lacking := sorted(needed - set(value)):
        raise Refused(f"{what} lacks {lacking[0]!r}")
    if more := sorted(set(value) - needed):
        raise Refused(f"{what} has {cut(more[0])!r}, which version 1 does not know")
    return value


def entries(value: Any, what: str, most: int) -> dict[str, Any]:
    """An object with keys of the writer's choice, at most so many. Raises Refused."""
    if not isinstance(value, dict):
        raise Refused(f"{what} is not an object")
    if len(value) > most:
        raise Refused(f"{what} has {len(value):,} entries, at most {most:,} are read")
    return value


def text(value: Any, what: str, most: int) -> str:
    """A text of at most so many characters, which can be written as UTF-8 and holds no NUL. Raises Refused."""
    if not isinstance(value, str):
        raise Refused(f"{what} is not a text")
    if len(value) > most:
        raise Refused(f"{what} has {len(value):,} characters, at most {most:,} are read")
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise Refused(f"{what} holds a NUL or half a character")
    return value
