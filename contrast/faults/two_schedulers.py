"""A second machine has the same crontab: first with the right time, then half a minute slow."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.stack import CRON
from contrast.summary import Lane
from engine.docker import docker


def inject(injector: FaultInjector) -> None:
    """Each second machine comes to three ticks: 4 to 6, and 7.5 to 9.5. At tick 5 the upstream takes its time."""
    crons = injector.stack.services(*CRON)
    with ExitStack() as ends, ThreadPoolExecutor() as pool:
        again = {name: list(pool.map(lambda lane: second(injector, lane, ends), crons)) for name in ("exact", "slow")}
        if "prefect" in injector.stack.lanes:
            second(injector, "prefect", ends)
        with injector.span(3.5, 6.5, "two schedulers"):
            set_clocks(again["exact"], injector.t0)
            injector.upstream(4.7, 5.5, "upstream slow", hold=True)
            injector.at(6.5)
            remove(again["exact"])
        with injector.span(6.7, 9.9, "the second half a minute slow"):
            set_clocks(again["slow"], injector.t0 + injector.tick / 2)
            injector.at(9.9)
            remove(again["slow"])


def second(injector: FaultInjector, service: str, ends: ExitStack) -> str:
    """Another container of a service, with the same name to the jobs; cron in it waits for its clock."""
    container = injector.stack.compose("run", "--detach", "--no-deps", service).splitlines()[-1]
    ends.callback(remove, [container])
    return container


def set_clocks(containers: list[str], t0: float) -> None:
    """Let cron begin in them: for it, it is 09:00 at `t0`, in Unix seconds."""
    for container in containers:
        docker("exec", container, "sh", "-c", f"echo {t0:.3f} > /run/t0")


def remove(containers: list[str]) -> None:
    """Take machines away; those that are gone are left alone."""
    if containers:  # there are none where only the lane of Prefect runs
        docker("rm", "--force", "--volumes", *containers)


def harm(lane: Lane) -> dict[str, int]:
    """Minutes that had two runs, and rows that came more than once."""
    due = [run.due for run in lane.runs]
    return {"minutes with two runs": len(due) - len(set(due)), "rows doubled": lane.rows["doubled"]}


FAULT = Fault(
    claim="Two machines with one crontab do everything twice: a lock on the one knows nothing of the other.",
    limit=None,
    ticks=12,
    expected={
        "plain": {"minutes with two runs": 6, "rows doubled": 30},
        "hardened": {"minutes with two runs": 6, "rows doubled": 0},
        "prefect": {"minutes with two runs": 0, "rows doubled": 0},
    },
    inject=inject,
    harm=harm,
)
