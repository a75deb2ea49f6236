"""What the model of lab.policy says of the recorded outages, in the words of the record."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from cronsim import CronSim

from lab.policy.model import Down, Fate, Outage, Run
from lab.policy.systems import Case, at_next, systems

MINUTE = timedelta(minutes=1)
BEGUN = datetime(2027, 3, 1)
WRAPPERS = {"all": "cron-catch-up-all", "latest": "cron-catch-up-latest", "3600": "cron-catch-up-young"}
EVERY_20 = "*/20 * * * *"
STATES = {Fate.RUN: "Completed", Fate.LATE: "Completed", Fate.SKIPPED: "Skipped", Fate.CANCELLED: "Cancelled"}
Notes = dict[str, list[int]]


def minute(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)


def times(schedule: str, start: datetime, end: datetime) -> list[datetime]:
    """The times from `start` up to, not including, `end`."""
    found = []
    for at in CronSim(schedule, start - MINUTE):
        if at >= end:
            break
        found.append(at)
    return found


def cron_case(case: dict[str, Any], schedule: str) -> Case:
    start, off, on, end = (minute(case[key]) for key in ("from", "off", "on", "to"))
    fixed = not any(field.startswith("*") for field in schedule.split()[:2])
    return Case(times(schedule, start, end), Outage(off, on, Down(case["down"])), timedelta(0), fixed)


def cron_expected(case: dict[str, Any]) -> Notes:
    """What every job notes, and in which minutes after the beginning."""
    known, start = systems(), minute(case["from"])
    found: Notes = {}

    def note(text: str, at: datetime) -> None:
        found.setdefault(text, []).append((at - start) // MINUTE)

    def note_starts(text: str, runs: Iterable[Run]) -> None:
        for run in sorted((run for run in runs if run.started), key=lambda run: run.started or run.due):
            note(text.format(f"{run.due:%Y-%m-%dT%H:%M:%SZ}"), run.started or run.due)

    for number, schedule in enumerate(case["jobs"]):
        note_starts(str(number), known["cron"].runs(cron_case(case, schedule)))
    through = cron_case(case, EVERY_20)
    for keep in case["keeps"]:
        done = known[WRAPPERS[keep]].runs(through)
        note_starts(f"{keep} {{}}", done)
        for run in done:
            if run.fate is Fate.SKIPPED:
                note(f"skipped: {run.due:%Y-%m-%dT%H:%M:%SZ}", at_next(through))
    return {text: sorted(found[text]) for text in sorted(found)}


def prefect_case(case: dict[str, Any], down: str) -> Case:
    due = [BEGUN + (case["first"] + number * case["step"]) * MINUTE for number in range(case["count"])]
    outage = Outage(BEGUN + case["off"] * MINUTE, BEGUN + case["on"] * MINUTE, Down(down))
    return Case(due, outage, case["length"] * MINUTE)


def prefect_expected(case: dict[str, Any], down: str) -> dict[int, str]:
    """The state of every run that the server has, by the minute for which it was due."""
    known = systems(case.get("not_older", 60) * MINUTE)
    done = known[case["policy"]].runs(prefect_case(case, down))
    return {(run.due - BEGUN) // MINUTE: STATES[run.fate] for run in done if run.fate is not Fate.LOST}


def prefect_seen(case: dict[str, Any], ran: list[dict[str, Any]]) -> dict[int, str]:
    """The same of the record. Of the runs that are late, any may take the one slot: it is put in the place of the oldest."""
    assert max(Counter(run["due"] for run in ran).values(), default=1) == 1, "a run has been planned twice"
    states = {run["due"]: run["state"] for run in ran}
    late = sorted(due for due in states if case["off"] <= due < case["on"])
    if case["policy"] == "prefect-cancel-new":
        states |= dict(zip(late, sorted((states[due] for due in late), reverse=True), strict=True))
    return states


def at_once(ran: list[dict[str, Any]]) -> int:
    """How many of the runs that have ended well were at work at the same time, at most."""
    done = [run for run in ran if run["state"] == "Completed"]
    return max((sum(one["start"] <= run["start"] < one["end"] for one in done) for run in done), default=0)
