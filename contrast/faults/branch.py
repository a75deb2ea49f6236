"""There are orders in every third minute only, and a report is wanted when there are some."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """From the start on; there is nothing to switch."""


def harm(lane: Lane) -> dict[str, int]:
    """Reports without a new order since the one before, and orders that no report knows."""
    newest = {report["newest"] for report in lane.reports} - {0}
    unknown = lane.rows["published"] - max(newest, default=0)
    return {"reports for nothing": len(lane.reports) - len(newest), "orders in no report": max(0, unknown)}


FAULT = Fault(
    claim="A crontab knows times, not results: it cannot start a step because of what another has found.",
    limit="Conditional flow",
    files={"plain": "branch", "hardened": "branch", "prefect": "branch"},
    upstream={"orders_every": 3},
    expected={
        "plain": {"reports for nothing": 5, "orders in no report": 0},
        "hardened": {"reports for nothing": 0, "orders in no report": 0},
        "prefect": {"reports for nothing": 0, "orders in no report": 0},
    },
    inject=inject,
    harm=harm,
)
