"""The upstream answers 503 for two and a half ticks."""

from contrast.board import Board, Lane

CLAIM = "Cron tries once. An outage of minutes is a hole in the data, unless the job or the scheduler tries again."
LIMIT = "Retry"
TICKS = 9
EXPECTED = {
    "plain": {"rows lost": 10, "runs failed": 2},
    "hardened": {"rows lost": 0, "runs failed": 0},
    "prefect": {"rows lost": 0, "runs failed": 0},
}


def fault(board: Board) -> None:
    """Two runs fall into it."""
    board.upstream(3.4, 5.9, "upstream down", status=503)


def harm(lane: Lane) -> dict[str, int]:
    """Orders of the outage that never came, and runs that gave up."""
    return {"rows lost": lane.rows_lost, "runs failed": lane.failed}
