"""There are orders in every third minute only, and a report is wanted when there are some."""

from contrast.board import Board, Lane

CLAIM = "A crontab knows times, not results: it cannot start a step because of what another has found."
LIMIT = "Conditional flow"
FILES = {"plain": "branch", "hardened": "branch", "prefect": "branch"}
UPSTREAM = {"orders_every": 3}
TICKS = 8
EXPECTED = {
    "plain": {"reports for nothing": 5, "orders in no report": 0},
    "hardened": {"reports for nothing": 0, "orders in no report": 0},
    "prefect": {"reports for nothing": 0, "orders in no report": 0},
}


def fault(board: Board) -> None:
    """From the start on; there is nothing to switch."""


def harm(lane: Lane) -> dict[str, int]:
    """Reports without a new order since the one before, and orders that no report knows."""
    newest = {report["newest"] for report in lane.reports} - {0}
    unknown = len(lane.truth) - max(newest, default=0)
    return {"reports for nothing": len(lane.reports) - len(newest), "orders in no report": max(0, unknown)}
