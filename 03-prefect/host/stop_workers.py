"""Stop this user's workers, and leave no run that looks as if it ran on.

A worker that gets SIGTERM kills its runs on the spot and tells nobody: each stays Running for ever. So the order is:
no new runs, wait for those that run, cancel the rest, then stop the workers.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
from api import Unreachable, call
from processes import Processes

POOL = "lab"


def runs(processes: Processes) -> dict[str, psutil.Process]:
    """The flow runs that workers of ours are executing now, as id → process."""
    found = {}
    for process in processes.all():
        try:
            if run := process.environ().get("PREFECT__FLOW_RUN_ID"):
                found.setdefault(run, process)  # the process that came first started the others
        except psutil.Error:
            pass
    return found


def name(run: str) -> str:
    return (call("GET", f"/flow_runs/{run}") or {}).get("name", run)


def wait_until(done: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.5)
    return True


def set_state(run: str, kind: str, message: str) -> None:
    body = {"state": {"type": kind, "name": kind.capitalize(), "message": message}, "force": kind == "CRASHED"}
    call("POST", f"/flow_runs/{run}/set_state", body)


def drain(processes: Processes, wait: float) -> None:
    """Let no run start; wait so many seconds for the running ones, then cancel them. Raises Unreachable."""
    call("PATCH", f"/work_pools/{POOL}", {"is_paused": True})
    time.sleep(float(os.environ["PREFECT_WORKER_QUERY_SECONDS"]) + 1)  # what the workers have fetched already starts
    if left := runs(processes):
        names = ", ".join(map(name, left))
        print(f"waiting up to {wait:.0f} s for running flows (WAIT=0 cancels them at once): {names}", flush=True)
        wait_until(lambda: not runs(processes), wait)
    for run in runs(processes):
        print(f"cancelling {name(run)}", flush=True)
        set_state(run, "CANCELLING", "make stop-pool")
    if not wait_until(lambda: not runs(processes), 15):  # one that waits for a database does not hear
        print("not all ended in 15 s: they are killed with their worker")


def resume() -> None:
    """Let runs start again, where a server answers."""
    with suppress(Unreachable):
        call("PATCH", f"/work_pools/{POOL}", {"is_paused": False})


def stop_workers(processes: Processes, wait: float) -> None:
    """Stop the workers that the pid files name, and what they started; their runs get `wait` seconds to end."""
    workers = processes.running("worker-*")
    if not workers and not runs(processes):
        print("no worker of yours runs")
        return
    reason = ""
    try:
        drain(processes, wait)
    except Unreachable as unreachable:
        reason = str(unreachable)
    except KeyboardInterrupt:
        resume()
        raise
    killed = runs(processes)
    processes.terminate([*workers.values(), *killed.values()])
    resume()
    try:
        for run in killed:
            set_state(run, "CRASHED", "killed by make stop-pool")
            print(f"{name(run)}: killed, marked as Crashed")
    except Unreachable as unreachable:
        reason = str(unreachable)
    if reason and killed:
        print(f"{len(killed)} flow runs were killed and still count as Running, since {reason}")
    print(f"workers stopped: {len(workers)}")
    processes.running("worker-*")  # removes the pid files
