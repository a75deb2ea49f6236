"""Checks of missed runs: a worker comes back, finds what was missed, and what it runs is compared with a policy."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lab.checks.registry import Outcome, check
from lab.checks.sandbox.host import Sandbox

MAP_PLAN = """
deployments:
  - {name: every-minute, entrypoint: newest_only.py:traffic_map, work_pool: {name: lab}}
"""
SCHEDULED = ["auto-scheduled"]


@check(
    "04-incidents/newest-only",
    file="newest_only.py",
    needs_docker=True,
    shares=Sandbox,
)
def newest_only(file: Path, sandbox: Sandbox) -> Outcome:
    """Runs that were missed, an old one that a person asked for, and one that is not due: two of them draw a map."""
    workspace = sandbox.workspace()
    deployment, complaint = workspace.deploy(MAP_PLAN, newest_only=file)
    now, missed = datetime.now(UTC).replace(second=0, microsecond=0), random.randint(2, 4)
    steps = [*range(missed, 0, -1), -60]  # minutes ago
    asked = now - timedelta(minutes=missed + 5, seconds=30)
    newest = now - timedelta(minutes=1)
    expected = f"{missed} missed: maps of {asked:%H:%M} (asked for) and {newest:%H:%M}; Cancelled {missed - 1}"
    if not deployment:
        return Outcome(False, expected, complaint)
    due = [(now - timedelta(minutes=step), SCHEDULED) for step in steps] + [(asked, [])]
    random.shuffle(due)
    for at, tags in due:
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": at.isoformat()}}
        sandbox.api(f"/deployments/{deployment}/create_flow_run", {"state": state, "tags": tags})
    ran, _ = workspace.work()
    text = ran.output + ran.errors
    drawn = [f"{at:%H:%M}{'' if tags else ' (asked for)'}" for at, tags in sorted(due) if f"map of {at:%H:%M}" in text]
    wanted = [f"{asked:%H:%M} (asked for)", f"{newest:%H:%M}"]
    cancelled = sum(run["state_type"] == "CANCELLED" for run in sandbox.flow_runs())
    if drawn == wanted and cancelled == missed - 1:
        return Outcome(True, expected, expected)
    return Outcome(
        False, expected, f"{missed} missed: maps of {' and '.join(drawn) or 'no time'}; Cancelled {cancelled}"
    )
