"""From tick 3 on the upstream answers 200 and no orders: each run ends at once, well, and has done nothing."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """Until the end of the scenario run."""
    injector.upstream(2.6, injector.ticks - 0.6, "upstream empty", minutes=2)


def harm(lane: Lane) -> dict[str, int]:
    """Whether nobody was told by the end."""
    return {"nobody told": int(not lane.alerts)}


FAULT = Fault(
    claim="A run that ends well and has loaded nothing looks healthy to cron, to a dead man's switch, and to Prefect.",
    limit=None,
    expected={"plain": {"nobody told": 1}, "hardened": {"nobody told": 1}, "prefect": {"nobody told": 1}},
    inject=inject,
    harm=harm,
)
