"""A process that asks the learner's `claim` once: one of two systems, at one instant of a cut-over.

Usage: asking.py FILE DATABASE STOP JOB INSTANT SYSTEM

It prints the answer, `run` or `leave`; `locked` when another process is in a transaction. It stops before the STOPth
statement that it hands to SQLite, says which one that is, and goes on after a line on its standard input; 0 is never.
"""

import runpy
import sqlite3
import sys
from itertools import count


def main() -> None:
    """Ask, and print the answer."""
    file, path, stop, *words = sys.argv[1:]
    number = count(1)

    def before(statement: str) -> None:
        if next(number) == int(stop):
            print("stopped before:", " ".join(statement.split()), flush=True)
            sys.stdin.readline()

    database = sqlite3.connect(path, timeout=0)  # who would wait says so instead: it may wait for one who was stopped
    database.set_trace_callback(before)
    try:
        print("run" if runpy.run_path(file)["claim"](database, *words) else "leave")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        print("locked")


if __name__ == "__main__":
    main()
