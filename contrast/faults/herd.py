"""Twenty jobs are due in the same minute, on a machine that has room for four."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane

ROOM = 4


def inject(injector: FaultInjector) -> None:
    """At tick 1 they are due; the upstream answers when all have started, on a busy machine too."""
    injector.plan("herd", 1, [{"minute": f"2026-03-02T08:{minute}"} for minute in range(40, 60)])
    injector.upstream(0.5, 5.2, "upstream slow", hold=True)


def harm(lane: Lane) -> dict[str, int]:
    """Jobs for which there was no room, and what they did not bring."""
    return {"jobs over the limit": max(0, lane.at_once - ROOM), "rows lost": lane.rows["lost"]}


def figures(lane: Lane) -> dict[str, float | None]:
    """Of this machine: how long it takes until all have ended."""
    ends = [one["end"] for run in lane.runs for one in run.attempts]
    return {"seconds until all have ended": round((max(ends) - 1) * lane.tick, 1) if all(ends) else None}


FAULT = Fault(
    claim="All that is due at :00 starts at :00, unless each line of each crontab knows how to wait.",
    limit="Resources",
    ticks=8,
    due=[1],
    files={"plain": "herd", "hardened": "herd", "prefect": ""},
    upstream={"history": 20, "minutes": 0},
    expected={
        "plain": {"jobs over the limit": 16, "rows lost": 0},
        "hardened": {"jobs over the limit": 0, "rows lost": 0},
        "prefect": {"jobs over the limit": 0, "rows lost": 0},
    },
    inject=inject,
    harm=harm,
    figures=figures,
)
