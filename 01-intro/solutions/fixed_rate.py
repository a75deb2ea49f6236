"""Start a run every PERIOD seconds. Usage: fixed_rate.py RUNS, with WORK and PERIOD in the environment."""

import hashlib
import os
import sys
import time

RUNS = int(sys.argv[1])
WORK = float(os.environ.get("WORK", 2))
PERIOD = float(os.environ.get("PERIOD", 5))


def job() -> None:
    """Hash passwords for WORK seconds: it keeps a processor busy, as real work does."""
    end = time.monotonic() + WORK
    while time.monotonic() < end:
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000)


begin = time.monotonic()
for run in range(1, RUNS + 1):
    print(f"run {run} starts at second {time.monotonic() - begin:.1f}", flush=True)
    job()
    elapsed = time.monotonic() - begin
    time.sleep(PERIOD - elapsed % PERIOD)  # to the next multiple after now: what is missed is missed
