"""Records of what takes long and is deterministic: what a committed result was made from, and when it counts."""

import json
import os
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from engine.core import ROOT
from engine.records import digest

FOLDER = ROOT / "tests/records"


def proving() -> bool:
    """Whether no record counts: `make prove`."""
    return os.environ.get("PROVE") == "1"


@cache
def commit() -> int:
    """The hash of the commit, as a number: what is drawn from it differs from landing to landing."""
    return int(subprocess.check_output(("git", "rev-parse", "HEAD"), cwd=ROOT, text=True), 16)


def counts(name: str, inputs: Iterable[Path], one_in: int = 4) -> bool:
    """Whether a test may rely on the record NAME: its inputs are what they were, and it is not drawn to run anyway."""
    record = FOLDER / f"{name}.json"
    fresh = record.exists() and json.loads(record.read_text())["inputs"] == digest(inputs)
    return fresh and not proving() and commit() % one_in != 0


def write(name: str, inputs: Iterable[Path], **facts: object) -> None:
    """Note that a test has passed with these inputs, where RECORD=1 asks for it."""
    if os.environ.get("RECORD") == "1":
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.json").write_text(json.dumps({"inputs": digest(inputs)} | facts, indent=1) + "\n")
