"""A report needs a load, and the load takes longer than it used to."""

from contrast.board import Board, Lane

CLAIM = "A crontab can only guess when the step before has ended."
LIMIT = "Dependencies"
FILES = {"plain": "step-order", "hardened": "step-order", "prefect": "step-order"}
TICKS = 8
DUE = range(0, TICKS, 2)
EXPECTED = {"plain": {"stale reports": 1}, "hardened": {"stale reports": 0}, "prefect": {"stale reports": 0}}


def fault(board: Board) -> None:
    """The load of tick 2 takes a tick and a half, and the report of tick 3 does not wait."""
    board.upstream(1.5, 3.5, "upstream slow", hold=True)


def harm(lane: Lane) -> dict[str, int]:
    """Reports that did not know what a load in time would have brought: five orders a tick until the last even one."""
    return {"stale reports": sum(report["newest"] < 5 * (report["made"] // 2 * 2) for report in lane.reports)}
