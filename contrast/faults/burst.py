"""Eight jobs are due in the same minute, on a database that gives each lane two connections."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """At tick 1 they are due; the upstream takes its time, so that they are at work together."""
    injector.stack.sql("".join(f"ALTER ROLE {lane} CONNECTION LIMIT 2;" for lane in injector.stack.lanes))
    injector.plan("minute", 1, [{"minute": f"2026-03-02T08:{minute}"} for minute in range(52, 60)])
    injector.upstream(0.5, 2.6, "upstream slow", hold=True)


def harm(lane: Lane) -> dict[str, int]:
    """Jobs that found no room, and what they did not bring."""
    return {"runs failed": lane.failed, "rows lost": lane.rows["lost"]}


FAULT = Fault(
    claim="Cron starts all that is due at once, however little room there is for it.",
    limit="Resources",
    ticks=5,
    due=[1],
    files={"plain": "burst", "hardened": "burst", "prefect": ""},
    upstream={"history": 8, "minutes": 0},
    expected={
        "plain": {"runs failed": 6, "rows lost": 30},
        "hardened": {"runs failed": 0, "rows lost": 0},
        "prefect": {"runs failed": 0, "rows lost": 0},
    },
    inject=inject,
    harm=harm,
)
