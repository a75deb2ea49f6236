"""Checks of 03-prefect: the learner's file runs against a real Prefect server, and what came of it is judged."""

import json
import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from lab.checks import Outcome, check
from lab.checks.prefect_flows import DAILY_REPORT, DAY, PACKING_PLAN, REPORT_PLAN, SALES_ETL
from lab.prefect_box import Place, api, flow_runs

WEB = "http://127.0.0.1:8080"  # the web server of the box
BERLIN = ZoneInfo("Europe/Berlin")


def exercise(file: str, hint: str) -> Callable[[Callable[[Path], Outcome]], Callable[[Path], Outcome]]:
    """Register the check of an exercise, whose id is the name of its file with hyphens."""
    return check(f"03-prefect/{Path(file).stem.replace('_', '-')}", file=file, hint=hint, needs_docker=True)


@exercise(
    "retry_backoff.py",
    "@task(retries=3, retry_delay_seconds=[...], retry_condition_fn=...); its function gets task, run and state.",
)
def retry_backoff(file: Path) -> Outcome:
    """A server that is overloaded three times is asked again after growing pauses; a 404 is asked for once."""
    place = Place()
    pauses, told = [], []
    for path, status, times in (("/busy", 503, 3), ("/gone", 404, 9)):
        settings = {"RATE_URL": WEB + path}
        ran, end = place.attempt(file, settings=settings, answers={path: [status] * times})
        pauses.append([later - earlier for earlier, later in pairwise(visit["seconds"] for visit in ran.visits)])
        shown = f" ({' '.join(f'{pause:.1f}' for pause in pauses[-1])} s apart)" if pauses[-1] else ""
        told.append(f"{status}: requests {len(ran.visits)}{shown}, {end}")
    right = [due <= pause < due + 0.9 for pause, due in zip(pauses[0], (0.5, 1, 2), strict=False)] == [True] * 3
    ends = [line.split()[-1] for line in told] == ["Completed", "Failed"]
    expected = "503: requests 4 (0.5 1.0 2.0 s apart), Completed; 404: requests 1, Failed"
    return Outcome(right and ends and not pauses[1], expected, "; ".join(told))


@exercise(
    "task_order.py",
    "submit(wait_for=[...]) takes the futures that have to be done first.",
)
def task_order(file: Path) -> Outcome:
    """The report counts the rows of this run, and the two loads overlap in time."""
    rows = random.randint(150_000, 250_000)
    expected = f"orders {rows}, lines {rows}, loads side by side"
    old = {f"{table}.csv": "yesterday\n" * 3 for table in ("orders", "lines")}
    ran, _ = Place().attempt(file, files=old, settings={"ROWS": str(rows)})
    deadline = time.monotonic() + 10
    loads: list[dict[str, Any]] = []
    while not ran.complaint and time.monotonic() < deadline:  # the server notes task runs when it comes to it
        loads = [task for task in api("/task_runs/filter", {}) if task["name"].startswith("load")]
        if len(loads) == 2 and all(load["end_time"] for load in loads):
            break
        time.sleep(0.2)
    together = len(loads) == 2 and max(load["start_time"] for load in loads) < min(load["end_time"] for load in loads)
    counted = [line for line in ran.output.splitlines() if line.startswith(("orders ", "lines "))] or ["no report"]
    told = f"{', '.join(counted)}, loads {'side by side' if together else 'one after the other'}"
    return Outcome(told == expected, expected, ran.complaint or told)


@exercise(
    "nothing_new.py",
    'from prefect.states import Completed; then: if not orders: return Completed(name="Skipped", message="...").',
)
def nothing_new(file: Path) -> Outcome:
    """Orders, none, and one again: the second run makes no report, and says so by the name of its state."""
    place = Place()
    told = []
    for name, orders in (("two orders", ["1,10.50", "2,4.50"]), ("no order", []), ("one order", ["3,5"])):
        inbox = {f"inbox/{order[0]}.csv": f"{order}\n" for order in orders}
        ran, end = place.attempt(file, files=inbox)
        report = "no report" if "revenue" not in ran.output else ran.output.strip().splitlines()[-1]
        told.append(f"{name}: {report}, {ran.complaint or end}")
    due = [
        "two orders: 2 orders, revenue 15.00, Completed",
        "no order: no report, Skipped",
        "one order: 3 orders, revenue 20.00, Completed",
    ]
    wrong = next((n for n in range(3) if told[n] != due[n]), 1)
    skipped = flow_runs({"flow_runs": {"state": {"name": {"any_": ["Skipped"]}, "type": {"any_": ["COMPLETED"]}}}})
    failed = "" if skipped or told != due else ", but its type is not COMPLETED"
    return Outcome(told == due and not failed, due[wrong], told[wrong] + failed)


