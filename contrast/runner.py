"""One scenario run: all lanes go through the same ticks under one fault, then all is read, recorded and counted."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from contrast.fault import Fault, find
from contrast.injector import FaultInjector
from contrast.stack import CRON, LANES, Stack
from contrast.summary import read

AHEAD = 2.4  # seconds from the start of cron to tick 0, by which it must be up; what it runs before that does not count
DRAIN = 60  # seconds after the last tick in which no run ends: what is at work then hangs
REACH = {"plain": 0.1, "hardened": 0.1, "prefect": 0.4}  # ticks: how long a run keeps its place after the job has ended


def run(stack: Stack, name: str, crontabs: dict[str, str] | None = None, tick: float | None = None) -> dict[str, Any]:
    """Run the scenario of a fault; return its record, as it is written to contrast/results.

    `crontabs` names others than the fault's own, lane by lane; `tick` is the length of a tick in seconds, if not the
    fault's own.
    """
    fault = find(name)
    tick, interval = tick or fault.tick, fault.due[1] - fault.due[0] if fault.due and fault.due[1:] else 1
    files = dict.fromkeys(LANES, "load") | dict(fault.files) | (crontabs or {})
    reset(stack, files, tick)
    t0 = time.time() + AHEAD
    stack.admin(reset=True, t0=t0, tick=tick, **fault.upstream)
    stack.http("monitor", "/reset", tick)
    stack.set_clock(t0)
    injector = FaultInjector(stack, t0, fault.ticks, tick)
    if "prefect" in stack.lanes and files["prefect"]:
        stack.repeat(files["prefect"], t0, t0 + fault.ticks * tick, tick * interval)
    fault.inject(injector)
    ticks = injector.ticks  # on a busy machine a fault may take longer
    due = list(range(ticks) if fault.due is None else fault.due)
    injector.at(ticks - 1)
    published = {order["seq"] for order in stack.http("upstream", "/")}  # what a run at the last tick could load
    injector.at(ticks - 0.5)
    stack.end_cron()
    drain(stack, t0 + ticks * tick - 1)
    return judged(fault, {
        "fault": name,
        "claim": fault.claim,
        "limit": fault.limit,
        "ticks": ticks,
        "tick_seconds": tick,
        "due": due,
        "numbered": fault.numbered,
        "spans": injector.spans,
        "lanes": {lane: recorded(injector, lane, published, due) for lane in stack.lanes},
    })  # fmt: skip


def judged(fault: Fault, record: dict[str, Any]) -> dict[str, Any]:
    """The record with what its lanes are judged to have come to: harm, and figures of this machine."""
    if fault.picture:
        drawn = fault.picture({name: lane["measured"] for name, lane in record["lanes"].items()})
        lanes = {name: lane | drawn["lanes"][name] for name, lane in record["lanes"].items()}
        record = record | drawn | {"lanes": lanes}
    for name, lane in read(record).items():
        figures = fault.figures(lane) if fault.figures else {}
        record["lanes"][name] = {"verdict": fault.harm(lane), "figures": figures} | record["lanes"][name]
    return record


def reset(stack: Stack, files: dict[str, str], tick: float) -> None:
    """Have new cron lanes that wait for their clock, and forget what was before: flow runs, rows, ledger."""
    with ThreadPoolExecutor() as pool:
        forgotten = pool.submit(stack.forget_runs) if "prefect" in stack.lanes else None
        stack.start(files, tick)
        if forgotten:
            forgotten.result()
    limits = "".join(f"ALTER ROLE {lane} CONNECTION LIMIT -1;" for lane in LANES)
    tables = [f"{lane}.{table}" for lane in LANES for table in ("orders", "rejected", "reports")]
    marks = "".join(f"TRUNCATE {lane}.watermark; INSERT INTO {lane}.watermark VALUES (0);" for lane in LANES)
    stack.sql(f"{limits} TRUNCATE {', '.join(tables)}, ledger.runs, ledger.alerts, ledger.held; {marks}")


def drain(stack: Stack, end: float) -> None:
    """Start nothing that is due after `end`, in Unix seconds, and wait until nothing is at work any more.

    However long a queue is, it is waited for while it gets shorter; what hangs is read as it is.
    """
    before, deadline = None, 0.0
    while True:
        if "prefect" in stack.lanes:
            stack.end_schedule(end)  # each time, for the server goes on planning
        flows = stack.unfinished() if "prefect" in stack.lanes else 0
        at_work = (flows, len(stack.sql("SELECT lane FROM ledger.runs WHERE ended IS NULL")))
        if at_work == (0, 0):
            return
        if at_work != before:
            before, deadline = at_work, time.monotonic() + DRAIN
        elif time.monotonic() > deadline:
            return
        stack.wait(0.3)


def recorded(injector: FaultInjector, name: str, published: set[int], due: list[int]) -> dict[str, Any]:
    """What a lane did, from the ledger, and what it has, from its tables."""

    def tick(column: str) -> str:
        seconds = f"extract(epoch FROM {column})::float8 - {injector.t0!r}"
        return f"round((({seconds}) / {injector.tick})::numeric, 2)::float8"

    def rows(columns: str, source: str) -> str:
        return f"(SELECT coalesce(json_agg(found), '[]') FROM (SELECT {columns} FROM {source}) AS found)"

    attempt = f'job, run, outcome, rows, {tick("due")} AS due, {tick("started")} AS start, {tick("ended")} AS "end"'
    asked = {
        "attempts": rows(attempt, f"ledger.runs WHERE lane = '{name}' ORDER BY id"),
        "alerts": rows(f"{tick('alerts.at')} AS at, text", f"ledger.alerts WHERE lane = '{name}' ORDER BY alerts.at"),
        "reports": rows(f"newest, {tick('made')} AS made", f"{name}.reports ORDER BY reports.made"),
        "orders": rows("seq", f"{name}.orders ORDER BY seq"),
        "rejected": rows("seq", f"{name}.rejected"),
    }
    [found] = injector.stack.sql(f"SELECT {', '.join(f'{question} AS {what}' for what, question in asked.items())}")
    orders = [row["seq"] for row in found["orders"]]
    rejected = {row["seq"] for row in found["rejected"]}
    runs = grouped(injector, name, found["attempts"])
    empty = [tick for tick in due if tick not in {run["due"] for run in runs}]
    ends = [(run["due"], run["attempts"][-1]["end"] or injector.ticks) for run in runs if run["due"] is not None]
    skipped = [tick for tick in empty if any(wanted < tick <= end + REACH[name] for wanted, end in ends)]
    return {
        "runs": runs,
        "alerts": found["alerts"],
        "missed": [tick for tick in empty if tick not in skipped],
        "skipped": skipped,
        "rows": {
            "published": len(published),
            "lost": len(published - set(orders) - rejected),
            "doubled": len(orders) - len(set(orders)),
        },
        "reports": found["reports"],
        "measured": injector.measured.get(name),
    }


def grouped(injector: FaultInjector, name: str, attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs of a lane, each with its attempts."""
    runs: dict[str, dict[str, Any]] = {}
    for one in attempts:
        due = None if one["due"] is None else round(one["due"], 2)
        if due is None and one["start"] < injector.by_hand:
            due = int(one["start"] // 1)  # cron tells nobody what it was due for
        run = runs.setdefault(one["run"] + one["job"], {"job": one["job"], "due": due, "attempts": []})
        outcome = one["outcome"] or "killed"
        run["attempts"].append({"start": one["start"], "end": one["end"], "outcome": outcome, "rows": one["rows"]})
    last = injector.ticks if name in CRON else float("inf")  # what Prefect runs later was asked for
    return [run for run in runs.values() if run["due"] is None or 0 <= run["due"] < last]
