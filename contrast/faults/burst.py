"""Eight jobs are due in the same minute, on a database that gives each lane two connections."""

from contrast.board import Board, Lane

CLAIM = "Cron starts all that is due at once, however little room there is for it."
LIMIT = "Resources"
FILES = {"plain": "burst", "hardened": "burst", "prefect": ""}
DUE = [1]
UPSTREAM = {"history": 8, "minutes": 0}
TICKS = 5
EXPECTED = {
    "plain": {"runs failed": 6, "rows lost": 30},
    "hardened": {"runs failed": 0, "rows lost": 0},
    "prefect": {"runs failed": 0, "rows lost": 0},
}


def fault(board: Board) -> None:
    """At tick 1 they are due; the upstream takes its time, so that they are at work together."""
    board.stack.sql("".join(f"ALTER ROLE {lane} CONNECTION LIMIT 2;" for lane in board.stack.lanes))
    board.plan("minute", 1, [{"minute": f"2026-03-02T08:{minute}"} for minute in range(52, 60)])
    board.upstream(0.5, 2.6, "upstream slow", hold=True)


def harm(lane: Lane) -> dict[str, int]:
    """Jobs that found no room, and what they did not bring."""
    return {"runs failed": lane.failed, "rows lost": lane.rows_lost}
