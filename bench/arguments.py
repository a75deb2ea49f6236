"""The arguments of a benchmark's command line: `--help` says what it is, and a word that it does not know is refused."""

import os
import sys

from engine.core import DONE, UserError


def arguments(about: str | None, *known: str) -> list[str]:
    """What stands on the command line. After `--help`, print `about` and end. Raises UserError for any other word."""
    given = sys.argv[1:]
    if "--help" in given or "-h" in given:
        print((about or "").strip())
        sys.exit(DONE)
    if unknown := [word for word in given if word not in known]:
        may = f"it takes {' or '.join(known)}" if known else "it takes none"
        raise UserError(f"{unknown[0]!r} is no word of this benchmark, {may}: --help says what else to set")
    return given


def whole_numbers(name: str, default: str, command: str) -> list[int]:
    """A list of numbers from the environment, in their order. Raises UserError when it is something else."""
    words = (os.environ.get(name) or default).split()
    if not words or not all(word.isdecimal() and int(word) for word in words):
        raise UserError(f"{name}={' '.join(words)} is not a list of whole numbers: {command} {name}='{default}'")
    return sorted(set(map(int, words)))
