"""The groups of tests (tests/groups.toml): what is run in turn, what side by side, and what a change can break."""

import fcntl
import subprocess
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import IO

from engine.core import CACHE, ROOT, UserError

REST = "rest"  # the group of tests that hold nothing: each is a group of its own


@dataclass(frozen=True)
class Group:
    """Patterns of node ids and of files, as tests/groups.toml has them."""

    name: str
    tests: tuple[str, ...]
    inputs: tuple[str, ...]

    def depends_on(self, file: str) -> bool:
        """Whether a change of a file, named from the repository's root, may change an outcome of the group."""
        return any(fnmatch(file, pattern) for pattern in self.inputs)


@cache
def groups() -> list[Group]:
    """All groups, in the order in which they are started."""
    read = tomllib.loads((ROOT / "tests/groups.toml").read_text())
    common = read["common"]["inputs"]
    return [Group(name, tuple(of["tests"]), (*of["inputs"], *common)) for name, of in read["groups"].items()]


@cache
def locks() -> dict[str, list[str]]:
    """What tests of several groups hold → patterns of their node ids."""
    found: dict[str, list[str]] = tomllib.loads((ROOT / "tests/groups.toml").read_text())["locks"]
    return found


def group_of(nodeid: str) -> Group:
    """The first group that has a pattern for a test."""
    # fnmatch reads [ as a set of characters, and the ids of parametrized tests have it.
    return next(g for g in groups() if any(fnmatch(nodeid.replace("[", "("), pattern) for pattern in g.tests))


def scope_of(nodeid: str) -> str:
    """What one process runs whole: a group, a page, since its blocks share a shell, or else the test itself."""
    group, file = group_of(nodeid).name, nodeid.split("::")[0]
    return group if group != REST else file if file.endswith(".md") else nodeid


def changed_since(revision: str) -> list[str]:
    """The files that differ between a revision and the working tree, those that git does not track yet included.

    Raises UserError when git knows no such revision.
    """
    changed: list[str] = []
    for words in (("diff", "--name-only", revision, "--"), ("ls-files", "--others", "--exclude-standard")):
        done = subprocess.run(("git", *words), cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise UserError(f"git knows no revision {revision!r}: make test SINCE=main")
        changed += done.stdout.splitlines()
    return changed


class Lock:
    """A lock that is held by one process of the machine at a time, and that goes with its process."""

    def __init__(self, name: str) -> None:
        """Only the name; nothing is held yet."""
        self.path = CACHE / "locks" / name
        self.file: IO[str] | None = None

    def hold(self, wanted: bool) -> None:
        """Take it, waiting for whoever has it, or give it back."""
        if wanted and not self.file:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.file = Path(self.path).open("w")  # noqa: SIM115
            fcntl.flock(self.file, fcntl.LOCK_EX)
        elif self.file and not wanted:
            self.file.close()
            self.file = None
