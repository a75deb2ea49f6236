"""One order of a batch has a price that is no number."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """The bad one is the third of tick 3; there is nothing to switch."""


def harm(lane: Lane) -> dict[str, int]:
    """Orders that are neither loaded nor set aside, and runs that gave up."""
    return {"rows lost": lane.rows["lost"], "runs failed": lane.failed}


FAULT = Fault(
    claim="No scheduler helps against a bad row: the job must set it aside, and go on.",
    limit=None,
    ticks=5,
    upstream={"poison": 2},
    expected={
        "plain": {"rows lost": 3, "runs failed": 1},
        "hardened": {"rows lost": 0, "runs failed": 0},
        "prefect": {"rows lost": 0, "runs failed": 0},
    },
    inject=inject,
    harm=harm,
)
