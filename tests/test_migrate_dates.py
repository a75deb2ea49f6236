"""The dates that `lab migrate diff` takes for Prefect's, against those that Prefect itself planned (tests/records)."""

import hashlib
import json
import random
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.records import FOLDER, commit, proving

from engine.core import ROOT
from engine.records import digest
from lab.migrate.dates import Cron, Interval, NoEnd, RRule, Timing

RECORDER = ROOT / "bench/prefect_dates.py"
SAMPLE = 40


@cache
def record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "prefect-dates.json").read_text())
    return found


def cases() -> list[dict[str, Any]]:
    """All of the record, or a sample that differs from commit to commit."""
    every: list[dict[str, Any]] = record()["cases"]
    return every if proving() else random.Random(commit()).sample(every, SAMPLE)


def timing(case: dict[str, Any]) -> Timing:
    zone = ZoneInfo(case["timezone"])
    if "cron" in case:
        return Cron(case["cron"], zone, case["day_or"])
    if "rrule" in case:
        return RRule(case["rrule"], zone)
    anchor = datetime.fromisoformat(case["anchor_date"])
    return Interval(timedelta(seconds=case["interval"]), anchor if anchor.tzinfo else anchor.replace(tzinfo=zone), zone)


def in_short(dates: list[datetime]) -> list[int | str]:
    text = "\n".join(f"{at:%Y-%m-%dT%H:%M:%S}" for at in dates)
    return [len(dates), hashlib.sha256(text.encode()).hexdigest()[:16]]


def test_the_record_is_that_of_the_version_and_the_questions_of_today() -> None:
    pinned = re.search(r"^prefect==(\S+)", (ROOT / "03-prefect/requirements.txt").read_text(), re.MULTILINE)
    about = record()["about"]
    assert pinned and about["prefect"] == pinned[1], f"record it again: see {RECORDER}"
    assert about["inputs"] == digest([RECORDER]), f"record it again: see {RECORDER}"
    assert about["python"].startswith("3.13")
    assert len({case["timezone"] for case in record()["cases"]}) >= 10
    assert len({case["cron"] for case in record()["cases"] if "cron" in case}) >= 50


def test_the_dates_are_those_that_prefect_planned() -> None:
    different, asked = [], cases()
    for case in asked:
        start = datetime.fromisoformat(case["start"]).replace(tzinfo=UTC)
        dates = timing(case).dates(start, start + timedelta(days=case["days"]))
        nothing = case["dates"] == [0, "CroniterBadDateError"] and not dates  # Prefect finds none, and says so
        if in_short(dates) != case["dates"] and not nothing:
            different.append((case, in_short(dates)))
    print(f"{len(asked)} of {len(record()['cases'])} schedules compared, {len(different)} differ")
    assert different == []


def test_croniter_is_the_version_that_prefect_has_a_copy_of() -> None:
    assert version("croniter") == "6.0.0"


def test_a_schedule_of_too_many_dates_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.migrate.dates.MOST", 1000)
    start = datetime(2027, 1, 1, tzinfo=UTC)
    often = Interval(timedelta(seconds=1), start, ZoneInfo("UTC"))
    with pytest.raises(NoEnd, match="more than 1,000 dates"):
        often.dates(start, start + timedelta(days=1))


def test_a_rule_that_no_date_fits_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.migrate.dates.DEADLINE", 0.2)
    start = datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(NoEnd, match="its dates were not reached"):
        RRule("FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30", ZoneInfo("UTC")).dates(start, start + timedelta(days=1))
