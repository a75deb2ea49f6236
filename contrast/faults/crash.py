"""The job is killed -9 in mid-load, while the third of five rows is inserted."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """The run of tick 3 loads orders 11 to 15; the insert of 13 stands still, and the kill comes then."""
    injector.kill_in_mid_load(13, 2.6)


def harm(lane: Lane) -> dict[str, int]:
    """Orders that never came, and rows that came more than once."""
    return {"rows lost": lane.rows["lost"], "rows doubled": lane.rows["doubled"]}


FAULT = Fault(
    claim="A job killed half-way leaves half of its work; one transaction with a watermark leaves none, and repeats it.",
    limit="State",
    expected={
        "plain": {"rows lost": 2, "rows doubled": 0},
        "hardened": {"rows lost": 0, "rows doubled": 0},
        "prefect": {"rows lost": 0, "rows doubled": 0},
    },
    inject=inject,
    harm=harm,
)
