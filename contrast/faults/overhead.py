"""Nothing breaks: what a lane costs when it has next to nothing to do."""

from concurrent.futures import ThreadPoolExecutor
from statistics import median

from contrast.board import Board, Lane
from contrast.stack import TICK

CLAIM = "Cron needs a few megabytes and starts a job at once; an orchestrator needs a server, a database and a worker."
LIMIT = None
FILES = {"plain": "overhead", "hardened": "overhead", "prefect": ""}
DUE = range(4)
TICKS = 7
EXPECTED = {
    "plain": {"services beside it": 0, "over 100 MB when idle": 0},
    "hardened": {"services beside it": 1, "over 100 MB when idle": 0},
    "prefect": {"services beside it": 2, "over 100 MB when idle": 1},
}
SERVICES = {
    "plain": ["plain"],
    "hardened": ["hardened", "monitor"],
    "prefect": ["prefect", "prefect-server", "prefect-db"],
}


def fault(board: Board) -> None:
    """Four runs, then Docker is asked what the containers of each lane use when nothing is planned."""
    if "prefect" in board.stack.lanes:
        board.stack.repeat("load", board.t0, board.t0 + 3.5 * board.tick, board.tick)
        board.at(3.5)
        board.stack.drop_schedules()
    board.at(6)
    lanes = board.stack.lanes
    with ThreadPoolExecutor() as pool:
        board.facts = dict(zip(lanes, pool.map(board.usage, (SERVICES[lane] for lane in lanes)), strict=True))


def harm(lane: Lane) -> dict[str, int]:
    """What has to be run beside the scheduler itself, and whether all of it is large."""
    memory = sum(megabytes for megabytes, _ in lane.facts)
    return {"services beside it": len(lane.facts) - 1, "over 100 MB when idle": int(memory > 100)}


def figures(lane: Lane) -> dict[str, float | None]:
    """Of this machine: memory and processor when idle, and the time from due to started."""
    waits = [(run["attempts"][0]["start"] - run["due"]) * TICK for run in lane.runs]
    return {
        "MB when idle": round(sum(megabytes for megabytes, _ in lane.facts), 1),
        "% of a core when idle": round(sum(percent for _, percent in lane.facts), 1),
        "seconds from due to started": round(median(waits), 1) if waits else None,
    }
