# mypy: ignore-errors
"""Makes the runs that chaos.py asks for, and kills them: in a container, as a signal from outside comes too late."""

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

from chaos_inside import COLUMNS, PREFIX, say, warehouse

# What a run's output says about how far it has come.
LOADS = {"sales_etl": r"Task run 'plan", "reconcile": r"Beginning flow run", "naive": r"^plan"}
COPIED = {"sales_etl": (r"Task run 'copy-\S+ - Finished in state Completed", 4), "naive": (r"^copied", 4)}
SAVED = {"sales_etl": (r"Task run 'save\S* - Finished", 1), "reconcile": (r"Task run 'mend-order_lines' - Fin", 1)}
PHASES = ["before", "load", "between", "after"]


class Run:
    """One run of a flow, or of the naive script, as a process group of its own."""

    def __init__(self, flow, full):
        """Start it."""
        self.flow, self.phase, self.log, self.moved, self.times = flow, 0, [], threading.Condition(), {"before": 0}
        code = (
            f"import sys; sys.path.insert(0, 'flows'); from {flow} import {flow}; {flow}({'full=True' if full else ''})"
        )
        command = [sys.executable, "-B", *(["/bench/chaos_naive.py"] if flow == "naive" else ["-c", code])]
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.listener = threading.Thread(target=self.listen)
        self.listener.start()

    def listen(self):
        """Read what it says, and tell when it enters another phase."""
        counts = Counter()
        for line in self.process.stdout:
            self.log.append(line.rstrip())
            text = line.split("| INFO    | ")[-1]
            for phase, marks in enumerate(({k: (v, 1) for k, v in LOADS.items()}, COPIED, SAVED), 1):
                pattern, needed = marks.get(self.flow, ("(?!)", 1))
                counts[phase] += bool(re.search(pattern, text))
                if counts[phase] >= needed and self.phase < phase:
                    with self.moved:
                        self.phase = phase
                        self.times[PHASES[phase]] = round(time.monotonic() - self.began, 2)
                        self.moved.notify_all()
                    say(phase=PHASES[phase])
        with self.moved:
            self.phase, self.last = len(PHASES), self.phase  # beyond the last one: nobody needs to wait any more
            self.moved.notify_all()

    def kill_in(self, phase, seconds):
        """Kill it so many seconds after the phase began, or let it end before."""
        with self.moved:
            reached = self.moved.wait_for(lambda: self.phase >= PHASES.index(phase), max(seconds, 100))
        seconds = seconds if reached else 0
        try:
            self.process.wait(seconds)
            return False
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            return True


def runs():
    """Make the runs that are asked for, one at a time."""
    for request in map(json.loads, sys.stdin):
        before = {} if PREFIX else newest()
        run = Run(request["flow"], request.get("full"))
        killed = run.kill_in(request.get("phase", "before"), request.get("seconds", 90))
        run.process.wait()
        run.listener.join()
        phase = PHASES[run.last]
        took = time.monotonic() - run.began
        new = arrived(before) if killed and phase in ("load", "between") else {}
        copied = {match for line in run.log for match in re.findall(r"Task run 'copy-(\w+)' - Finished", line)}
        say(
            times=run.times, code=run.process.returncode, killed=killed, phase=phase, took=round(took, 2),
            arrived={table: rows for table, rows in new.items() if rows > 0}, copied=sorted(copied),
            retries=sum("Retry " in line for line in run.log), log=[line for line in run.log if line.strip()][-60:],
        )  # fmt: skip


def newest():
    """The highest version of each table; nothing if the warehouse does not answer, or has no tables yet."""
    with suppress(Exception):
        return {table: warehouse().execute(f"SELECT max(ver) FROM {table}_versions")[0][0] for table in COLUMNS}
    return {}


def arrived(before):
    """How many rows of each table have come since, half a second after a kill: what was on the wire has landed."""
    time.sleep(0.5)
    with suppress(Exception):
        counts = {t: f"SELECT count() FROM {t}_versions WHERE ver > {version}" for t, version in before.items()}
        return {table: warehouse().execute(count)[0][0] for table, count in counts.items()}
    return {}


if __name__ == "__main__":
    runs()
