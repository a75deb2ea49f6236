"""Cron and Prefect both start the job; before it does anything, each asks whether this instant is its own.

The table `switch` has a row for each job: whose it is from now on. Somebody throws the switch with an UPDATE.
"""

import sqlite3


def claim(database: sqlite3.Connection, job: str, instant: str, system: str) -> bool:
    """Whether `system`, which is cron or prefect, runs the job for this instant."""
    with database:  # whoever asks first writes down whose the instant is, for both
        database.execute("CREATE TABLE IF NOT EXISTS decisions (job, instant, system, PRIMARY KEY (job, instant))")
        database.execute(
            "INSERT INTO decisions SELECT job, ?, system FROM switch WHERE job = ? ON CONFLICT DO NOTHING",
            [instant, job],
        )
    decided = "SELECT system FROM decisions WHERE job = ? AND instant = ?"
    [owner] = database.execute(decided, [job, instant]).fetchone()
    return owner == system
