"""Work, then sleep. Usage: drift.py RUNS, with WORK and PAUSE in the environment, in seconds."""

import hashlib
import os
import sys
import time

RUNS = int(sys.argv[1])
WORK = float(os.environ.get("WORK", 2))
PAUSE = float(os.environ.get("PAUSE", 5))


def job() -> None:
    """Hash passwords for WORK seconds: it keeps a processor busy, as real work does."""
    end = time.monotonic() + WORK
    while time.monotonic() < end:
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000)


begin = time.monotonic()
for run in range(1, RUNS + 1):
    print(f"run {run} starts at second {time.monotonic() - begin:.1f}", flush=True)
    job()
    time.sleep(PAUSE)
