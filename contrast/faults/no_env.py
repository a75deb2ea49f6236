"""The upstream asks for a token, which every container has in its environment."""

from contrast.board import Board, Lane

CLAIM = "Cron gives its jobs none of the environment of their container, and tells nobody what comes of it."
LIMIT = None
UPSTREAM = {"token": "beyond-cron"}
TICKS = 5
EXPECTED = {
    "plain": {"runs failed": 5, "nobody told": 1},
    "hardened": {"runs failed": 0, "nobody told": 0},
    "prefect": {"runs failed": 0, "nobody told": 0},
}


def fault(board: Board) -> None:
    """From the start on; there is nothing to switch."""


def harm(lane: Lane) -> dict[str, int]:
    """Runs that failed, and whether they did so in silence."""
    return {"runs failed": lane.failed, "nobody told": int(lane.failed > 0 and not lane.alerts)}
