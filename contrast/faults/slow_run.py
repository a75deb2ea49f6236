"""The upstream answers nobody for five ticks: the run of tick 2 takes four and a half."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """All who ask in this time get their answer at the end of it."""
    injector.upstream(1.65, 6.7, "upstream slow", hold=True)


def harm(lane: Lane) -> dict[str, int]:
    """Runs beside another, and rows that came more than once."""
    return {"runs too many at once": max(0, lane.at_once - 1), "rows doubled": lane.rows["doubled"]}


FAULT = Fault(
    claim="Cron starts a run whether or not the one before has ended.",
    limit="Parallel runs",
    ticks=9,
    files={"plain": "newer"},
    expected={
        "plain": {"runs too many at once": 4, "rows doubled": 100},
        "hardened": {"runs too many at once": 0, "rows doubled": 0},
        "prefect": {"runs too many at once": 0, "rows doubled": 0},
    },
    inject=inject,
    harm=harm,
)
