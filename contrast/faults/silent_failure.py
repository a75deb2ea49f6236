"""From tick 3 on every run fails, and no other try will help: the upstream has moved, 410."""

from contrast.board import Board, Lane

CLAIM = "Cron does not look at exit codes: a job may fail for weeks before somebody asks."
LIMIT = "Monitoring"
TICKS = 8
EXPECTED = {"plain": {"nobody told": 1}, "hardened": {"nobody told": 0}, "prefect": {"nobody told": 0}}


def fault(board: Board) -> None:
    """Until the end of the window."""
    board.upstream(2.6, board.ticks - 0.6, "upstream gone", status=410)


def harm(lane: Lane) -> dict[str, int]:
    """Whether somebody has been told by the end of the window."""
    return {"nobody told": int(not lane.alerts)}


def figures(lane: Lane) -> dict[str, float | None]:
    """How long it took, from the first failure on; it depends on the machine, and on how patient the switch is."""
    first = next((run["attempts"][0]["start"] for run in lane.runs if run["attempts"][0]["outcome"] == "failed"), None)
    told = lane.alerts[0]["at"] - first if first and lane.alerts else None
    return {"ticks until somebody is told": told and round(told, 1)}
