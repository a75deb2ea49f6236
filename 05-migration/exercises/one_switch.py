"""Cron and Prefect both start the job; before it does anything, each asks whether this instant is its own.

The table `switch` has a row for each job: whose it is from now on. Somebody throws the switch with an UPDATE.
"""

import sqlite3


def claim(database: sqlite3.Connection, job: str, instant: str, system: str) -> bool:
    """Whether `system`, which is cron or prefect, runs the job for this instant."""
    # TODO: the switch may be thrown between the question of one and that of the other
    [owner] = database.execute("SELECT system FROM switch WHERE job = ?", [job]).fetchone()
    return owner == system
