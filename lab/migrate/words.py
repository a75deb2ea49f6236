"""A command of the shell, cut where the shell cuts it: simple commands, words, redirections.

Everything works on positions in the text, so that what stays is kept byte for byte.
"""

import re
import shlex
from dataclasses import dataclass

DEEPEST = 50  # quotes in substitutions in quotes: more is no command that a person wrote
OPERATOR = re.compile(r"&&|\|\||\|&|;;|(?<![<>&])&(?![>&])|[;|\n]")
REDIRECTION = re.compile(r"(?P<from>\d*|&)(?P<way>>>|>\||>|<<<|<<|<)[ \t]*(?P<target>&[\d-]|[^\s;|&<>()]+)")
COMPOUND = re.compile(r"(?:^|[\s;&|(])(?:for|while|until|if|case|\{|\}|function)(?=[\s;]|$)|[()]")


@dataclass(frozen=True)
class Piece:
    """A simple command of a line: the operator before it, where it stands, and its text."""

    operator: str
    start: int
    end: int
    text: str


def mask(text: str) -> str | None:
    """The text with an x for each character that is quoted, escaped, substituted, or a comment, at the same positions.

    None when a quotation mark or a bracket has no partner.
    """
    shown, at = "", 0
    try:
        while at < len(text):
            if text[at] == "#" and (not shown or shown[-1] in " \t;&|"):
                return shown + " " * (len(text) - at)
            end = past(text, at)
            shown += "x" * (end - at) if end > at + 1 else text[at]
            at = end
    except (IndexError, ValueError):
        return None
    return shown


def past(text: str, at: int, inside: str = "", depth: int = 0) -> int:
    """The position after the character, the quoted text or the substitution that begins at `at`.

    Raises IndexError or ValueError when it has no end.
    """
    if text[at] == "\\":
        return at + 2 if at + 1 < len(text) else at + 1
    if text[at] == "'" and inside != '"':
        return text.index("'", at + 1) + 1
    if text[at] in '"`' and text[at] != inside:
        return past_end(text, at + 1, text[at], depth + 1)
    for opening, closing in (("$(", ")"), ("${", "}")):
        if text.startswith(opening, at):
            return past_end(text, at + 2, closing, depth + 1)
    return past_end(text, at + 1, ")", depth + 1) if text[at] == "(" and inside == ")" else at + 1


def past_end(text: str, at: int, end: str, depth: int) -> int:
    """The position after the next `end` that stands by itself. Raises IndexError or ValueError when there is none."""
    if depth > DEEPEST:
        raise ValueError("too deep")
    while text[at] != end:
        at = past(text, at, end, depth)
    return at + 1


def pieces(text: str) -> list[Piece]:
    """The simple commands of a line, in order; none when its quotes do not match, or it is a compound command."""
    masked = mask(text)
    if masked is None or COMPOUND.search(masked):
        return []
    found, operator, start = [], "", 0
    for cut in OPERATOR.finditer(masked):
        found.append(piece(text, operator, start, cut.start()))
        operator, start = cut[0], cut.end()
    last = piece(text, operator, start, len(masked.rstrip()))
    return [one for one in (*found, last) if one.text]


def piece(text: str, operator: str, start: int, end: int) -> Piece:
    """The simple command between two positions, without the blanks about it."""
    end = max(start, end)
    inner = text[start:end]
    start += len(inner) - len(inner.lstrip())
    return Piece(operator, start, start + len(inner.strip()), inner.strip())


def words(text: str) -> list[tuple[int, str]]:
    """The words of a simple command as (position, what the shell makes of it), without its redirections."""
    masked = mask(text)
    if masked is None:
        return []
    masked = REDIRECTION.sub(lambda found: " " * len(found[0]), masked)
    return [(found.start(), plain(text[found.start() : found.end()])) for found in re.finditer(r"\S+", masked)]


def plain(word: str) -> str:
    """A word without its quotes; as it is where that is not clear."""
    try:
        return "".join(shlex.split(word, comments=False, posix=True))
    except ValueError:
        return word


def literal(word: str) -> bool:
    """Whether the shell leaves the word as it is: nothing in it is expanded."""
    return not re.search(r"[$`*?\[~{]", word)


def seconds(word: str) -> float | None:
    """The length of time that `sleep` and `timeout` read: 90, 1.5m, 2h; None when it is none."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd]?)", word, re.ASCII)
    if not found:
        return None
    total = float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
    return int(total) if total.is_integer() else total
