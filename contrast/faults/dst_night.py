"""Six nights in which the clock changes, spring and autumn in three zones."""

from typing import Any

from contrast.board import Board, Lane
from contrast.nights import NIGHTS, all_nights, drawn

CLAIM = "Debian's cron knows the nights in which the clock changes better than Prefect does."
LIMIT = None
FILES = {"plain": "idle", "hardened": "idle", "prefect": ""}
DUE: list[int] = []
TICKS = 1
EXPECTED = {
    "plain": {"runs missing": 0, "runs too many": 0},
    "hardened": {"runs missing": 0, "runs too many": 0},
    "prefect": {"runs missing": 6, "runs too many": 0},
}


def fault(board: Board) -> None:
    """Cron lives through them fast; Prefect's server plans them."""
    board.facts = dict(all_nights(board.stack))


def shown(lanes: list[Lane]) -> dict[str, Any]:
    """The picture is of one night, the autumn night of New York."""
    return drawn(3, {lane.name: (lane.facts[3], harm(lane)) for lane in lanes})


def harm(lane: Lane) -> dict[str, int]:
    """Against one run of the nightly job, and one of the other in each half hour that passes."""
    off = [
        len(ran[job]) - wanted
        for night, ran in zip(NIGHTS, lane.facts, strict=True)
        for job, wanted in (("fixed", 1), ("wild", night.half_hours))
    ]
    return {"runs missing": -sum(n for n in off if n < 0), "runs too many": sum(n for n in off if n > 0)}
