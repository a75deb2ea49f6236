"""The log of the jobs grows until its disk is full; four ticks later somebody empties it."""

from concurrent.futures import ThreadPoolExecutor

from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.stack import CRON
from contrast.summary import Lane

FILL = "cat /dev/zero >> /var/log/job.log 2> /dev/null; true"
EMPTY = ": > /var/log/job.log"


def inject(injector: FaultInjector) -> None:
    """Ticks 3 to 6 fall into it. The logs of the flow runs are in the database of Prefect's server, which has room."""
    crons = injector.stack.services(*CRON)
    with ThreadPoolExecutor() as pool, injector.span(2.4, 6.5, "disk full"):
        list(pool.map(lambda lane: injector.stack.inside(lane, "sh", "-c", FILL), crons))
        injector.at(6.5)
        list(pool.map(lambda lane: injector.stack.inside(lane, "sh", "-c", EMPTY), crons))


def harm(lane: Lane) -> dict[str, int]:
    """Runs that never began, and what they did not bring."""
    return {"runs that never began": len(lane.missed), "rows lost": lane.rows["lost"]}


FAULT = Fault(
    claim="A job that begins with a line in a log file does not begin when the disk of the log is full.",
    limit=None,
    ticks=9,
    files={"plain": "disk-full"},
    expected={
        "plain": {"runs that never began": 4, "rows lost": 20},
        "hardened": {"runs that never began": 0, "rows lost": 0},
        "prefect": {"runs that never began": 0, "rows lost": 0},
    },
    inject=inject,
    harm=harm,
)
