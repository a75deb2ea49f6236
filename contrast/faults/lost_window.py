"""The upstream publishes two orders of each minute a minute late."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """From the start on: there is nothing to switch, and the picture says how long it lasts."""
    end = injector.ticks - 0.6
    with injector.span(0, end, "two of five orders come a minute late"):
        injector.at(end)


def harm(lane: Lane) -> dict[str, int]:
    """Orders that never came."""
    return {"rows lost": lane.rows["lost"]}


FAULT = Fault(
    claim="A job that loads “the minute that has ended” loses what comes late; one that knows how far it got does not.",
    limit="State",
    upstream={"late": 2},
    numbered=True,
    expected={"plain": {"rows lost": 12}, "hardened": {"rows lost": 0}, "prefect": {"rows lost": 0}},
    inject=inject,
    harm=harm,
)
