"""Names for deployments, from what a command starts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lab.cron.shell import BUILTINS, programs
from lab.migrate.words import pieces, words

INTERPRETERS = re.compile(r"(python|pypy|php|ruby|perl|node|bash|sh|dash|java|npm|npx|yarn|make|bundle)[\d.]*")
NO_NAME = BUILTINS | {
    "curl",
    "wget",
    "sleep",
    "mail",
    "logger",
    "flock",
    "timeout",
    "date",
    "nice",
    "pgrep",
    "echo",
    "sudo",
    "[",
    "test",
}
LONGEST = 50


def slug(text: str) -> str:
    """A text in lower case, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LONGEST].strip("-") or "job"


EXTENSION = re.compile(r"\.(py|php|rb|pl|js|sh|jar)$")


def deployment_name(command: str) -> str:
    """The name of the program, or of the script that an interpreter gets."""
    for part in pieces(command):
        found = [word for _, word in words(part.text)]
        name = found[0].rpartition("/")[2] if found else ""
        if name and name not in NO_NAME and not re.match(r"\w+=", name):
            return script_name(found) if INTERPRETERS.fullmatch(name) else slug(EXTENSION.sub("", name))
    named = [name.rpartition("/")[2] for name in programs(command) if name not in NO_NAME]
    every = named or [name.rpartition("/")[2] for name in programs(command)]
    return slug(EXTENSION.sub("", every[0])) if every else "job"


def script_name(found: list[str]) -> str:
    """The name of the first operand of an interpreter, or of the module after -m."""
    operands = [word for word in found[1:] if not word.startswith("-")]
    name = (operands or found)[0].rpartition("/")[2]
    return slug(EXTENSION.sub("", name) if operands else name)


@dataclass(frozen=True)
class Names:
    """What jobs are called already: by their commands, and which of these names no other command may take."""

    by_command: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()

    def taken(self, commands: Iterable[str]) -> set[str]:
        """The names that a new job among these commands cannot have."""
        return {*self.kept, *(self.by_command[command] for command in commands if command in self.by_command)}


NO_NAMES = Names()


def unique(name: str, taken: set[str]) -> str:
    """The name, or the name with the first number that is free; it is taken then."""
    number, chosen = 1, name
    while chosen in taken:
        number += 1
        chosen = f"{name}-{number}"
    taken.add(chosen)
    return chosen
