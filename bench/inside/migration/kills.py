"""The part of `make bench-migration` that kills the weekly migration: `python -m bench.inside.migration.kills KILLS SIZE SEED`.

Each run of the flow is killed with -9 at a random moment, when up to two more partitions are done. Then one may end.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from typing import Any

from bench.inside.migration.routes import shop_sum, warehouse_sum
from bench.inside.watch import say
from partitions import done, partitions
from target import transaction

WEEK = "killed"
DEADLINE = 900  # seconds for a run to come so far
LONGEST = 0.3  # seconds that it may go on then; in one second a fast machine would be done with small partitions


def start(size: int) -> "subprocess.Popen[bytes]":
    """The flow, in a session of its own."""
    flow = f"from weekly import weekly; weekly('{WEEK}', {size})"
    words = ["python", "-P", "-c", flow]
    return subprocess.Popen(words, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill(process: "subprocess.Popen[bytes]", wanted: int, later: float) -> int:
    """Wait until so many partitions are done, then so many seconds, then kill; return how many are done now."""
    deadline = time.monotonic() + DEADLINE
    while len(done(WEEK)) < wanted:
        if time.monotonic() > deadline or process.poll() is not None:
            raise SystemExit(f"the run ended by itself, or has not come to {wanted} partitions in {DEADLINE} s")
        time.sleep(0.02)
    time.sleep(later)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return len(done(WEEK))


def main(kills: int, size: int, seed: int) -> dict[str, Any]:
    """Kill so many runs, then let one end; what became of the partitions and of the rows."""
    draw, counts = random.Random(seed), [0]
    for number in range(kills):
        process = start(size)
        counts.append(kill(process, counts[-1] + draw.choice([0, 1, 1, 2]), draw.uniform(0, LONGEST)))
        say(f"killed {number + 1} of {kills}, {counts[-1]} partitions are done")
    code = start(size).wait(DEADLINE)
    with transaction() as warehouse:
        warehouse.execute("SELECT COUNT(*), COUNT(DISTINCT (table_name, low)) FROM migrated WHERE week = %s", [WEEK])
        noted, different = warehouse.fetchone()
        warehouse.execute("SELECT COUNT(*), COUNT(DISTINCT id) FROM orders")
        rows, ids = warehouse.fetchone()
    sums = {"shop": shop_sum(10**12), "warehouse": warehouse_sum()}
    told = {"partitions": len(partitions(size)), "noted": noted, "different": different, "rows": rows, "ids": ids}
    return {"done_at_kills": counts[1:], "exit_code": code} | told | {name: str(one) for name, one in sums.items()}


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:]))))
