"""A shift of `lab oncall` with nobody at the keyboard: what it prints, what it leaves, and what is done after the pager."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.core import ROOT
from engine.markdown import table
from support.records import commit, proving

SEEDS = range(1, 21)
TABLE, POST_MORTEM = ROOT / "results/oncall.md", ROOT / "results/oncall-post-mortem.md"
SHOWN = 9  # the seed whose post-mortem the page shows
ROWS = ROOT / ".cache/oncall.json"
DEADLINE = 2400  # seconds for a shift


def seeds() -> list[int]:
    """All of them with PROVE=1; two in a row otherwise, drawn from the commit."""
    first = commit() % len(SEEDS)
    return [*SEEDS] if proving() else [SEEDS[first], SEEDS[first - 1]]


@dataclass(frozen=True)
class Ended:
    """A shift that has ended: its exit code, what it printed, and its post-mortem."""

    code: int
    said: str
    post_mortem: str

    def figure(self, name: str) -> str:
        """What it printed under a name."""
        found = re.search(rf"^  {name} +(.*)$", self.said, re.M)
        assert found, self.said
        return found[1]

    @property
    def fault(self) -> str:
        """What it was."""
        found = re.search(r"^it was ([\w-]+):", self.said, re.M)
        assert found, self.said
        return found[1]

    @property
    def pager(self) -> str:
        """The symptom that woke the learner."""
        found = re.search(r"  pager: (.*)$", self.said, re.M)
        return found[1] if found else ""

    @property
    def score(self) -> int:
        """Its points."""
        return int(self.figure("score").split()[0])


def nothing() -> None:
    """What somebody does who does nothing."""


def shift(
    seed: int, folder: Path, minutes: float, meet: Callable[[], None] = nothing, repair: Callable[[], None] = nothing
) -> Ended:
    """A whole shift, whose fault comes at once: what meets it is called then.

    After the pager Enter is pressed, and `repair` is called when that was noted.
    """
    file = folder / f"{seed}-{minutes}.md"
    words = ("--seed", str(seed), "--within", "0", "--minutes", str(minutes), "--output", str(file))
    program = Path(sys.executable).with_name("lab")
    pipe = subprocess.PIPE
    with subprocess.Popen(
        (program, "oncall", *words), cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdin and process.stdout
        end = threading.Timer(DEADLINE, process.kill)
        end.start()
        said = []
        try:
            for line in process.stdout:
                said.append(line)
                if "  the shift begins; " in line:
                    meet()
                if "  pager: " in line:
                    process.stdin.write("\n")
                    process.stdin.flush()
                if line.endswith("  you: noticed\n"):
                    repair()
            code = process.wait()
        finally:  # also when what is done to it has failed
            process.kill()
            end.cancel()
    return Ended(code, "".join(said), file.read_text() if file.exists() else "")


def keep(seed: int, nothing: Ended, repaired: Ended) -> None:
    """Keep a row of the table that the page shows; when it has all seeds, and RECORD=1 asks for it, write it.

    With RECORD=1 the post-mortem that the page shows is written, too.
    """
    if seed == SHOWN and os.environ.get("RECORD") == "1":
        POST_MORTEM.write_text(repaired.post_mortem)
    rows = json.loads(ROWS.read_text()) if ROWS.exists() else {}
    figures = [re.sub(r" after the fault.*", "", repaired.figure(name)) for name in ("noticed", "repaired")]
    symptom = re.sub(r"\d+ s$", "… s", repaired.pager)
    rows[str(seed)] = [
        str(seed), repaired.fault, symptom, *figures, *re.findall(r"\d+", repaired.figure("rows")), str(repaired.score),
        str(nothing.score),
    ]  # fmt: skip
    ROWS.write_text(json.dumps(rows))
    if len(rows) == len(SEEDS) and os.environ.get("RECORD") == "1":
        head = ["Seed", "Fault", "Pager", "Noticed", "Repaired", "Lost", "Doubled", "Late", "Score", "Nothing done"]
        TABLE.write_text(table(head, [rows[str(seed)] for seed in SEEDS]) + "\n")