@exercise(
    "wall_clock.yaml",
    "Prefect ignores a key where it does not expect one: a time zone belongs to a schedule, beside its cron.",
)
def wall_clock(file: Path) -> Outcome:
    """The server plans four days: in winter, in summer, and both on which the clock changes; one run each, at 03:00."""
    days = [datetime(2027, *day, tzinfo=BERLIN) for day in ((1, 15), (3, 28), (7, 16), (10, 31))]
    expected = ", ".join(f"{day:%d %b} 03:00" for day in days) + " in Berlin"
    deployment, complaint = Place().deploy(file, daily_report=DAILY_REPORT)
    if not deployment:
        return Outcome(False, expected, complaint)
    told = []
    for day in days:
        window = {"start_time": day.isoformat(), "end_time": day.replace(hour=23, minute=59).isoformat()}
        api(f"/deployments/{deployment}/schedule", {**window, "min_runs": 40, "max_runs": 40})
        planned = [datetime.fromisoformat(run["expected_start_time"]).astimezone(BERLIN) for run in flow_runs()]
        times = [f"{time:%H:%M}" for time in planned if time.date() == day.date()]
        told.append(f"{day:%d %b} {' '.join(times[:3]) or 'no run'}{' …' * (len(times) > 3)}")
    seen = f"{', '.join(told)} in Berlin"
    return Outcome(seen == expected, expected, seen)


@exercise(
    "one_at_a_time.yaml",
    "Prefect ignores a key that it does not know, so check its spelling; then choose the collision_strategy.",
)
def one_at_a_time(file: Path) -> Outcome:
    """Two runs are due at the same time and a worker takes both: one is done, the other cancelled."""
    expected = "two runs due at once: Completed, Cancelled"
    place = Place()
    deployment, complaint = place.deploy(file, sales_etl=SALES_ETL)
    if not deployment:
        return Outcome(False, expected, complaint)
    for _ in range(2):
        api(f"/deployments/{deployment}/create_flow_run", {})
    seen = f"two runs due at once: {', '.join(sorted(place.work()[1], reverse=True))}"
    return Outcome(seen == expected, expected, seen)


@exercise(
    "too_late.py",
    "The delay is datetime.now(UTC) - runtime.flow_run.scheduled_start_time; return Cancelled(message=...).",
)
def too_late(file: Path) -> Outcome:
    """A worker finds a run that was due two minutes ago, and one that is due now."""
    expected = "due two minutes ago: Cancelled; due now: Completed; lists printed: 1"
    place = Place()
    deployment, complaint = place.deploy(PACKING_PLAN, too_late=file)
    if not deployment:
        return Outcome(False, expected, complaint)
    for seconds in (120, 0):
        due = datetime.now(UTC) - timedelta(seconds=seconds)
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": due.isoformat()}}
        api(f"/deployments/{deployment}/create_flow_run", {"state": state})
    ran, (late, on_time) = place.work()
    lists = (ran.output + ran.errors).count("packing list of ")
    seen = f"due two minutes ago: {late}; due now: {on_time}; lists printed: {lists}"
    return Outcome(seen == expected, expected, seen)


@exercise(
    "backfill.py",
    "run_deployment(..., idempotency_key=...): to a key that it knows, the server answers with the run it has.",
)
def backfill(file: Path) -> Outcome:
    """Started twice for some days around the end of a month, there is one run for each."""
    first = date(random.randint(2001, 2025), random.randint(1, 11), 27)
    days = [str(first + timedelta(days=n)) for n in range(random.randint(5, 8))]
    expected = f"first start: runs {len(days)}, {days[0]} to {days[-1]}; second start: no more"
    place = Place()
    place.deploy(REPORT_PLAN, daily_report=DAILY_REPORT)
    asked: list[list[str]] = []
    for _ in range(2):
        ran = place.run(file.name, days[0], days[-1], files={file.name: file})
        if ran.complaint:
            return Outcome(False, expected, ran.complaint)
        asked.append(sorted(str(run["parameters"].get("day"))[:10] for run in flow_runs()))
    span = f"runs {len(asked[0])}" + (f", {asked[0][0]} to {asked[0][-1]}" if asked[0] else "")
    seen = f"first start: {span}; second start: {len(asked[1]) - len(asked[0]) or 'no'} more"
    return Outcome(asked == [days, days], expected, seen)


