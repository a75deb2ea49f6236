"""Checks of 03-prefect: the learner's file runs against a real Prefect server, and what came of it is judged."""

import json
import random
import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lab.checks.prefect_flows import DAILY_REPORT, DAY, PACKING_PLAN, REPORT_PLAN, SALES_ETL
from lab.checks.registry import Judge, Outcome, check
from lab.checks.sandbox.host import Sandbox

WEB = "http://127.0.0.1:8080"  # the web server of the sandbox
BERLIN = ZoneInfo("Europe/Berlin")


def exercise(file: str) -> Callable[[Judge], Judge]:
    """Register the check of an exercise, whose id is the name of its file with hyphens."""
    return check(f"03-prefect/{Path(file).stem.replace('_', '-')}", file=file, needs_docker=True, shares=Sandbox)


@exercise("retry_backoff.py")
def retry_backoff(file: Path, sandbox: Sandbox) -> Outcome:
    """A server that is overloaded three times is asked again after growing pauses, one that stays so no more; a 404 once."""
    workspace = sandbox.workspace()
    expected = (
        "503: requests 4 (0.5 1.0 2.0 s apart), Completed; 404: requests 1, Failed; always 503: requests 4, Failed"
    )
    busy, end_of_busy = workspace.attempt(file, settings={"RATE_URL": f"{WEB}/busy"}, answers={"/busy": [503] * 3})
    gone, end_of_gone = workspace.attempt(file, settings={"RATE_URL": f"{WEB}/gone"}, answers={"/gone": [404] * 9})
    down, end_of_down = workspace.attempt(file, settings={"RATE_URL": f"{WEB}/down"}, answers={"/down": [503] * 9})
    pauses = pauses_between(busy.visits)
    grow = len(pauses) == 3 and all(due <= pause < due + 0.9 for pause, due in zip(pauses, (0.5, 1, 2), strict=True))
    ends = (end_of_busy, end_of_gone, end_of_down) == ("Completed", "Failed", "Failed")
    passed = grow and ends and len(gone.visits) == 1 and len(down.visits) == 4
    seen = f"503: {requests(busy.visits)}, {end_of_busy}; 404: {requests(gone.visits)}, {end_of_gone}"
    seen += f"; always 503: requests {len(down.visits)}, {end_of_down}"
    return Outcome(passed, expected, seen)


def pauses_between(visits: list[dict[str, Any]]) -> list[float]:
    """The seconds between one request and the next."""
    return [later["seconds"] - earlier["seconds"] for earlier, later in pairwise(visits)]


def requests(visits: list[dict[str, Any]]) -> str:
    """How many requests there were, and how far apart."""
    pauses = " ".join(f"{pause:.1f}" for pause in pauses_between(visits))
    return f"requests {len(visits)}" + (f" ({pauses} s apart)" if pauses else "")


@exercise("task_order.py")
def task_order(file: Path, sandbox: Sandbox) -> Outcome:
    """The report counts the rows of this run, and the two loads overlap in time."""
    rows = random.randint(150_000, 250_000)
    expected = f"orders {rows}, lines {rows}, loads side by side"
    old = {f"{table}.csv": "yesterday\n" * 3 for table in ("orders", "lines")}
    ran, _ = sandbox.workspace().attempt(file, files=old, settings={"ROWS": str(rows)})
    deadline = time.monotonic() + 10
    loads: list[dict[str, Any]] = []
    while not ran.complaint and time.monotonic() < deadline:  # the server notes task runs when it comes to it
        loads = [task for task in sandbox.api("/task_runs/filter", {}) if task["name"].startswith("load")]
        if len(loads) == 2 and all(load["end_time"] for load in loads):
            break
        time.sleep(0.2)
    together = len(loads) == 2 and max(load["start_time"] for load in loads) < min(load["end_time"] for load in loads)
    counted = [line for line in ran.printed if line.startswith(("orders ", "lines "))] or ["no report"]
    seen = f"{', '.join(counted)}, loads {'side by side' if together else 'one after the other'}"
    return Outcome(seen == expected, expected, ran.complaint or seen)


