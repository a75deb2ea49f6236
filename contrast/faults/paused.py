"""The machine sleeps for three ticks: everything on it is frozen, and goes on where it was."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """Ticks 3 to 5 fall into it."""
    injector.schedulers(2.75, 5.5, "frozen", "pause", "unpause")


def harm(lane: Lane) -> dict[str, int]:
    """Orders that never came, and rows that came more than once."""
    return {"rows lost": lane.rows["lost"], "rows doubled": lane.rows["doubled"]}


FAULT = Fault(
    claim="Cron makes up for a nap of up to five minutes; but a job that asks the clock what to load asks too late.",
    limit="State",
    ticks=10,
    expected={
        "plain": {"rows lost": 10, "rows doubled": 10},
        "hardened": {"rows lost": 0, "rows doubled": 0},
        "prefect": {"rows lost": 0, "rows doubled": 0},
    },
    inject=inject,
    harm=harm,
)
