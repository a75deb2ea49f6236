"""The machine of the scheduler is off for ten ticks."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """Ticks 3 to 12 fall into it."""
    injector.schedulers(2.75, 12.15, "scheduler off", "kill", "start")


def harm(lane: Lane) -> dict[str, int]:
    """Orders that never came, and runs that came in a flood when their time had passed."""
    return {"rows lost": lane.rows["lost"], "late runs": lane.late}


FAULT = Fault(
    claim="Cron forgets what was due while it was off; Prefect starts all of it afterwards, wanted or not.",
    limit="State",
    ticks=17,
    files={"prefect": "catch-up"},  # without a limit on runs at once, as a deployment is at first
    expected={
        "plain": {"rows lost": 50, "late runs": 0},
        "hardened": {"rows lost": 0, "late runs": 0},
        "prefect": {"rows lost": 0, "late runs": 10},
    },
    inject=inject,
    harm=harm,
)
