"""Checks of 01-intro: the learner's file runs with short periods, and what it did is measured. No Docker is needed."""

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from engine.core import ROOT
from lab.checks.registry import Outcome, check
from lab.checks.runner import pause

ORDERS = ROOT / "01-intro" / "orders.py"
MOST_LINES = 1000  # of output, before a program counts as out of control


@dataclass(frozen=True)
class Program:
    """A running Python file, and where its errors go."""

    process: subprocess.Popen[str]
    stderr: Path

    def complaint(self) -> str:
        """The last line of its standard error, which is the one that names the error; empty if there is none."""
        lines = self.stderr.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def kill(self) -> None:
        """Kill it, and all that it has started: a child would keep its output open, and live on."""
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses where only a zombie is left
            os.killpg(self.process.pid, signal.SIGKILL)


@contextmanager
def running(
    file: Path,
    *arguments: str | Path,
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    **settings: float,
) -> Iterator[Program]:
    """Start a Python file in an empty folder, with `settings` in its environment; kill it at the end of the block."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1"} | {name: str(value) for name, value in settings.items()}
    command = [sys.executable, file.resolve(), *arguments]
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile() as stderr:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=stdin, stdout=stdout, stderr=stderr,
            text=True, errors="replace", start_new_session=True,
        )  # fmt: skip
        program = Program(process, Path(stderr.name))
        try:
            yield program
        finally:
            program.kill()
            process.communicate()


def output(program: Program, seconds: float) -> Iterator[str]:
    """The lines of a program as they come, until it ends; after so many seconds, or MOST_LINES, it is killed."""
    assert program.process.stdout is not None
    alarm = threading.Timer(seconds, program.kill)
    alarm.start()
    try:
        for _, line in zip(range(MOST_LINES), program.process.stdout, strict=False):
            yield line.strip()
    finally:
        alarm.cancel()


def start_times(file: Path, runs: int, work: float, period: float) -> tuple[list[float], str]:
    """When a loop starts its runs, in seconds after the first; and the last line of its errors, or an empty string."""
    starts: list[float] = []
    with running(file, str(runs), stdout=subprocess.PIPE, WORK=work, PERIOD=period) as program:
        for line in output(program, seconds=2 * runs * max(work, period)):
            if line.startswith("run "):
                starts.append(time.monotonic())
            if len(starts) == runs:
                break
        return [start - starts[0] for start in starts], program.complaint()


def listed(seconds: list[float]) -> str:
    """Times for people: `0.0 0.8 1.6`."""
    return " ".join(f"{second:.1f}" for second in seconds)


@check(
    "01-intro/fixed-rate",
    file="fixed_rate.py",
)
def fixed_rate(file: Path) -> Outcome:
    """Runs start at multiples of the period; a run that takes longer than a period skips the start that it missed."""
    expected = seen = ""
    for work, period, due in [(0.3, 0.8, [0, 0.8, 1.6]), (1.0, 0.8, [0, 1.6])]:
        starts, complaint = start_times(file, len(due), work, period)
        rhythm = f"work of {work} s, a period of {period} s"
        expected, seen = f"{rhythm}: starts at {listed(due)}", f"{rhythm}: starts at {listed(starts)}"
        if len(starts) < len(due):
            counted = f"{len(starts)} of {len(due)} lines that begin with 'run'"
            return Outcome(False, expected, complaint or f"{rhythm}: {counted}")
        if any(abs(start - planned) > 0.25 for start, planned in zip(starts, due, strict=True)):
            return Outcome(False, expected, seen)
    return Outcome(True, expected, seen)


def ids(database: Path, table: str) -> list[int]:
    """The column `id` of a table; an empty list while the table or the file is not there."""
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return [number for [number] in connection.execute(f"SELECT id FROM {table}")]
    except sqlite3.Error:
        return []


def ended(program: Program, seconds: float, enough: Callable[[], bool] = lambda: False) -> str:
    """Wait for so many seconds, or until it is enough. Returns why the program ended meanwhile, or an empty string."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not enough():
        if program.process.poll() is not None:
            return program.complaint() or "the program ended; it is to run until it is stopped"
        pause(0.05)
    return ""


@check(
    "01-intro/lost-window",
    file="lost_window.py",
)
def lost_window(file: Path) -> Outcome:
    """Every order gets into the warehouse once, though each run takes long and the ETL is killed once in between."""
    expected = "every order is in the warehouse once, also when the ETL is stopped and started again"
    with tempfile.TemporaryDirectory() as folder:
        shop, warehouse = Path(folder, "shop.db"), Path(folder, "warehouse.db")
        with running(ORDERS, shop) as orders:
            trouble = ended(orders, seconds=5, enough=lambda: bool(ids(shop, "orders")))
            with running(file, shop, warehouse, MINUTE=0.2, SLEEP=1, WORK=1) as etl:
                trouble = trouble or ended(etl, seconds=1)
                trouble = trouble or ended(etl, seconds=5, enough=lambda: bool(ids(warehouse, "sales")))
            with running(file, shop, warehouse, MINUTE=0.2, SLEEP=1, WORK=1) as etl:
                trouble = trouble or ended(etl, seconds=0.9)
                orders.kill()
                orders.process.wait()
                written = ids(shop, "orders")
                trouble = trouble or ended(etl, seconds=2, enough=lambda: set(ids(warehouse, "sales")) >= set(written))
                trouble = trouble or ended(etl, seconds=0.6)  # one run more, with nothing to do
        loaded = ids(warehouse, "sales")
    lost, twice = len(set(written) - set(loaded)), len(loaded) - len(set(loaded))
    seen = trouble or f"{len(written)} orders, {lost} lost, {twice} loaded twice"
    return Outcome(not trouble and lost == twice == 0, expected, seen)


NIGHTS = [  # a time, a zone, and the hours from there to 3 a.m.
    ("2026-06-01T22:00", "America/New_York", 5.0),
    ("2026-06-02T03:00", "America/New_York", 24.0),
    ("2026-03-07T03:00", "America/New_York", 23.0),
    ("2026-10-31T03:00", "America/New_York", 25.0),
    ("2026-03-29T01:30", "Europe/Berlin", 0.5),
    ("2018-11-03T12:00", "America/Sao_Paulo", 14.0),
]


@check(
    "01-intro/three-am",
    file="three_am.py",
)
def three_am(file: Path) -> Outcome:
    """The program prints the seconds that pass until 3 a.m., on ordinary days and on those with a clock change."""
    expected = seen = ""
    for moment, zone, hours in NIGHTS:
        with running(file, moment, zone, stdout=subprocess.PIPE) as program:
            lines = list(output(program, seconds=30))
            complaint = program.complaint()
        answer = lines[-1] if lines else complaint or "no output"
        expected = f"{moment} {zone}: {hours * 3600:.0f} seconds"
        seen = f"{moment} {zone}: {answer}"
        try:
            right = abs(float(answer) - hours * 3600) < 1
        except ValueError:
            return Outcome(False, expected, complaint or f"{seen}, not a number of seconds")
        if not right:
            return Outcome(False, expected, f"{seen} seconds")
    return Outcome(True, expected, f"{seen} seconds")
