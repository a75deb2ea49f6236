"""A run is wanted every ten seconds."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane

TICKS = 2
TICK = 24.0  # seconds, for Prefect starts a process for each run: ten seconds of cron's fast clock are four real ones
WANTED = 6 * TICKS


def inject(injector: FaultInjector) -> None:
    """Nothing breaks: a tick is a minute, with six runs due in each."""
    if "prefect" in injector.stack.lanes:
        injector.stack.repeat("catch-up", injector.t0, injector.t0 + TICKS * TICK - 1, TICK / 6)


def harm(lane: Lane) -> dict[str, int]:
    """How many of the twelve runs there were not."""
    return {"runs missing": WANTED - len(lane.runs)}


FAULT = Fault(
    claim="A minute is the finest that a crontab knows; shorter needs a loop of one's own, or another scheduler.",
    limit=None,
    ticks=TICKS,
    tick=TICK,
    files={"hardened": "sub-minute", "prefect": ""},
    expected={"plain": {"runs missing": 10}, "hardened": {"runs missing": 0}, "prefect": {"runs missing": 0}},
    inject=inject,
    harm=harm,
)
