"""The ten minutes before nine are loaded; then their prices turn out wrong, and they are loaded again."""

from contrast.board import Board, Lane

CLAIM = "Loading the past again needs a parameter, a load that replaces, and a record of what has been done."
LIMIT = None
FILES = {"plain": "backfill", "hardened": "backfill", "prefect": ""}
UPSTREAM = {"history": 10, "minutes": 0}
TICKS = 3
DUE = [0]
EXPECTED = {
    "plain": {"rows doubled": 50, "minutes not repeated": 0, "runs without a record": 10},
    "hardened": {"rows doubled": 0, "minutes not repeated": 0, "runs without a record": 10},
    "prefect": {"rows doubled": 0, "minutes not repeated": 0, "runs without a record": 0},
}
SCRIPTS = {
    "plain": ["sh", "/lanes/plain/backfill.sh"],
    "hardened": ["sh", "/lanes/hardened/backfill.sh"],
    "prefect": ["python", "/lanes/prefect/backfill.py"],
}


def fault(board: Board) -> None:
    """Each lane's own script, by hand; the first load is due at tick 0."""
    board.plan("load", 0, [{}])
    board.at(1.8)
    board.by_hand = board.now
    with board.span(1.8, 1.8, "backfill"):
        for lane in board.stack.lanes:
            board.stack.compose("exec", "-T", lane, *SCRIPTS[lane])


def harm(lane: Lane) -> dict[str, int]:
    """Rows that are there twice, minutes of the ten that were not loaded, and runs that no scheduler knows of."""
    repeated = sum(attempt["outcome"] == "ok" for attempt in lane.attempts) - 1
    unknown = sum(run["due"] is None for run in lane.runs)
    return {
        "rows doubled": lane.rows_doubled,
        "minutes not repeated": 10 - repeated,
        "runs without a record": unknown,
    }
