"""The upstream takes the request of tick 2, and of each tick after it, and answers none."""

import time

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane

HUNG = 9  # ticks at work; a time-out comes after six, and a busy machine takes its time to end a process


def inject(injector: FaultInjector) -> None:
    """Until the end of the scenario run; then all that still wait get their answer."""
    end, lanes = injector.ticks - 0.6, injector.stack.lanes
    alive: dict[int, float] = {}  # run → when its process was last seen, in Unix seconds
    with injector.span(1.65, end, "upstream hangs"):
        injector.stack.admin(hold=True)
        while injector.now < end:
            alive |= dict.fromkeys([run for lane in lanes for run in at_work(injector, lane, end)], time.time())
            injector.stack.wait(0.5)
        for lane in lanes:
            injector.measured[lane] = len(at_work(injector, lane, end - HUNG))
        injector.stack.admin(hold=False)
    for lane in lanes:
        note_end(injector, lane, alive)


def at_work(injector: FaultInjector, lane: str, before: float) -> list[int]:
    """The runs of a lane that began before a tick, have no end in the ledger, and still have a process."""
    began = f"started < to_timestamp({injector.t0 + before * injector.tick})"
    runs = injector.stack.sql(f"SELECT id, pid FROM ledger.runs WHERE lane = '{lane}' AND ended IS NULL AND {began}")
    processes = injector.stack.inside(lane, "ls", "/proc").split() if runs else []
    return [run["id"] for run in runs if str(run["pid"]) in processes]


def note_end(injector: FaultInjector, lane: str, alive: dict[int, float]) -> None:
    """Write down the end of runs that a time-out has killed, since they could not: when they were last seen alive."""
    left = at_work(injector, lane, injector.ticks)
    for run in injector.stack.sql(f"SELECT id FROM ledger.runs WHERE lane = '{lane}' AND ended IS NULL"):
        if run["id"] not in left and run["id"] in alive:
            seen = f"ended = to_timestamp({alive[run['id']]:.3f}), outcome = 'killed'"
            injector.stack.sql(f"UPDATE ledger.runs SET {seen} WHERE id = {run['id']} AND ended IS NULL")


def harm(lane: Lane) -> dict[str, int]:
    """Runs that would be at work for ever."""
    return {"runs that hang": lane.measured}


FAULT = Fault(
    claim="Cron waits for a job as long as it takes, and starts the next one beside it.",
    limit="Parallel runs",
    ticks=14,
    expected={"plain": {"runs that hang": 3}, "hardened": {"runs that hang": 0}, "prefect": {"runs that hang": 0}},
    inject=inject,
    harm=harm,
)
