"""The machine sleeps for three ticks: everything on it is frozen, and goes on where it was."""

from contrast.board import Board, Lane

CLAIM = "Cron makes up for a nap of up to five minutes; but a job that asks the clock what to load asks too late."
LIMIT = "State"
TICKS = 10
EXPECTED: dict[str, dict[str, int]] = {
    "plain": {"rows lost": 10, "rows doubled": 10},
    "hardened": {"rows lost": 0, "rows doubled": 0},
    "prefect": {"rows lost": 0, "rows doubled": 0},
}


def fault(board: Board) -> None:
    """Ticks 3 to 5 fall into it."""
    board.schedulers(2.75, 5.5, "frozen", "pause", "unpause")


def harm(lane: Lane) -> dict[str, int]:
    """Orders that never came, and rows that came more than once."""
    return {"rows lost": lane.rows_lost, "rows doubled": lane.rows_doubled}
