# mypy: ignore-errors
"""Runs in a container for tests/test_04_terms.py: each snippet as a program, all in one process that imports Prefect once.

Usage: terms_inside.py FILE... It prints a line of JSON: the name of each file, what it printed, and the ids of its runs.
"""

import contextlib
import io
import json
import os
import runpy
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Scheduled


def runs() -> set[str]:
    """The ids of the runs that no deployment has."""
    with get_client(sync_client=True) as client:
        return {str(run.id) for run in client.read_flow_runs(limit=200) if run.deployment_id is None}


def run(file: Path) -> dict[str, object]:
    """Run a snippet in a folder of its own."""
    os.chdir(tempfile.mkdtemp())
    before, printed = runs(), io.StringIO()
    with contextlib.redirect_stdout(printed):
        runpy.run_path(str(file), run_name="__main__")
    return {"printed": printed.getvalue().strip(), "runs": sorted(runs() - before)}


def run_for(file: Path, name: str, *days: str) -> list[str]:
    """Run a flow once for each day, as one that was due then and runs now; what became of it."""
    found = runpy.run_path(str(file))[name]
    ends = []
    for day in days:
        due = datetime.fromisoformat(day).replace(tzinfo=UTC)
        with get_client(sync_client=True) as client:
            planned = client.create_flow_run(found, state=Scheduled(scheduled_time=due))
        state = run_flow(found, flow_run=planned, return_type="state")
        ends.append(f"{state.name}: {state.message or state.result()}")
    return ends


if __name__ == "__main__":
    answers = sys.stdout
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):  # or each run takes up to a second more
        files = [Path(name).resolve() for name in sys.argv[1:]]
        ran = {file.stem: run(file) for file in files}
        weekend = run_for(files[0].with_name("skip_weekend.py"), "collect_on_weekdays", "2026-01-02", "2026-01-03")
    print(json.dumps({"ran": ran, "weekend": weekend}), file=answers)
