"""Records of what takes long and is deterministic: what a committed result was made from, and when it counts."""

import json
import os
import random
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache

from engine.core import ROOT
from engine.records import digest

FOLDER = ROOT / "tests/records"
PASSED = FOLDER / "passed.json"  # name of a record → digest of the inputs with which all of its tests have passed
ONE_IN = 4  # commits: for so many each record is run anew although it matches


def proving() -> bool:
    """Whether no record counts: `make prove`."""
    return os.environ.get("PROVE") == "1"


def recording() -> bool:
    """Whether what passes now is to be written down: RECORD=1."""
    return os.environ.get("RECORD") == "1"


@cache
def commit() -> int:
    """The hash of the commit, as a number: what is drawn from it differs from landing to landing."""
    return int(subprocess.check_output(("git", "rev-parse", "HEAD"), cwd=ROOT, text=True), 16)


@dataclass(frozen=True)
class Record:
    """Tests in real stacks that take minutes, and what their outcome depends on, as tests/groups.toml has them."""

    name: str
    tests: tuple[str, ...]
    inputs: tuple[str, ...]

    def has(self, nodeid: str) -> bool:
        """Whether a test is one of its own."""
        return any(fnmatch(nodeid.replace("[", "("), pattern) for pattern in self.tests)

    def digest(self) -> str:
        """Of the contents of all its inputs: the files that git knows, and new ones that it does not ignore."""
        return digest(ROOT / file for file in known() if any(fnmatch(file, pattern) for pattern in self.inputs))

    def counts(self) -> bool:
        """Whether its tests have passed with what is here now, and are not drawn to run anyway."""
        return (
            not (proving() or recording())
            and random.Random(f"{commit()} {self.name}").randrange(ONE_IN) != 0
            and passed().get(self.name) == self.digest()
        )


@cache
def all_records() -> list[Record]:
    """The records of tests/groups.toml. The files of their tests are inputs without being named."""
    read = tomllib.loads((ROOT / "tests/groups.toml").read_text())["recorded"]
    common = read.pop("common")
    return [
        Record(name, tuple(of["tests"]), (*of["inputs"], *common, *{test.split("::")[0] for test in of["tests"]}))
        for name, of in read.items()
    ]


@cache
def known() -> list[str]:
    """The files of the repository, named from its root; those that git ignores are none."""
    words = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    listed = subprocess.check_output(words, cwd=ROOT, text=True).splitlines()
    return [file for file in listed if (ROOT / file).is_file()]


def passed() -> dict[str, str]:
    """What is written down."""
    written: dict[str, str] = json.loads(PASSED.read_text()) if PASSED.exists() else {}
    return written


def write(outcomes: Mapping[str, bool]) -> list[str]:
    """Write down each record whose tests have all passed: `outcomes` has node ids. Returns the names of these records."""
    found = {}
    for record in all_records():
        mine = [went_well for nodeid, went_well in outcomes.items() if record.has(nodeid)]
        if mine and all(mine):
            found[record.name] = record.digest()
    PASSED.write_text(json.dumps(passed() | found, indent=1, sort_keys=True) + "\n")
    return list(found)
