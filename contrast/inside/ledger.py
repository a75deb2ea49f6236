"""The flight recorder of the fault board: each attempt of a job notes its start and its end in PostgreSQL.

It is no part of the job, and the same in all lanes.
"""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg2

LEDGER = "postgresql://ledger:beyond-cron@sink/contrast"
LANE = socket.gethostname()


@contextmanager
def recorded(job: str, run: str | None = None, due: datetime | None = None) -> Iterator[dict[str, int]]:
    """Note an attempt of a run. `run` tells which attempts belong together, `due` when the scheduler wanted it.

    What is caught on its way out counts as a failure, and goes on; put the number of rows into the dictionary.
    """
    pid = os.getpid()
    run = run or os.environ.get("RUN") or str(uuid.uuid4())
    entry: dict[str, int] = {}
    outcome, reason = "ok", None
    with psycopg2.connect(LEDGER) as ledger, ledger.cursor() as cursor:
        cursor.execute(
            "INSERT INTO runs (lane, job, run, pid, due) VALUES (%s, %s, %s, %s, %s) RETURNING id",
            (LANE, job, run, pid, due),
        )
        [number] = cursor.fetchone()
        ledger.commit()
        try:
            yield entry
        except BaseException as error:
            outcome, reason = "failed", f"{type(error).__name__}: {error}".splitlines()[0]
            raise
        finally:
            cursor.execute(
                "UPDATE runs SET ended = clock_timestamp(), outcome = %s, rows = %s, reason = %s WHERE id = %s",
                (outcome, entry.get("rows"), reason, number),
            )
            ledger.commit()
