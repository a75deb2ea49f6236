"""Checks of 04-incidents: the learner's file meets an API that fails, and what it asked, when, and what it kept is judged."""

import csv
import json
import random
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.checks.intro import ended, running
from lab.checks.prefect import WEB, pauses_between, requests
from lab.checks.registry import Outcome, check
from lab.checks.sandbox.host import Sandbox

PATIENCE = 120  # seconds for a program, on a busy machine

# Starts the learner's flow as a worker does: as a run that was planned for a time.
LATE = """
import sys
from datetime import datetime
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.states import Scheduled
from run_name import incidents_by_pop

with get_client(sync_client=True) as client:
    planned = Scheduled(scheduled_time=datetime.fromisoformat(sys.argv[1]))
    run = client.create_flow_run(incidents_by_pop, state=planned)
run_flow(incidents_by_pop, flow_run=run)
"""


def good(count: int) -> dict[str, Any]:
    """The answer with so many incidents."""
    return {"status": 200, "body": json.dumps({"eventos": [{"id": number} for number in range(count)]})}


@check(
    "04-incidents/worth-it",
    file="worth_it.py",
    needs_docker=True,
    shares=Sandbox,
)
def worth_it(file: Path, sandbox: Sandbox) -> Outcome:
    """What may pass is asked for again, what stays as it is once."""
    half = {"status": 200, "body": '{"eventos": [{"id": 1'}
    renamed = {"status": 200, "body": '{"events": []}'}
    cases = {"503": [503, 503, good(3)], "half": [half, good(3)], "404": [404] * 9, "renamed": [renamed] * 9}
    workspace = sandbox.workspace()
    runs = []
    for name, answers in cases.items():
        path = f"/{name}"
        ran, end = workspace.attempt(file, settings={"URL": WEB + path}, answers={path: answers}, seconds=PATIENCE)
        runs.append(f"{name}: requests {len(ran.visits)}, {end}")
    expected = (
        "503: requests 3, Completed; half: requests 2, Completed; 404: requests 1, Failed; renamed: requests 1, Failed"
    )
    return Outcome.of(expected, "; ".join(runs))


@check(
    "04-incidents/retry-after",
    file="retry_after.py",
    needs_docker=True,
    shares=Sandbox,
)
def retry_after(file: Path, sandbox: Sandbox) -> Outcome:
    """Told to wait one second and then five, it does; told an hour, it gives up."""

    def busy(seconds: int) -> dict[str, Any]:
        return {"status": 429, "headers": {"Retry-After": str(seconds)}, "body": ""}

    workspace = sandbox.workspace()
    soon = {"/soon": [busy(1), busy(5), good(3)]}
    told, end = workspace.attempt(file, settings={"URL": f"{WEB}/soon"}, answers=soon, seconds=PATIENCE)
    later, end_later = workspace.attempt(
        file, settings={"URL": f"{WEB}/later"}, answers={"/later": [busy(3600)] * 9}, seconds=PATIENCE
    )
    pauses = pauses_between(told.visits)
    kept = len(pauses) == 2 and 1 <= pauses[0] < pauses[1] >= 5
    expected = "told 1 and 5 s: requests 3 (1.0 5.0 s apart), Completed; told an hour: requests 1, Failed"
    seen = f"told 1 and 5 s: {requests(told.visits)}, {end}; told an hour: {requests(later.visits)}, {end_later}"
    return Outcome(kept and end == "Completed" and (len(later.visits), end_later) == (1, "Failed"), expected, seen)


@check(
    "04-incidents/run-name",
    file="run_name.py",
    needs_docker=True,
    shares=Sandbox,
)
def run_name(file: Path, sandbox: Sandbox) -> Outcome:
    """A run that starts some hours late is named after its turn."""
    due = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=random.randint(100, 900))
    ran = sandbox.workspace().run(
        "late.py", due.isoformat(), files={file.name: file, "late.py": LATE}, seconds=PATIENCE
    )
    names = [run["name"] for run in sandbox.flow_runs()]
    expected = f"planned for {due:%H:%M}, started late: incidents-{due:%Y-%m-%dT%H:%M}"
    seen = ran.complaint or f"planned for {due:%H:%M}, started late: {', '.join(names) or 'no run'}"
    return Outcome.of(expected, seen)


@check(
    "04-incidents/idempotent",
    file="idempotent.py",
)
def idempotent(file: Path) -> Outcome:
    """Three answers, one of them twice: each incident has one row, as it was told last."""
    first, second = random.randint(100, 499), random.randint(500, 999)
    told = [
        {first: "ABERTO", second: "ABERTO"},
        {second: "FECHADO"},
        {second: "FECHADO"},
        {first: "FECHADO", 7: "ABERTO"},
    ]
    expected = f"3 rows: {first} FECHADO, {second} FECHADO, 7 ABERTO"
    with tempfile.TemporaryDirectory() as folder:
        answer, table = Path(folder, "answer.json"), Path(folder, "incidents.csv")
        for statuses in told:
            events = [{"id": id, "title": "Enguiço, nível 1", "status": status} for id, status in statuses.items()]
            answer.write_text(json.dumps({"eventos": events}))
            with running(file, answer, table) as program:
                ended(program, seconds=30)
                if complaint := program.complaint():
                    return Outcome(False, expected, complaint)
        lines = table.read_text(encoding="utf-8", errors="replace").splitlines() if table.exists() else []
    rows = [f"{row['id']} {row['status']}" for row in csv.DictReader(lines) if row.get("id") and row.get("status")]
    wanted = {f"{first} FECHADO", f"{second} FECHADO", "7 ABERTO"}
    passed = len(lines) == 4 and len(rows) == 3 and set(rows) == wanted  # in whatever order
    return Outcome(passed, expected, f"{len(rows)} rows: {', '.join(rows) or 'none'}")
