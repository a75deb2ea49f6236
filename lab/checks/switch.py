"""Check of a cut-over in 05-migration: two processes ask the learner's `claim`, and the switch is thrown in between."""

import sqlite3
import subprocess
import tempfile
from contextlib import closing, suppress
from itertools import product
from pathlib import Path

from lab.checks import asking
from lab.checks.intro import Program, output, running
from lab.checks.registry import Outcome, check
from lab.checks.runner import pause

PATIENCE = 60  # seconds for a process that asks, on a busy machine
ASKING = Path(asking.__file__)
MONDAY, TUESDAY = "2026-11-30T07:00", "2026-12-01T07:00"
OTHER = {"cron": "prefect", "prefect": "cron"}
STOPPED = "stopped before: "
STATEMENTS = 20  # at most so many of one `claim` are held up


class Unfit(Exception):
    """A `claim` that gives no answer; the text says why."""


class CutOver:
    """A database with a switch that says cron, for two jobs; and the processes that ask."""

    def __init__(self, file: Path, folder: str) -> None:
        """Make the database in a folder."""
        self.file, self.database = file.resolve(), Path(folder, "switch.db")
        with closing(sqlite3.connect(self.database)) as database:
            database.execute("CREATE TABLE switch (job TEXT PRIMARY KEY, system TEXT)")
            database.executemany("INSERT INTO switch VALUES (?, 'cron')", [["report"], ["backup"]])
            database.commit()

    def throw(self) -> None:
        """Give the report to Prefect; not while a process that was stopped is in a transaction."""
        locked = suppress(sqlite3.OperationalError)
        with closing(sqlite3.connect(self.database, timeout=0)) as database, locked, database:
            database.execute("UPDATE switch SET system = 'prefect' WHERE job = 'report'")

    def ask(self, system: str, instant: str = MONDAY, job: str = "report") -> str:
        """The answer to one system. Raises Unfit."""
        words = (self.file, self.database, "0", job, instant, system)
        with running(ASKING, *words, stdout=subprocess.PIPE) as process:
            return answer(process)

    def both(self, first: str, stop: int, killed: bool) -> tuple[str, list[str]]:
        """The statement before which the first is stopped, if it has so many, and who runs the report on Monday.

        The switch is thrown, the other system asks, and the first goes on, or is killed and asks again. Raises Unfit.
        """
        words = (self.file, self.database, f"{stop}", "report", MONDAY, first)
        with running(ASKING, *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            said = answer(process)
            stopped = said.removeprefix(STOPPED) if said.startswith(STOPPED) else ""
            self.throw()
            second = self.ask(OTHER[first])
            if killed and stopped:
                process.kill()
            elif stopped and process.process.stdin:
                print(file=process.process.stdin, flush=True)
                said = answer(process)
        self.throw()
        if killed or said == "locked":
            said = self.ask(first)
        if second == "locked":
            second = self.ask(OTHER[first])
        answers = {first: said, OTHER[first]: second}
        return stopped, [system for system, answer in answers.items() if answer == "run"]


def answer(process: Program) -> str:
    """The next line of a process that asks. Raises Unfit when there is none."""
    for line in output(process, PATIENCE):
        if line in ("run", "leave", "locked") or line.startswith(STOPPED):
            return line
    process.process.wait(PATIENCE)
    raise Unfit(process.complaint() or f"no answer after {PATIENCE} s")


def interleaved(file: Path) -> str:
    """The first order of events after which Monday's report is not run once; empty when there is none. Raises Unfit."""
    for first, killed in product(OTHER, (False, True)):
        for stop in range(1, STATEMENTS):
            pause(0)
            with tempfile.TemporaryDirectory() as folder:
                statement, ran = CutOver(file, folder).both(first, stop, killed)
            if len(ran) != 1:
                held = f" and {'is killed' if killed else 'waits'} before {statement[:50]!r}" if statement else ""
                return f"{first} asks first{held}, then the switch is thrown: run by {' and '.join(ran) or 'nobody'}"
            if not statement:  # it has no more of them
                break
    return ""


def one_by_one(file: Path) -> str:
    """The first instant that is run by another system than it should be, when nothing is in a hurry. Raises Unfit."""
    with tempfile.TemporaryDirectory() as folder:
        both = CutOver(file, folder)
        for when, job, instant, owner in (
            ("before the switch is thrown", "report", MONDAY, "cron"),
            ("the same instant, asked again when it is thrown", "report", MONDAY, "cron"),
            ("the next instant", "report", TUESDAY, "prefect"),
            ("a job whose switch nobody throws", "backup", MONDAY, "cron"),
        ):
            ran = [system for system in (OTHER[owner], owner) if both.ask(system, instant, job) == "run"]
            if ran != [owner]:
                return f"{when}: run by {' and '.join(ran) or 'nobody'}, not by {owner}"
            both.throw()
    return ""


@check(
    "05-migration/one-switch",
    file="one_switch.py",
)
def one_switch(file: Path) -> Outcome:
    """Whoever asks first is held up or killed before each of its statements, while the switch is thrown."""
    expected = "each instant is run once: by the system that the switch names when the first of the two asks"
    try:
        wrong = one_by_one(file) or interleaved(file)
    except Unfit as reason:
        wrong = str(reason)
    return Outcome(not wrong, expected, wrong or expected)
