"""Three times, right before a run is due, crontab and schedule are deployed again as they are."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.stack import CRON, Stack
from contrast.summary import Lane

TICK = 8.0  # seconds, for Prefect's server plans what has changed every five
INSTALL = "(crontab -l; echo '# deployed again') | crontab -"


def inject(injector: FaultInjector) -> None:
    """Half a second before ticks 2, 4 and 6."""
    stack = injector.stack
    planned = {id: schedules(stack, id) for id in stack.deployments("load")} if "prefect" in stack.lanes else {}
    for tick in (2, 4, 6):
        with injector.span(tick - 0.06, tick, "deployed again"), ThreadPoolExecutor() as pool:
            sent = [pool.submit(stack.inside, lane, "sh", "-c", INSTALL) for lane in stack.services(*CRON)]
            for id, given in planned.items():
                sent += [pool.submit(stack.prefect, f"/deployments/{id}", {"schedules": given}, "PATCH")]
            for one in sent:
                one.result()


def schedules(stack: Stack, id: str) -> list[dict[str, Any]]:
    """The schedules of a deployment, as `prefect deploy` sends them."""
    found = stack.prefect(f"/deployments/{id}")["schedules"]
    return [{"schedule": one["schedule"], "active": one["active"]} for one in found]


def harm(lane: Lane) -> dict[str, int]:
    """Whether a run that was due never came: after one deployment or after each, as chance has it."""
    return {"schedules with a hole": int(bool(lane.missed)), "rows lost": lane.rows["lost"]}


FAULT = Fault(
    claim="Cron loses no run to a new crontab; Prefect's server drops the planned runs, and plans again a little later.",
    limit=None,
    tick=TICK,
    expected={
        "plain": {"schedules with a hole": 0, "rows lost": 0},
        "hardened": {"schedules with a hole": 0, "rows lost": 0},
        "prefect": {"schedules with a hole": 1, "rows lost": 0},
    },
    inject=inject,
    harm=harm,
)
