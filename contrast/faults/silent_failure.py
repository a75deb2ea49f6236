"""From tick 3 on every run fails, and no other try will help: the upstream has moved, 410."""

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """Until the end of the scenario run."""
    injector.upstream(2.6, injector.ticks - 0.6, "upstream gone", status=410)


def harm(lane: Lane) -> dict[str, int]:
    """One alert is the least: whether there was none by the end."""
    return {"alerts missing": int(not lane.alerts)}


def figures(lane: Lane) -> dict[str, float | None]:
    """How long it took, from the first failure on; it depends on the machine, and on how patient the switch is."""
    failures = [run.start for run in lane.runs if run.outcome == "failed"]
    if not failures or not lane.alerts:
        return {"ticks until somebody is told": None}
    return {"ticks until somebody is told": round(lane.alerts[0]["at"] - failures[0], 1)}


FAULT = Fault(
    claim="Cron does not look at exit codes: a job may fail for weeks before somebody asks.",
    limit="Monitoring",
    expected={"plain": {"alerts missing": 1}, "hardened": {"alerts missing": 0}, "prefect": {"alerts missing": 0}},
    inject=inject,
    harm=harm,
    figures=figures,
)
