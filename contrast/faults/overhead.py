"""Nothing breaks: what a lane costs when it has next to nothing to do."""

from concurrent.futures import ThreadPoolExecutor
from statistics import median

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane

SERVICES = {
    "plain": ["plain"],
    "hardened": ["hardened", "monitor"],
    "prefect": ["prefect", "prefect-server", "prefect-db"],
}


def inject(injector: FaultInjector) -> None:
    """Four runs, then Docker is asked what the containers of each lane use when nothing is planned."""
    if "prefect" in injector.stack.lanes:
        injector.stack.repeat("load", injector.t0, injector.t0 + 3.5 * injector.tick, injector.tick)
        injector.at(3.5)
        injector.stack.drop_schedules()
    injector.at(6)
    lanes = injector.stack.lanes
    with ThreadPoolExecutor() as pool:
        injector.measured = dict(zip(lanes, pool.map(injector.usage, (SERVICES[lane] for lane in lanes)), strict=True))


def harm(lane: Lane) -> dict[str, int]:
    """What has to be run beside the scheduler itself, and whether all of it is large."""
    memory = sum(megabytes for megabytes, _ in lane.measured)
    return {"services beside it": len(lane.measured) - 1, "over 100 MB when idle": int(memory > 100)}


def figures(lane: Lane) -> dict[str, float | None]:
    """Of this machine: memory and processor when idle, and the time from due to started."""
    waits = [(run.start - run.due) * lane.tick for run in lane.runs if run.due is not None]
    return {
        "MB when idle": round(sum(megabytes for megabytes, _ in lane.measured), 1),
        "% of a core when idle": round(sum(percent for _, percent in lane.measured), 1),
        "seconds from due to started": round(median(waits), 1) if waits else None,
    }


FAULT = Fault(
    claim="Cron needs a few megabytes and starts a job at once; an orchestrator needs a server, a database and a worker.",
    limit=None,
    ticks=7,
    due=range(4),
    files={"plain": "overhead", "hardened": "overhead", "prefect": ""},
    expected={
        "plain": {"services beside it": 0, "over 100 MB when idle": 0},
        "hardened": {"services beside it": 1, "over 100 MB when idle": 0},
        "prefect": {"services beside it": 2, "over 100 MB when idle": 1},
    },
    inject=inject,
    harm=harm,
    figures=figures,
)
