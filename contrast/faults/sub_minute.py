"""A run is wanted every ten seconds."""

from contrast.board import Board, Lane

CLAIM = "A minute is the finest that a crontab knows; shorter needs a loop of one's own, or another scheduler."
LIMIT = None
FILES = {"hardened": "sub-minute", "prefect": ""}
TICK = 24.0  # seconds, for Prefect starts a process for each run: ten seconds of cron's fast clock are four real ones
TICKS = 2
WANTED = 6 * TICKS
EXPECTED = {"plain": {"runs missing": 10}, "hardened": {"runs missing": 0}, "prefect": {"runs missing": 0}}


def fault(board: Board) -> None:
    """Nothing breaks: a tick is a minute, with six runs due in each."""
    if "prefect" in board.stack.lanes:
        board.stack.repeat("catch-up", board.t0, board.t0 + TICKS * TICK - 1, TICK / 6)


def harm(lane: Lane) -> dict[str, int]:
    """How many of the twelve runs there were not."""
    return {"runs missing": WANTED - len(lane.runs)}
