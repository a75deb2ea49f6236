"""Makes one run of the ETL for chaos, and kills it: in its container, as a signal from outside comes too late.

`python -m bench.inside.chaos.runner '{"flow": "sales_etl", "full": false, "phase": "load", "seconds": 2}'` kills it so
many seconds after that phase began, unless it has ended before. It prints a line of JSON when the run enters another
phase, and one at the end, which has what bench.chaos_stack.Ended has.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from bench.inside.chaos.connections import COLUMNS, PREFIX, say, warehouse

PHASES = ["before", "load", "between", "after"]
# Flow → phase → what its output says when the phase begins, and how often.
BEGINNINGS = {
    "sales_etl": {
        "load": (r"Task run 'plan", 1),
        "between": (r"Task run 'copy-\S+ - Finished in state Completed", 4),
        "after": (r"Task run 'save\S* - Finished", 1),
    },
    "reconcile": {
        "load": (r"Beginning flow run", 1),
        "after": (r"Task run 'repair-order_lines' - Fin", 1),
    },
    "naive": {
        "load": (r"^plan", 1),
        "between": (r"^copied", 4),
    },
}
COPIED = r"Task run 'copy-(\w+)' - Finished"  # a table of which every row has arrived
DEADLINE = 100  # seconds, until a phase must have begun
LOG_LINES = 60  # the last ones, which a run hands on


def command(flow: str, full: bool) -> list[str]:
    """The command that runs a flow of the lesson, or the naive load."""
    if flow == "naive":
        return [sys.executable, "-B", "-m", "bench.inside.chaos.naive_load"]
    call = f"{flow}(full=True)" if full else f"{flow}()"
    return [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, 'flows'); from {flow} import {flow}; {call}"]


class Run:
    """One run of a flow, or of the naive load, as a process group of its own."""

    def __init__(self, flow: str, full: bool) -> None:
        """Start it."""
        self.beginnings = BEGINNINGS[flow]
        self.phase = "before"
        self.ended = False  # its output, which is a moment before its process
        self.changed = threading.Condition()
        self.log: list[str] = []
        self.times = {"before": 0.0}
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command(flow, full), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.listener = threading.Thread(target=self.listen)
        self.listener.start()

    def listen(self) -> None:
        """Read its output until it ends, and follow its phases."""
        assert self.process.stdout
        counts = Counter[str]()
        for line in self.process.stdout:
            self.log.append(line.rstrip())
            text = line.split("| INFO    | ")[-1]
            for phase, (pattern, needed) in self.beginnings.items():
                counts[phase] += bool(re.search(pattern, text))
                if counts[phase] >= needed and not self.reached(phase):
                    self.enter(phase)
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def reached(self, phase: str) -> bool:
        """Whether it is in that phase, or in a later one."""
        return PHASES.index(self.phase) >= PHASES.index(phase)

    def enter(self, phase: str) -> None:
        """Note that a phase begins, and print it."""
        with self.changed:
            self.phase = phase
            self.times[phase] = round(time.monotonic() - self.began, 2)
            self.changed.notify_all()
        say(phase=phase)

    def kill_in(self, phase: str, seconds: float) -> bool:
        """Kill it so many seconds after the phase began; False when it has ended before.

        One that does not come to the phase is killed after DEADLINE.
        """
        with self.changed:
            in_time = self.changed.wait_for(lambda: self.ended or self.reached(phase), max(seconds, DEADLINE))
        try:
            self.process.wait(seconds if in_time else 0)
            return False
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return True

    def wait(self) -> None:
        """Wait for the end of its process and of its output."""
        self.process.wait()
        self.listener.join()


def newest() -> dict[str, int]:
    """The highest version of each table; nothing if the warehouse does not answer, or has no tables yet."""
    with suppress(Exception):
        return {table: warehouse().execute(f"SELECT max(ver) FROM {table}_versions")[0][0] for table in COLUMNS}
    return {}


def arrived(before: dict[str, int]) -> dict[str, int]:
    """How many rows of each table have come since, half a second after a kill: what was on the wire has landed."""
    time.sleep(0.5)
    with suppress(Exception):
        counts = {t: f"SELECT count() FROM {t}_versions WHERE ver > {version}" for t, version in before.items()}
        rows = {table: warehouse().execute(count)[0][0] for table, count in counts.items()}
        return {table: count for table, count in rows.items() if count > 0}
    return {}


def main(flow: str, full: bool, phase: str, seconds: float) -> None:
    """Make a run, kill it, and print how it ended."""
    before = {} if PREFIX else newest()
    run = Run(flow, full)
    killed = run.kill_in(phase, seconds)
    run.wait()
    took = time.monotonic() - run.began
    result: dict[str, Any] = {
        "times": run.times,
        "code": run.process.returncode,
        "killed": killed,
        "phase": run.phase,
        "took": round(took, 2),
        "arrived": arrived(before) if killed and run.phase in ("load", "between") else {},
        "copied": sorted({match for line in run.log for match in re.findall(COPIED, line)}),
        "retries": sum("Retry " in line for line in run.log),
        "log": [line for line in run.log if line.strip()][-LOG_LINES:],
    }
    say(**result)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
