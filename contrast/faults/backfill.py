"""The ten minutes before nine are loaded; then their prices turn out wrong, and they are loaded again."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane

SCRIPTS = {
    "plain": ["sh", "/lanes/plain/backfill.sh"],
    "hardened": ["sh", "/lanes/hardened/backfill.sh"],
    "prefect": ["python", "/lanes/prefect/backfill.py"],
}


def inject(injector: FaultInjector) -> None:
    """Each lane's own script, by hand; the first load is due at tick 0."""
    injector.plan("load", 0, [{}])
    injector.at(1.8)
    injector.by_hand = injector.now
    with injector.span(1.8, 1.8, "backfill"):
        for lane in injector.stack.lanes:
            injector.stack.inside(lane, *SCRIPTS[lane])


def harm(lane: Lane) -> dict[str, int]:
    """Rows that are there twice, minutes of the ten that were not loaded, and runs that no scheduler knows of."""
    repeated = sum(run.outcome == "ok" for run in lane.runs) - 1
    return {
        "rows doubled": lane.rows["doubled"],
        "minutes not repeated": 10 - repeated,
        "runs without a record": lane.by_hand,
    }


FAULT = Fault(
    claim="Loading the past again needs a parameter, a load that replaces, and a record of what has been done.",
    limit=None,
    ticks=3,
    due=[0],
    files={"plain": "backfill", "hardened": "backfill", "prefect": ""},
    upstream={"history": 10, "minutes": 0},
    expected={
        "plain": {"rows doubled": 50, "minutes not repeated": 0, "runs without a record": 10},
        "hardened": {"rows doubled": 0, "minutes not repeated": 0, "runs without a record": 10},
        "prefect": {"rows doubled": 0, "minutes not repeated": 0, "runs without a record": 0},
    },
    inject=inject,
    harm=harm,
)
