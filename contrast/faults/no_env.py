"""The upstream asks for a token, which every container has in its environment."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """From the start on; there is nothing to switch."""


def harm(lane: Lane) -> dict[str, int]:
    """Runs that failed, and whether no alert came of them."""
    return {"runs failed": lane.failed, "alerts missing": int(lane.failed > 0 and not lane.alerts)}


FAULT = Fault(
    claim="Cron gives its jobs none of the environment of their container, and tells nobody what comes of it.",
    limit=None,
    ticks=5,
    upstream={"token": "for-the-upstream-only"},
    expected={
        "plain": {"runs failed": 5, "alerts missing": 1},
        "hardened": {"runs failed": 0, "alerts missing": 0},
        "prefect": {"runs failed": 0, "alerts missing": 0},
    },
    inject=inject,
    harm=harm,
)