@exercise("nothing_new.py")
def nothing_new(file: Path, sandbox: Sandbox) -> Outcome:
    """Orders, none, and one again: the second run makes no report, and says so by the name of its state."""
    workspace = sandbox.workspace()
    runs = []
    for name, orders in (("two orders", ["1,10.50", "2,4.50"]), ("no order", []), ("one order", ["3,5"])):
        inbox = {f"inbox/{order[0]}.csv": f"{order}\n" for order in orders}
        ran, end = workspace.attempt(file, files=inbox)
        report = next((line for line in reversed(ran.printed) if "revenue" in line), "no report")
        runs.append(f"{name}: {report}, {ran.complaint or end}")
    due = [
        "two orders: 2 orders, revenue 15.00, Completed",
        "no order: no report, Skipped",
        "one order: 3 orders, revenue 20.00, Completed",
    ]
    for expected, seen in zip(due, runs, strict=True):
        if seen != expected:
            return Outcome(False, expected, seen)
    skipped = {"state": {"name": {"any_": ["Skipped"]}, "type": {"any_": ["COMPLETED"]}}}
    if not sandbox.flow_runs({"flow_runs": skipped}):
        return Outcome(False, due[1], f"{runs[1]}, but its type is not COMPLETED")
    return Outcome(True, due[1], runs[1])


@exercise("wall_clock.yaml")
def wall_clock(file: Path, sandbox: Sandbox) -> Outcome:
    """The server plans four days: in winter, in summer, and both on which the clock changes; one run each, at 03:00."""
    days = [datetime(2027, *day, tzinfo=BERLIN) for day in ((1, 15), (3, 28), (7, 16), (10, 31))]
    expected = ", ".join(f"{day:%d %b} 03:00" for day in days) + " in Berlin"
    deployment, complaint = sandbox.workspace().deploy(file, daily_report=DAILY_REPORT)
    if not deployment:
        return Outcome(False, expected, complaint)
    nights = []
    for day in days:
        window = {"start_time": day.isoformat(), "end_time": day.replace(hour=23, minute=59).isoformat()}
        sandbox.api(f"/deployments/{deployment}/schedule", {**window, "min_runs": 40, "max_runs": 40})
        planned = [datetime.fromisoformat(run["expected_start_time"]).astimezone(BERLIN) for run in sandbox.flow_runs()]
        times = [f"{time:%H:%M}" for time in planned if time.date() == day.date()]
        nights.append(f"{day:%d %b} {' '.join(times[:3]) or 'no run'}{' …' if len(times) > 3 else ''}")
    return Outcome.of(expected, f"{', '.join(nights)} in Berlin")


@exercise("one_at_a_time.yaml")
def one_at_a_time(file: Path, sandbox: Sandbox) -> Outcome:
    """Two runs are due at the same time and a worker takes both: one is done, the other cancelled."""
    expected = "two runs due at once: Completed, Cancelled"
    workspace = sandbox.workspace()
    deployment, complaint = workspace.deploy(file, sales_etl=SALES_ETL)
    if not deployment:
        return Outcome(False, expected, complaint)
    for _ in range(2):
        sandbox.api(f"/deployments/{deployment}/create_flow_run", {})
    return Outcome.of(expected, f"two runs due at once: {', '.join(sorted(workspace.work()[1], reverse=True))}")


@exercise("too_late.py")
def too_late(file: Path, sandbox: Sandbox) -> Outcome:
    """A worker finds a run that was due two minutes ago, and one that is due now."""
    expected = "due two minutes ago: Cancelled; due now: Completed; lists printed: 1"
    workspace = sandbox.workspace()
    deployment, complaint = workspace.deploy(PACKING_PLAN, too_late=file)
    if not deployment:
        return Outcome(False, expected, complaint)
    for seconds in (120, 0):
        due = datetime.now(UTC) - timedelta(seconds=seconds)
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}}
        sandbox.api(f"/deployments/{deployment}/create_flow_run", {"state": state})
    ran, (late, on_time) = workspace.work()
    lists = (ran.output + ran.errors).count("packing list of ")
    return Outcome.of(expected, f"due two minutes ago: {late}; due now: {on_time}; lists printed: {lists}")


@exercise("backfill.py")
def backfill(file: Path, sandbox: Sandbox) -> Outcome:
    """Started twice for some days around the end of a month, there is one run for each."""
    first = date(random.randint(2001, 2025), random.randint(1, 11), 27)
    days = [str(first + timedelta(days=n)) for n in range(random.randint(5, 8))]
    expected = f"first start: runs {len(days)} of {len(days)}, {days[0]} to {days[-1]}; second start: no more"
    workspace = sandbox.workspace()
    workspace.deploy(REPORT_PLAN, daily_report=DAILY_REPORT)
    days_run: list[list[str]] = []
    for _ in range(2):
        ran = workspace.run(file.name, days[0], days[-1], files={file.name: file})
        if ran.complaint:
            return Outcome(False, expected, ran.complaint)
        days_run.append(sorted(str(run["parameters"].get("day"))[:10] for run in sandbox.flow_runs()))
    first_start, second_start = days_run
    span = f"runs {len(first_start)} of {len(days)}" + (
        f", {first_start[0]} to {first_start[-1]}" if first_start else ""
    )
    seen = f"first start: {span}; second start: {len(second_start) - len(first_start) or 'no'} more"
    return Outcome(first_start == second_start == days, expected, seen)


