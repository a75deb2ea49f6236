"""One order of a batch has a price that is no number."""

from contrast.board import Board, Lane

CLAIM = "No scheduler helps against a bad row: the job must set it aside, and go on."
LIMIT = None
UPSTREAM = {"poison": 2}
TICKS = 5
EXPECTED = {
    "plain": {"rows lost": 3, "runs failed": 1},
    "hardened": {"rows lost": 0, "runs failed": 0},
    "prefect": {"rows lost": 0, "runs failed": 0},
}


def fault(board: Board) -> None:
    """The bad one is the third of tick 3; there is nothing to switch."""


def harm(lane: Lane) -> dict[str, int]:
    """Orders that are neither loaded nor set aside, and runs that gave up."""
    return {"rows lost": lane.rows_lost, "runs failed": lane.failed}
