"""The part of `make bench-migration` that runs a flow by one task runner after the other, in a process each.

`python -m bench.inside.migration.runners '{"flow": "alike", "sizes": [50, 400], "repeat": 3}'` prints a JSON object for
each run. `python -m bench.inside.migration.runners FLOW RUNNER SIZE` is one of these processes: it prints its seconds.
"""

import json
import os
import subprocess
import sys
import time
from typing import Any

from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner
from prefect_dask import DaskTaskRunner

from alike import alike
from bench.inside.migration.routes import empty
from bench.inside.watch import say
from weekly import weekly

RUNNERS: dict[str, Any] = {
    "one thread": lambda: ThreadPoolTaskRunner(max_workers=1),
    "two threads": lambda: ThreadPoolTaskRunner(max_workers=2),
    "two processes": lambda: ProcessPoolTaskRunner(max_workers=2),
    "Dask": lambda: DaskTaskRunner(address=os.environ["DASK_SCHEDULER"]),
}
ARGUMENTS: dict[str, Any] = {
    "alike": lambda size: {"products": size, "tasks": 4},
    "weekly": lambda size: {"week": "runners", "size": size},
}
DEADLINE = 900  # seconds for a run
FLOWS: dict[str, Any] = {"alike": alike, "weekly": weekly}


def one(flow: str, runner: str, size: int) -> float:
    """Seconds of a run; what is imported, and sought for the first time, is there already."""
    run = FLOWS[flow].with_options(task_runner=RUNNERS[runner]())
    start = time.perf_counter()
    run(**ARGUMENTS[flow](size))
    return time.perf_counter() - start


def rounds(flow: str, sizes: list[int], repeat: int) -> None:
    """All task runners in turn."""
    for size in sizes:
        for turn in range(repeat):
            names = [*RUNNERS]
            for runner in [*names[turn % len(names) :], *names[: turn % len(names)]]:
                empty()
                words = [sys.executable, "-P", "-m", "bench.inside.migration.runners", flow, runner, str(size)]
                try:
                    done = subprocess.run(words, capture_output=True, text=True, timeout=DEADLINE)
                except subprocess.TimeoutExpired:
                    raise SystemExit(f"{flow} {size}, {runner}: not done after {DEADLINE} s") from None
                if done.returncode:
                    raise SystemExit(f"{flow}, {runner}: {done.stderr[-2000:]}")
                seconds = float(done.stdout.splitlines()[-1])
                say(f"{flow} {size}, {runner}: {seconds:.2f} s")
                print(json.dumps({"flow": flow, "size": size, "runner": runner, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(one(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    else:
        rounds(**json.loads(sys.argv[1]))
