"""One window of the board: all lanes live through the same ticks under one fault, then all is read and counted."""

import importlib
import time
from types import ModuleType
from typing import Any

from contrast.board import Board, Lane
from contrast.stack import CRON, FOLDER, LANES, TICK, Stack
from lab.engine import Trouble

AHEAD = 0.9  # ticks from the start of the lanes to tick 0: cron needs to be up within the minute before
DRAIN = 60  # seconds that runs may take to end after the last tick


def faults() -> list[str]:
    """The names of all faults, as they are given on the command line."""
    return sorted(path.stem.replace("_", "-") for path in (FOLDER / "faults").glob("[a-z]*.py"))


def load(name: str) -> ModuleType:
    """The module of a fault. Raises Trouble when there is none of that name."""
    if name not in faults():
        raise Trouble(f"there is no fault {name!r}; there is: {', '.join(faults())}")
    return importlib.import_module(f"contrast.faults.{name.replace('-', '_')}")


def live(stack: Stack, name: str, crontabs: dict[str, str] | None = None, tick: float = TICK) -> dict[str, Any]:
    """Live through the window of a fault; return its result, as it is written to contrast/results.

    `crontabs` names others than the fault's own, lane by lane; a tick takes so many seconds unless the fault says it.
    """
    fault = load(name)
    tick, ticks = getattr(fault, "TICK", tick), fault.TICKS
    due = list(getattr(fault, "DUE", range(ticks)))
    files = dict.fromkeys(LANES, "load") | getattr(fault, "FILES", {}) | (crontabs or {})
    reset(stack)
    t0 = time.time() + AHEAD * TICK
    stack.admin(reset=True, t0=t0, tick=tick, **getattr(fault, "UPSTREAM", {}))
    stack.http("monitor", 8060, "/reset", f"{tick}")
    stack.start(files, t0, tick)
    board = Board(stack, t0, ticks, tick)
    if "prefect" in stack.lanes and files["prefect"]:
        stack.repeat(files["prefect"], t0, t0 + ticks * tick, tick * (due[1] - due[0]))
    fault.fault(board)
    board.at(ticks - 1)
    truth = [order["seq"] for order in stack.http("upstream", 8080, "/")]
    board.at(ticks - 0.5)
    stack.end_cron()
    drain(stack, t0 + ticks * tick - 1)
    lanes = [read(board, lane, truth, due) for lane in stack.lanes]
    result = {
        "fault": name,
        "claim": fault.CLAIM,
        "limit": fault.LIMIT,
        "ticks": ticks,
        "tick_seconds": tick,
        "due": due,
        "spans": board.spans,
        "lanes": {lane.name: summary(fault, lane) for lane in lanes},
    }
    if hasattr(fault, "shown"):  # a picture of its own
        result |= fault.shown(lanes)
    return result


def summary(fault: ModuleType, lane: Lane) -> dict[str, Any]:
    """What is written down of a lane: counts of harm, figures of this machine, and what happened when."""
    figures = fault.figures(lane) if hasattr(fault, "figures") else {}
    return {
        "verdict": fault.harm(lane),
        "figures": figures,
        "runs": lane.runs,
        "alerts": lane.alerts,
        "lost": lane.lost,
        "skipped": lane.skipped,
    }


def reset(stack: Stack) -> None:
    """Forget what was before: rows, ledger, runs."""
    if "prefect" in stack.lanes:
        stack.forget_runs()
    stack.sql("".join(f"ALTER ROLE {lane} CONNECTION LIMIT -1;" for lane in LANES))
    tables = [f"{lane}.{table}" for lane in LANES for table in ("orders", "rejected", "reports")]
    marks = "".join(f"TRUNCATE {lane}.watermark; INSERT INTO {lane}.watermark VALUES (0);" for lane in LANES)
    stack.sql(f"TRUNCATE {', '.join(tables)}, ledger.runs, ledger.alerts, ledger.held; {marks}")


def drain(stack: Stack, end: float) -> None:
    """Start nothing that is due after `end`, in Unix seconds, and wait until nothing is at work any more.

    For at most DRAIN seconds: what hangs is read as it is.
    """
    deadline = time.monotonic() + DRAIN
    while time.monotonic() < deadline:
        flows = 0
        if "prefect" in stack.lanes:
            stack.end_schedule(end)  # each time, for the server goes on planning
            flows = stack.unfinished()
        if not flows and not stack.sql("SELECT lane FROM ledger.runs WHERE ended IS NULL"):
            return
        time.sleep(0.3)


def read(board: Board, name: str, truth: list[int], due: list[int]) -> Lane:
    """What a lane did, from the ledger, and what it has, from its tables."""
    stack = board.stack
    ticks = f"extract(epoch FROM %s)::float8 - {board.t0!r}"

    def tick(column: str) -> str:
        return f"round((({ticks % column}) / {board.tick})::numeric, 2)::float8 AS {column}"

    attempts = stack.sql(
        f"SELECT job, run, outcome, rows, {tick('due')}, {tick('started')}, {tick('ended')} "
        f"FROM ledger.runs WHERE lane = '{name}' ORDER BY id"
    )
    runs: dict[str, dict[str, Any]] = {}
    for attempt in attempts:
        when = None if attempt["due"] is None else round(attempt["due"], 2)
        if when is None and attempt["started"] < board.by_hand:
            when = int(attempt["started"] // 1)  # cron tells nobody what it was due for
        run = runs.setdefault(attempt["run"] + attempt["job"], {"job": attempt["job"], "due": when, "attempts": []})
        run["attempts"].append(
            {
                "start": attempt["started"],
                "end": attempt["ended"],
                "outcome": attempt["outcome"] or "killed",
                "rows": attempt["rows"],
            }
        )
    last = board.ticks if name in CRON else float("inf")  # what Prefect runs later was asked for
    alerts = stack.sql(f"SELECT {tick('at')}, text FROM ledger.alerts WHERE lane = '{name}' ORDER BY alerts.at")
    orders = stack.sql(f"SELECT seq FROM {name}.orders ORDER BY seq")
    rejected = stack.sql(f"SELECT seq FROM {name}.rejected")
    reports = stack.sql(f"SELECT newest, {tick('made')} FROM {name}.reports ORDER BY reports.made")
    return Lane(
        name=name,
        ticks=board.ticks,
        truth=truth,
        runs=[run for run in runs.values() if run["due"] is None or 0 <= run["due"] < last],
        alerts=[{"at": alert["at"], "text": alert["text"]} for alert in alerts],
        orders=[row["seq"] for row in orders],
        rejected=[row["seq"] for row in rejected],
        reports=reports,
        spans=board.spans,
        due=due,
        facts=board.facts.get(name),
    )
