"""Checks of the page "Old words of Prefect": what was a filter of a schedule, and what was a target of a task."""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from lab.checks.registry import Outcome, check
from lab.checks.sandbox.host import Sandbox

WEB = "http://127.0.0.1:8080"  # the web server of the sandbox
RIO = ZoneInfo("America/Sao_Paulo")
COLLECT = """
from prefect import flow

@flow
def collect() -> None:
    print("collected")
"""


@check(
    "04-incidents/skip-weekends",
    file="skip_weekends.yaml",
    needs_docker=True,
    shares=Sandbox,
)
def skip_weekends(file: Path, sandbox: Sandbox) -> Outcome:
    """The server plans around a noon in the week, both ends of a weekend, and a noon in it."""
    moments = [datetime(2027, 3, day, hour, tzinfo=RIO) for day, hour in ((3, 12), (6, 0), (7, 12), (8, 0))]
    due = ["11:40 12:00 12:20", "23:40", "no run", "00:00 00:20"]
    expected = ", ".join(f"around {at:%a %H:%M}: {times}" for at, times in zip(moments, due, strict=True)) + " in Rio"
    deployment, complaint = sandbox.workspace().deploy(file, collect=COLLECT)
    if not deployment:
        return Outcome(False, expected, complaint)
    seen = []
    for at in moments:
        first, last = at - timedelta(minutes=39), at + timedelta(minutes=39)
        window = {"start_time": first.isoformat(), "end_time": last.isoformat()}
        sandbox.api(f"/deployments/{deployment}/schedule", {**window, "min_runs": 99, "max_runs": 99})
        planned = [datetime.fromisoformat(run["expected_start_time"]).astimezone(RIO) for run in sandbox.flow_runs()]
        times = [f"{time:%H:%M}" for time in planned if first <= time <= last]
        seen.append(f"around {at:%a %H:%M}: {' '.join(times[:3]) or 'no run'}{' …' if len(times) > 3 else ''}")
    return Outcome.of(expected, ", ".join(seen) + " in Rio")


@check(
    "04-incidents/cache-by-input",
    file="cache_by_input.py",
    needs_docker=True,
    shares=Sandbox,
)
def cache_by_input(file: Path, sandbox: Sandbox) -> Outcome:
    """Three runs, with three timeouts: only a street that nobody has asked for is a question to the service."""
    workspace = sandbox.workspace()
    answers: dict[str, set[str]] = {}
    seen = []
    for timeout, *streets in (("5", "a", "b", "a"), ("6", "b", "a"), ("7", "a", "c")):
        ran, _ = workspace.attempt(file, timeout, *streets, settings={"GEOCODER_URL": WEB})
        lines = [line.split(": ", 1) for line in ran.output.splitlines() if ": " in line]
        for street, answer in lines:
            answers.setdefault(street, set()).add(answer)
        asked = " ".join(visit["path"][1:] for visit in ran.visits) or "nothing"
        seen.append(ran.complaint or f"{' '.join(streets)} with {timeout} s: asked for {asked}, {len(lines)} lines")
    same = all(len(each) == 1 for each in answers.values())
    expected = (
        "a b a with 5 s: asked for a b, 3 lines; b a with 6 s: asked for nothing, 2 lines; "
        "a c with 7 s: asked for c, 2 lines; one answer for each street"
    )
    return Outcome.of(expected, f"{'; '.join(seen)}; {'one answer' if same else 'several answers'} for each street")
