"""A report needs a load, and the load takes longer than it used to."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """The load of tick 2 takes a tick and a half, and the report of tick 3 does not wait."""
    injector.upstream(1.5, 3.5, "upstream slow", hold=True)


def harm(lane: Lane) -> dict[str, int]:
    """Reports that did not know what a load in time would have brought: five orders a tick until the last even one."""
    return {"stale reports": sum(report["newest"] < 5 * (report["made"] // 2 * 2) for report in lane.reports)}


FAULT = Fault(
    claim="A crontab can only guess when the step before has ended.",
    limit="Dependencies",
    due=range(0, 8, 2),
    files={"plain": "step-order", "hardened": "step-order", "prefect": "step-order"},
    expected={"plain": {"stale reports": 1}, "hardened": {"stale reports": 0}, "prefect": {"stale reports": 0}},
    inject=inject,
    harm=harm,
)
