#!/usr/bin/env python3
"""Cron's shell while jobs move. A crontab with `SHELL=/lesson/moved/gate.py` starts each command as `gate.py -c COMMAND`.

It runs the command by the shell of before, unless the instant is Prefect's. No line of the crontab is changed.
"""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import ledger

TICK = 0.02  # seconds: the kernel notes the start of a process in hundredths, rounded down


def instant() -> str:
    """The minute for which cron started this: that in which our parent, cron's own child, began; or this minute."""
    age = 0.0  # seconds
    with suppress(OSError):  # where /proc shows nobody else's processes
        started = Path(f"/proc/{os.getppid()}/stat").read_text().rpartition(")")[2].split()[19]
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(started) / os.sysconf("SC_CLK_TCK") - TICK
    return f"{datetime.now(UTC) - timedelta(seconds=age):%Y-%m-%dT%H:%M}"


def main(command: str) -> int:
    """Run a command of the crontab if it is cron's turn; the exit code is the command's."""
    jobs = ledger.jobs()
    job = next((one for one in jobs.values() if one.command == command), None)
    os.environ["SHELL"] = shell = next((one.shell for one in ([job] if job else jobs.values())), "/bin/sh")
    due = instant()
    try:
        if job and not ledger.turn(job.name, due, "cron"):
            return 0
    except sqlite3.Error as error:  # cron mails it
        print(f"the ledger fails ({error}), the switch alone decides", file=sys.stderr)
        if job and job.side(due) != "cron":
            return 0
    if not job or job.state != "shadow":
        os.execv(shell, [shell, "-c", command])
    code = subprocess.run([shell, "-c", command]).returncode
    try:
        ledger.note(job.name, due, "cron", well=code == 0)
    except sqlite3.Error as error:
        print(f"the ledger fails ({error}), nothing is compared", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[2]))
