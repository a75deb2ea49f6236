"""`lab oncall`: what a seed picks, what wakes the learner, what is seen, and the score. The shifts are in test_faults.py."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from support.oncall import SEEDS
from typer.testing import CliRunner

from engine.core import ROOT
from lab.cli import app
from lab.faults.catalogue import FAULTS, surprises
from lab.faults.stack import PREFECT
from lab.oncall import databases
from lab.oncall.databases import Rows
from lab.oncall.looks import differences
from lab.oncall.pager import Pager, Run, Sight
from lab.oncall.postmortem import QUESTIONS, clock, text, verdict
from lab.oncall.score import Outcome, lost_points, score
from lab.oncall.shift import Shift, draw

CLEAN = Rows(lost=0, doubled=0, late=0)


def test_the_same_seed_picks_the_same_fault_at_the_same_moment() -> None:
    for seed in range(200):
        drawn = draw(seed, 60)
        assert drawn == draw(seed, 60) and 0 <= drawn.delay <= 60
        assert draw(seed, 0).fault == drawn.fault, "how soon it comes does not change what comes"


def test_the_seeds_of_the_proof_pick_every_fault_that_can_be_found_and_fixed() -> None:
    assert {draw(seed, 60).fault for seed in SEEDS} == set(surprises(PREFECT))
    assert set(FAULTS) - set(surprises(PREFECT)) == {"burst", "crash"}


@pytest.mark.parametrize(
    ("outcome", "points"),
    [
        (Outcome(noticed=9, repaired=29, rows=CLEAN, touched=0), 100),
        (Outcome(noticed=-30, repaired=-5, rows=CLEAN, touched=0), 100),  # faster than the pager
        (Outcome(noticed=40, repaired=300, rows=CLEAN, touched=0), 100 - 4 - 10),
        (Outcome(noticed=None, repaired=100, rows=CLEAN, touched=0), 100 - 10 - 3),  # noticed when it was repaired
        (Outcome(noticed=0, repaired=0, rows=Rows(lost=3, doubled=4, late=250), touched=0), 100 - 7 - 2),
        (Outcome(noticed=0, repaired=0, rows=CLEAN, touched=1), 95),
        (Outcome(noticed=9999, repaired=99999, rows=Rows(9999, 9999, 99999), touched=9), 5),
        (Outcome(noticed=0, repaired=None, rows=CLEAN, touched=0), 0),
        (Outcome(noticed=None, repaired=None, rows=None, touched=0), 0),
    ],
)
def test_the_score(outcome: Outcome, points: int) -> None:
    assert score(outcome) == points
    assert sum(lost_points(outcome).values()) == 100 - points


def test_the_page_says_how_many_points_each_thing_costs_at_most() -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| [^|]+ \| (\d+) \|$", (ROOT / "docs/en/oncall.md").read_text(), re.M)
    most = lost_points(Outcome(9999, 99999, Rows(9999, 9999, 99999), 9))
    assert {why: int(points) for why, points in rows} == most


def container(created: int = 1, started: str = "a", state: str = "running", restarts: int = 0) -> dict[str, Any]:
    return {"created": created, "started": started, "state": state, "restarts": restarts}


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (container(), ""),
        (container(started="b"), "was restarted"),
        (container(started="b", restarts=1), ""),  # Docker did it
        (container(created=2, started="b"), "was made again"),
        (container(state="paused"), "is paused, was running"),
    ],
)
def test_what_is_seen_of_a_container(after: dict[str, Any], words: str) -> None:
    assert differences({"worker": container()}, {"worker": after}) == ({"worker": words} if words else {})


def test_what_is_seen_of_prefect() -> None:
    pool: dict[str, Any] = {"paused": False, "limit": None}
    assert differences({"pool lab": pool}, {"pool lab": pool | {"limit": 1}}) == {"pool lab": "limit: 1, was None"}
    assert differences({"pool lab": pool}, {"pool new": pool}) == {"pool lab": "is gone", "pool new": "is new"}


def sight(at: float, *, answers: bool = True, ended: tuple[Run, ...] = (), loads: tuple[float, ...] = ()) -> Sight:
    return Sight(at, answers, ended, set(loads))


def test_the_pager_waits_for_a_symptom() -> None:
    pager = Pager(1000, interval=120)
    came = Run("sales-changes", "Completed", "COMPLETED", 1001, 1005)
    assert pager.symptom(sight(1010, ended=(came,), loads=(990,))) == ""
    assert pager.symptom(sight(1019, answers=False)) == ""
    assert pager.symptom(sight(1021, answers=False)) == "Prefect's API has not answered for 11 s"
    assert pager.symptom(sight(1030)) == "", "it answers again; the last load that was seen is the one of 990"
    assert pager.symptom(sight(1231)) == "no change has reached the warehouse for 241 s"
    one, two = (Run("sales-changes", "Cancelled", "CANCELLED", at, at) for at in (1040, 1050))
    assert pager.symptom(sight(1060, ended=(one, came))) == pager.symptom(sight(1060, ended=(came, one))) == ""
    assert pager.symptom(sight(1060, ended=(came, one, two))) == "two runs of sales-etl in a row were Cancelled"
    failed = Run("sales-changes", "Failed", "FAILED", 1100, 1105)
    assert pager.symptom(sight(1110, ended=(came, failed))) == "a run of sales-etl, sales-changes, is Failed"


def shift() -> Shift:
    shift = Shift(draw(1, 0), 120, lambda at, what: None, lambda seconds: False, lambda: None)
    shift.injected, shift.broken = shift.note("the fault", 1000), 1001
    shift.paged = shift.note("pager: …", 1100)
    return shift


def ended(start: float, end: float, state: str = "Completed") -> Sight:
    return sight(end, ended=(Run("sales-changes", state, state.upper(), start, end),))


def test_it_is_repaired_when_the_fault_is_gone_and_a_run_came_through_after_it() -> None:
    one = shift()
    one.judge(True, ended(990, 1010))  # began before the fault
    one.gone = 1200
    one.judge(False, ended(1150, 1190))
    one.judge(False, ended(1210, 1215, "Failed"))
    assert not one.repaired and not one.around
    assert verdict(one) == "not repaired: the fault is gone, and no run has been Completed since"
    one.judge(False, ended(1250, 1260))
    assert one.repaired and verdict(one) == "repaired"


def test_a_way_round_the_fault_is_no_repair() -> None:
    one = shift()
    one.judge(True, ended(1100, 1110))
    assert not one.repaired and "the fault is still on: a way round it" in verdict(one)


def test_what_was_touched_is_in_the_verdict() -> None:
    one = shift()
    one.touched["worker"] = "was restarted"
    assert verdict(one) == "not repaired: the fault is still on, and other things were touched"
    one.repaired = 1300
    assert verdict(one) == "repaired, and more was touched than was broken"


def test_the_post_mortem_has_the_timeline_and_leaves_the_rest_to_the_learner() -> None:
    one = shift()
    one.noticed = one.note("you: noticed", 1130)
    one.repaired = one.note("repaired: …", 1400)
    page = text(one, Outcome(30, 300, Rows(0, 0, 42), 0), ["03-prefect: nothing found"])
    events = [
        line.split("|")[2:4] for line in page.splitlines() if " s " in line and line.startswith("| ") and ":" in line
    ]
    assert [[cell.strip() for cell in cells] for cells in events][-4:] == [
        ["+0 s", "the fault"],
        ["+100 s", "pager: …"],
        ["+130 s", "you: noticed"],
        ["+400 s", "repaired: …"],
    ]
    assert "130 s after the fault, 30 s after the pager" in page and "0 lost, 0 doubled, 42 late" in page
    assert "87 of 100: −3 noticed late, −10 repaired late" in page
    assert page.count("\n…\n") == len(QUESTIONS) and "03-prefect: nothing found" in page


def test_the_gaps_between_loads_in_which_a_change_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(stack: Any, query: str) -> list[str]:
        asked.append(query)
        return ["1"]

    monkeypatch.setattr(databases, "of_shop", answer)
    loads = {880.0, 1000.0, 1120.0, 1600.0, 1720.0}
    assert databases.late(None, loads, since=1130, until=1700, grace=240) == 4, "a line of each table"  # type: ignore[arg-type]
    assert {query.partition("WHERE ")[2] for query in asked} == {
        "updated_at >= to_timestamp(1120.000000) AND updated_at < to_timestamp(1360.000000)"
    }


def test_a_post_mortem_that_is_there_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.chdir(tmp_path)
    Path("post-mortem-7.md").write_text("mine")
    done = CliRunner().invoke(app, ["oncall", "--seed", "7"])
    assert (done.exit_code, Path("post-mortem-7.md").read_text()) == (2, "mine")
    done = CliRunner().invoke(app, ["oncall", "--output", "nowhere/p.md"])
    assert done.output == "nowhere is no folder: lab oncall --output FILE\n"


def test_times_on_the_clock_are_those_of_this_machine() -> None:

    assert clock(time.mktime((2026, 11, 30, 3, 4, 5, 0, 0, -1))) == "03:04:05"
