"""The upstream answers 503 for two ticks."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """Two runs fall into it."""
    injector.upstream(3.65, 5.7, "upstream down", status=503)


def harm(lane: Lane) -> dict[str, int]:
    """Orders of the outage that never came, and runs that gave up."""
    return {"rows lost": lane.rows["lost"], "runs failed": lane.failed}


FAULT = Fault(
    claim="Cron tries once. An outage of minutes is a hole in the data, unless the job or the scheduler tries again.",
    limit="Retry",
    ticks=9,
    expected={
        "plain": {"rows lost": 10, "runs failed": 2},
        "hardened": {"rows lost": 0, "runs failed": 0},
        "prefect": {"rows lost": 0, "runs failed": 0},
    },
    inject=inject,
    harm=harm,
)
