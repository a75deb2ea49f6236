"""The job is killed -9 in mid-load, when two of five rows are in."""

from contrast.board import Board, Lane

CLAIM = "A job killed half-way leaves half of its work; one transaction with a watermark leaves none, and repeats it."
LIMIT = "State"
TICKS = 8
EXPECTED = {
    "plain": {"rows lost": 2, "rows doubled": 0},
    "hardened": {"rows lost": 0, "rows doubled": 0},
    "prefect": {"rows lost": 0, "rows doubled": 0},
}


def fault(board: Board) -> None:
    """The run of tick 3 loads orders 11 to 15; the insert of 13 stands still, and the kill comes then."""
    board.kill_in_mid_load(13, 2.6)


def harm(lane: Lane) -> dict[str, int]:
    """Orders that never came, and rows that came more than once."""
    return {"rows lost": lane.rows_lost, "rows doubled": lane.rows_doubled}
