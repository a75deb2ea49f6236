"""The upstream publishes two orders of each minute a minute late."""

from contrast.board import Board, Lane

CLAIM = "A job that loads “the minute that has ended” loses what comes late; one that knows how far it got does not."
LIMIT = "State"
UPSTREAM = {"late": 2}
TICKS = 8
EXPECTED = {"plain": {"rows lost": 12}, "hardened": {"rows lost": 0}, "prefect": {"rows lost": 0}}


def fault(board: Board) -> None:
    """From the start on; there is nothing to switch."""


def harm(lane: Lane) -> dict[str, int]:
    """Orders that never came."""
    return {"rows lost": lane.rows_lost}
