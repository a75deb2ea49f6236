"""The machine of the scheduler is off for ten ticks."""

from contrast.board import Board, Lane

CLAIM = "Cron forgets what was due while it was off; Prefect starts all of it afterwards, wanted or not."
LIMIT = "State"
FILES = {"prefect": "catch-up"}  # without a limit on runs at once, as a deployment is at first
TICKS = 17
EXPECTED = {
    "plain": {"rows lost": 50, "late runs": 0},
    "hardened": {"rows lost": 0, "late runs": 0},
    "prefect": {"rows lost": 0, "late runs": 10},
}


def fault(board: Board) -> None:
    """Ticks 3 to 12 fall into it."""
    board.schedulers(2.9, 12.4, "scheduler off", "kill", "start")


def harm(lane: Lane) -> dict[str, int]:
    """Orders that never came, and runs that came in a flood when their time had passed."""
    return {"rows lost": lane.rows_lost, "late runs": lane.late}
