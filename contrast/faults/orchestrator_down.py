"""Prefect's server is killed, and comes back four ticks later; cron has no such server."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane
from engine.docker import docker


def inject(injector: FaultInjector) -> None:
    """Ticks 3 to 6 fall into it. The worker goes on asking, and is told nothing."""
    server = injector.stack.container("prefect-server")
    with injector.span(2.9, 6.5, "Prefect's server down"):
        if "prefect" in injector.stack.lanes:
            docker("kill", server)
        injector.at(6.5)
        if "prefect" in injector.stack.lanes:
            docker("start", server)
            injector.stack.addresses.pop("prefect-server", None)  # it has another port now


def harm(lane: Lane) -> dict[str, int]:
    """Runs that came when their time had passed, and orders that never came."""
    return {"late runs": lane.late, "rows lost": lane.rows["lost"]}


FAULT = Fault(
    claim="While its server is down Prefect starts nothing; cron depends on no server.",
    limit=None,
    ticks=11,
    files={"prefect": "catch-up"},  # without a limit on runs at once, as a deployment is at first
    expected={
        "plain": {"late runs": 0, "rows lost": 0},
        "hardened": {"late runs": 0, "rows lost": 0},
        "prefect": {"late runs": 4, "rows lost": 0},
    },
    inject=inject,
    harm=harm,
)
