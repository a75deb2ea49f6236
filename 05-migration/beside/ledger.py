"""What cron and Prefect both know while jobs move: whose turn an instant is, and how each side's run of it ended.

An instant is the minute in which a job is due, in UTC. The first who comes to it looks at the job's switch and writes
down whose turn it is; the second follows that. So a switch may be thrown at any moment: no instant has two turns.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LEDGER = os.environ.get("LEDGER", "/prefect/ledger.db")
SCHEMA = """
CREATE TABLE IF NOT EXISTS turns (job, instant, side NOT NULL, run, PRIMARY KEY (job, instant));
CREATE TABLE IF NOT EXISTS ends (job, instant, side, well NOT NULL, seen NOT NULL, PRIMARY KEY (job, instant, side));
"""


@dataclass(frozen=True)
class Job:
    """A job as its file in jobs/ says: `state` is legacy, shadow, or moved from the instant `since` on."""

    name: str
    state: str
    since: str
    command: str
    shell: str

    def side(self, instant: str) -> str:
        """Who runs an instant that nobody has come to yet."""
        return "prefect" if self.state == "moved" and instant >= self.since else "cron"


def jobs() -> dict[str, Job]:
    """The jobs by name. A file that is broken is left out and named: one bad switch stops no other job."""
    found = {}
    for file in sorted(HERE.glob("jobs/*.toml")):
        try:
            found[file.stem] = Job(file.stem, **tomllib.loads(file.read_text()))
        except (ValueError, TypeError) as error:  # no TOML, or not the names of a job
            print(f"{file}: {error}", file=sys.stderr)
    return found


@contextmanager
def opened() -> Iterator[sqlite3.Connection]:
    """The ledger, in a transaction that nobody else is in; it waits a minute for its turn."""
    database = sqlite3.connect(LEDGER, timeout=60, isolation_level=None)
    try:
        database.executescript(SCHEMA)
        database.execute("BEGIN IMMEDIATE")
        yield database
        database.execute("COMMIT")
    finally:
        database.close()


def turn(name: str, instant: str, side: str, run: str = "") -> bool:
    """Whether this side is to run the instant; of two runs of Prefect, only the first to ask."""
    with opened() as database:
        decided = jobs()[name].side(instant)  # read in the transaction, so that the switch cannot turn in between
        database.execute("INSERT OR IGNORE INTO turns VALUES (?, ?, ?, NULL)", [name, instant, decided])
        mine = "UPDATE turns SET run = ? WHERE job = ? AND instant = ? AND side = ? AND (run IS NULL OR run = ?)"
        return database.execute(mine, [run, name, instant, side, run]).rowcount == 1


def note(name: str, instant: str, side: str, well: bool) -> None:
    """Write down how a run ended, and what its comparison shows: what the commands of compare.toml print."""
    job, file = jobs()[name], HERE / "compare.toml"
    commands = tomllib.loads(file.read_text()).get(name, []) if file.exists() else []
    seen = ""
    for command in commands:
        looked = subprocess.run([job.shell, "-c", command], capture_output=True, text=True)
        seen += f"$ {command}\n{looked.stdout}{looked.stderr}"
    with opened() as database:
        database.execute("INSERT OR REPLACE INTO ends VALUES (?, ?, ?, ?, ?)", [name, instant, side, well, seen])


def content() -> dict[str, list[tuple[object, ...]]]:
    """All that is written down, the oldest first."""
    with opened() as database:
        tables = ("turns", "ends")
        return {table: database.execute(f"SELECT * FROM {table} ORDER BY instant").fetchall() for table in tables}


if __name__ == "__main__":
    print(json.dumps(content()))