@exercise(
    "why_failed.py",
    'FlowRunFilter(state={"type": {"any_": [...]}}) chooses by type; the reason is run.state.message.',
)
def why_failed(file: Path) -> Outcome:
    """The six runs that failed or crashed are listed with their reasons, and no other."""
    place = Place()
    place.run("day.py", files={"day.py": DAY})
    wrong = flow_runs({"flow_runs": {"state": {"type": {"any_": ["FAILED", "CRASHED"]}}}})
    due = sorted(f"{run['name']}: {run['state']['message']}" for run in wrong)
    ran = place.run(file.name, files={file.name: file})
    lines = sorted(line.strip() for line in ran.output.splitlines() if line.strip())
    told = next((line for line in lines if line not in due), (lines or ["none"])[0])
    return Outcome(lines == due, f"6 lines, such as {due[0]}", ran.complaint or f"{len(lines)} lines, such as {told}")


@exercise(
    "alert.py",
    "@flow(on_failure=[tell]) calls tell(flow, run, state); requests.post(url, json={...}) sends JSON.",
)
def alert(file: Path) -> Outcome:
    """A web server gets one message when a file is broken, with the name of the run and the reason, and none else."""
    place = Place()
    told = []
    broken = f"1,10.50\n2,{random.choice(['ten', 'n/a', '?'])}\n"
    for name, text in (("broken", broken), ("good", "1,10.50\n")):
        ran, end = place.attempt(file, f"{name}.csv", files={f"{name}.csv": text}, settings={"ALERT_URL": WEB})
        alerts = [tells(visit["body"]) for visit in ran.visits if visit["method"] == "POST"]
        told.append(f"a {name} file: {end}, alerts: {' '.join(alerts) or 'none'}")
    expected = "a broken file: Failed, alerts: name+message; a good file: Completed, alerts: none"
    return Outcome("; ".join(told) == expected, expected, "; ".join(told))


def tells(post: str) -> str:
    """What a message says of the newest run: `name+message`, or whatever else it is, cut."""
    run = flow_runs()[-1]
    try:
        right = json.loads(post) == {"run": run["name"], "message": run["state"]["message"]}
    except ValueError:
        right = False
    return "name+message" if right else repr(post[:60])


@exercise(
    "silent_failure.py",
    "A flow that returns its futures waits for all of them, and fails when one of them has failed.",
)
def silent_failure(file: Path) -> Outcome:
    """Without the file of the first region the others are loaded and the run fails; with it all is well."""
    place = Place()
    told = []
    regions = {f"{name}.csv": f"{random.randint(1, 999)}\n" for name in ("south", "east", "west")}
    for name, files in (("without north.csv", regions), ("with it", {"north.csv": "17\n"})):
        ran, end = place.attempt(file, files=files)
        loaded = [region for region in ("north", "south", "east", "west") if f"{region}: " in ran.output]
        told.append(f"{name}: {end}, loaded: {' '.join(loaded) or 'none'}")
    expected = "without north.csv: Failed, loaded: south east west; with it: Completed, loaded: north south east west"
    return Outcome("; ".join(told) == expected, expected, "; ".join(told))


@exercise(
    "ask_once.py",
    "@task(cache_policy=INPUTS, persist_result=True), with INPUTS from prefect.cache_policies.",
)
def ask_once(file: Path) -> Outcome:
    """Three runs, two of them for the same day: the server is asked at the first and at the third."""
    place = Place()
    told = []
    for day, amount in (("2026-03-02", 100), ("2026-03-02", 200), ("2026-03-03", 300)):
        ran, _ = place.attempt(file, day, str(amount), settings={"RATE_URL": WEB})
        answer = (ran.output.strip().splitlines() or ["no output"])[-1]
        told.append(f"{day}: requests {len(ran.visits)}, {ran.complaint or answer}")
    expected = "2026-03-02: requests 1, 501.00; 2026-03-02: requests 0, 1002.00; 2026-03-03: requests 1, 1503.00"
    return Outcome("; ".join(told) == expected, expected, "; ".join(told))
