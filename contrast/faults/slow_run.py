"""The upstream answers nobody for five ticks: the run of tick 2 takes four and a half."""

from contrast.board import Board, Lane

CLAIM = "Cron starts a run whether or not the one before has ended."
LIMIT = "Parallel runs"
FILES = {"plain": "newer"}
TICKS = 9
EXPECTED = {
    "plain": {"runs too many at once": 4, "rows doubled": 100},
    "hardened": {"runs too many at once": 0, "rows doubled": 0},
    "prefect": {"runs too many at once": 0, "rows doubled": 0},
}


def fault(board: Board) -> None:
    """All who ask in this time get their answer at the end of it."""
    board.upstream(1.5, 6.6, "upstream slow", hold=True)


def harm(lane: Lane) -> dict[str, int]:
    """Runs beside another, and rows that came more than once."""
    return {"runs too many at once": max(0, lane.at_once - 1), "rows doubled": lane.rows_doubled}