@exercise("why_failed.py")
def why_failed(file: Path, sandbox: Sandbox) -> Outcome:
    """The six runs that failed or crashed are listed with their reasons, and no other."""
    workspace = sandbox.workspace()
    workspace.run("day.py", files={"day.py": DAY})
    wrong = sandbox.flow_runs({"flow_runs": {"state": {"type": {"any_": ["FAILED", "CRASHED"]}}}})
    due = sorted(f"{run['name']}: {run['state']['message']}" for run in wrong)
    ran = workspace.run(file.name, files={file.name: file})
    lines = sorted(line.strip() for line in ran.output.splitlines() if line.strip())
    wrong_line = next((line for line in lines if line not in due), (lines or ["none"])[0])
    seen = ran.complaint or f"{len(lines)} lines, such as {wrong_line}"
    return Outcome(lines == due, f"6 lines, such as {due[0]}", seen)


@exercise("alert.py")
def alert(file: Path, sandbox: Sandbox) -> Outcome:
    """A web server gets one message when a file is broken, with the name of the run and the reason, and none else."""
    workspace = sandbox.workspace()
    runs = []
    broken = f"1,10.50\n2,{random.choice(['ten', 'n/a', '?'])}\n"
    for name, text in (("broken", broken), ("good", "1,10.50\n")):
        ran, end = workspace.attempt(file, f"{name}.csv", files={f"{name}.csv": text}, settings={"ALERT_URL": WEB})
        alerts = [content_of(visit["body"], sandbox) for visit in ran.visits if visit["method"] == "POST"]
        runs.append(f"a {name} file: {end}, alerts: {' '.join(alerts) or 'none'}")
    expected = "a broken file: Failed, alerts: name+message; a good file: Completed, alerts: none"
    return Outcome.of(expected, "; ".join(runs))


def content_of(post: str, sandbox: Sandbox) -> str:
    """What a message says of the newest run: `name+message`, or whatever else it is, cut."""
    run = sandbox.flow_runs()[-1]
    try:
        right = json.loads(post) == {"run": run["name"], "message": run["state"]["message"]}
    except ValueError:
        right = False
    return "name+message" if right else repr(post[:60])


@exercise("silent_failure.py")
def silent_failure(file: Path, sandbox: Sandbox) -> Outcome:
    """Without the file of the first region the others are loaded and the run fails; with it all is well."""
    workspace = sandbox.workspace()
    runs = []
    regions = {f"{name}.csv": f"{random.randint(1, 999)}\n" for name in ("south", "east", "west")}
    for name, files in (("without north.csv", regions), ("with it", {"north.csv": "17\n"})):
        ran, end = workspace.attempt(file, files=files)
        loaded = [
            region
            for region in ("north", "south", "east", "west")
            if any(line.startswith(f"{region}: ") for line in ran.printed)
        ]
        runs.append(f"{name}: {end}, loaded: {' '.join(loaded) or 'none'}")
    expected = "without north.csv: Failed, loaded: south east west; with it: Completed, loaded: north south east west"
    return Outcome.of(expected, "; ".join(runs))


@exercise("ask_once.py")
def ask_once(file: Path, sandbox: Sandbox) -> Outcome:
    """Three runs, two of them for the same day: the server is asked at the first and at the third."""
    workspace = sandbox.workspace()
    runs = []
    for day, amount in (("2026-03-02", 100), ("2026-03-02", 200), ("2026-03-03", 300)):
        ran, _ = workspace.attempt(file, day, str(amount), settings={"RATE_URL": WEB})
        answer = next((line for line in reversed(ran.printed) if re.fullmatch(r"\d+\.\d\d", line)), "no output")
        runs.append(f"{day}: requests {len(ran.visits)}, {ran.complaint or answer}")
    expected = "2026-03-02: requests 1, 501.00; 2026-03-02: requests 0, 1002.00; 2026-03-03: requests 1, 1503.00"
    return Outcome.of(expected, "; ".join(runs))
