"""The conformance vectors: what real cron did, how it is scored, and that `lab cron` says the same."""

import json
import random
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from support.records import commit, proving

from bench import conform, vectors
from bench.containers import Containers
from bench.inside.vectors import score as scoring
from bench.inside.vectors.score import Runs, Vector, score
from bench.windows import Window, windows
from engine.core import ROOT, UserError
from engine.records import digest
from lab.cron.explain import explain

MINUTE = timedelta(minutes=1)
SCORES = ROOT / "bench/results/conform.json"
FIELDS = "minutes and hours"


@cache
def committed() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(vectors.FILE.read_text())
    return found


def all_vectors() -> list[Vector]:
    found: list[Vector] = committed()["vectors"]
    return found


def topics() -> list[str]:
    return list(dict.fromkeys(vector["topic"] for vector in all_vectors()))


def asked(window: Window) -> list[tuple[str, ...]]:
    edges = (vectors.moment(window.start), vectors.moment(window.end))
    return [(window.topic, window.zone, *edges, expression, command) for expression, command in window.jobs]


def answered(window: Window) -> list[Vector]:
    """The committed vectors of a window."""
    edges = {"zone": window.zone, "from": vectors.moment(window.start), "to": vectors.moment(window.end)}
    return [vector for vector in all_vectors() if edges.items() <= vector.items()]


# What is there.


def test_the_record_matches_its_inputs() -> None:
    """A record that does not is no error: the stack test below makes all of it anew."""
    if committed()["about"]["inputs"] != digest(vectors.input_paths()):
        pytest.xfail("made from other inputs, so it is made anew; to renew it: make vectors")


def test_every_window_is_there_with_all_that_it_asks() -> None:
    names = ("topic", "zone", "from", "to", "expression")
    there = [(*(vector[name] for name in names), vector.get("command", "")) for vector in all_vectors()]
    assert there == [one for window in windows() for one in asked(window)]
    assert len(there) >= 300 and f"{len(there)} vectors" in committed()["about"]["made"]


def test_most_vectors_have_runs_and_all_are_in_order() -> None:
    for vector in all_vectors():
        assert vector["runs"] == sorted(vector["runs"])
        assert all(vector["from"] <= at < vector["to"] for at in vector["runs"])
    assert sum(bool(vector["runs"]) for vector in all_vectors()) > 0.8 * len(all_vectors())
    assert any(len(set(vector["runs"])) < len(vector["runs"]) for vector in all_vectors())  # several in one minute


def test_no_minute_was_skipped() -> None:
    """By an arithmetic of its own: a job of any hour whose minute starts with * follows the clock, whatever it does."""
    checked = 0
    for vector in all_vectors():
        minute, *rest = vector["expression"].split()
        if rest != ["*"] * 4 or not re.fullmatch(r"\*/\d+", minute):
            continue
        start, end = (datetime.fromisoformat(vector[edge]) for edge in ("from", "to"))
        all_minutes = (start + MINUTE * n for n in range((end - start) // MINUTE))
        zone, step = ZoneInfo(vector["zone"]), int(minute[2:])
        due = [vectors.moment(at) for at in all_minutes if at.astimezone(zone).minute % step == 0]
        assert vector["runs"] == due, vector
        checked += 1
    assert checked > 40


def test_what_follows_a_percent_sign_is_input_and_no_schedule() -> None:
    printed = {vector["command"]: vector["prints"] for vector in all_vectors() if "command" in vector}
    assert printed["cat%one%two"] == "one two"
    assert printed[r"echo 50\%"] == "50%"
    assert printed["cat%*/5 * * * *"] == "*/5 * * * *"
    plain = {vector["expression"]: vector["runs"] for vector in all_vectors() if vector["topic"] == FIELDS}
    assert len(printed) == 6 and all(plain[one["expression"]] for one in all_vectors() if "command" in one)


# Real cron, once more.


def to_make() -> list[Window]:
    """All windows where the record is stale, else two nights that the commit draws."""
    every = list(windows())
    if proving() or committed()["about"]["inputs"] != digest(vectors.input_paths()):
        return every
    return random.Random(commit()).sample([window for window in every if "shift" in window.topic], 2)


@pytest.mark.stack
@pytest.mark.timeout(3600)  # all of it, where the record is stale
def test_cron_does_it_again() -> None:
    vectors.require_cron("this test")
    chosen = to_make()
    print(f"made anew: {', '.join(window.zone for window in chosen)}")
    with Containers("test-vectors") as containers:
        again = vectors.all_twice(containers, chosen)
    assert again == [vector for window in chosen for vector in answered(window)]


def test_two_daemons_that_differ_are_an_error() -> None:
    window = next(window for window in windows() if window.zone == "Australia/Lord_Howe")
    one: vectors.Answers = Future()
    other: vectors.Answers = Future()
    one.set_result(answered(window))
    other.set_result([{**vector, "runs": vector["runs"][1:]} for vector in answered(window)])
    assert vectors.equal(window, (one, one)) == answered(window)
    with pytest.raises(UserError, match=r"two runs of cron differ in Australia/Lord_Howe .* at \*/15 \* \* \* \*, "):
        vectors.equal(window, (one, other))


@pytest.mark.stack
def test_a_skipped_minute_is_an_error() -> None:
    """The clock moves on by two minutes: cron makes up for the first, late, and the canary shows it."""
    start = datetime(2026, 3, 2, tzinfo=UTC)
    asked = {"zone": "UTC", "from": vectors.moment(start), "to": vectors.moment(start + 10 * MINUTE), "step": 2}
    words = json.dumps(asked | {"canary": "* * * * *", "every": 1, "jobs": []})
    with Containers("test-canary") as containers:
        vectors.start(containers, "daemon")
        with pytest.raises(UserError, match="a minute was skipped or came twice, the canary ran 9 times"):
            containers.run("daemon", "python3", "-m", "bench.inside.vectors.daemon", words)


@pytest.mark.stack
def test_after_2038_cron_is_wrong() -> None:
    """Seconds in 32 bits: what the page says of the daemon, and why no window is later."""
    start = datetime(2038, 1, 19, 2, 50, tzinfo=UTC)
    window = Window("", "UTC", start, start + 100 * MINUTE, [("0 * * * *", ""), ("*/30 * * * *", "")])
    with Containers("test-2038") as containers:
        vectors.start(containers, "daemon")
        hourly, half_hourly = ([at[11:16] for at in one["runs"]] for one in vectors.watch(containers, "daemon", window))
    assert hourly == ["03:00", "03:29", "04:29"]
    assert half_hourly == ["03:00", "03:29", "03:59", "04:29"]


# The scorer.


def truth(expression: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """The vectors themselves."""
    edges = {"zone": zone, "from": vectors.moment(start), "to": vectors.moment(end)}
    found = next(one for one in all_vectors() if one["expression"] == expression and edges.items() <= one.items())
    yield from map(datetime.fromisoformat, found["runs"])


def a_minute_late(expression: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    yield from (at + MINUTE for at in truth(expression, zone, start, end))


def without_the_or_rule(expression: str, zone: str, start: datetime, end: datetime) -> Iterable[datetime]:
    """A scheduler that wants both day fields to match."""
    fields = expression.split()
    found = truth(expression, zone, start, end)
    if len(fields) != 5 or "*" in (fields[2][0], fields[4][0]):
        return found
    both = [CronSim(" ".join((*fields[:2], day, fields[3], week)), start - MINUTE) for day, week in days(fields)]
    first, second = (set(takewhile(lambda at: at < end, of)) for of in both)
    return sorted(first & second)


def days(fields: list[str]) -> list[tuple[str, str]]:
    return [(fields[2], "*"), ("*", fields[4])]


def test_cron_itself_is_right_in_all() -> None:
    result = score(all_vectors(), truth)
    assert result["different"] == [] and list(result["topics"]) == topics()
    for counts in result["topics"].values():
        assert counts["equal"] == counts["repeats"] == counts["vectors"] > 50 and counts["refused"] == 0


def test_a_scheduler_that_is_a_minute_late_is_caught() -> None:
    result = score(all_vectors(), a_minute_late)
    for topic, counts in result["topics"].items():
        idle = sum(not vector["runs"] for vector in all_vectors() if vector["topic"] == topic)
        assert counts["equal"] <= idle + 1, topic  # `* * * * *` hides it but for the first minute
        assert counts["equal"] < counts["vectors"]


def test_a_scheduler_without_the_or_rule_is_caught_there_alone() -> None:
    utc = [vector for vector in all_vectors() if vector["topic"] == "days and months" and vector["zone"] == "UTC"]
    wrong = [vector["expression"] for vector in score(utc, without_the_or_rule)["different"]]
    assert {"0 0 13 * 5", "0 0 1,15 * mon"} <= set(wrong)
    assert all(field[0] != "*" for expression in wrong for field in expression.split()[2:5:2])


def test_an_error_and_a_scheduler_without_end_are_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(expression: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
        while expression:
            pass
        yield start

    def raises(expression: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
        raise ValueError("what is this?")

    monkeypatch.setattr(scoring, "DEADLINE", 0.1)
    one = all_vectors()[:1]
    for runs_, said in ((hangs, "NoEnd: no end after 0.1 s"), (raises, "ValueError: what is this?")):
        result = score(one, runs_)
        assert [(of["refused"], of["equal"]) for of in result["topics"].values()] == [(1, 0)]
        assert result["different"][0]["answer"] == said


@pytest.mark.parametrize(("forgotten", "code"), [("", 0), ("- timedelta(minutes=1)", 1)])
def test_a_person_scores_a_scheduler_by_one_command(tmp_path: Path, forgotten: str, code: int) -> None:
    """The page's own example; and with the first minute of each window forgotten."""
    own, some = tmp_path / "mine.py", tmp_path / "some.json"
    own.write_text((ROOT / "bench/my_scheduler.py").read_text().replace(forgotten or "nothing", ""))
    easy = [vector for vector in all_vectors() if vector["expression"] in ("* * * * *", "0 0 1 * *", "0 */2 * * *")]
    some.write_text(json.dumps({"vectors": easy}))
    words = (sys.executable, "-m", "bench.inside.vectors.score", str(own), str(some))
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (code, "")
    total = next(line for line in done.stdout.splitlines() if line.startswith("all "))
    right = sum(not code or vector["from"] not in vector["runs"] for vector in easy)
    assert total.split()[1:4] == [str(right), "of", str(len(easy))] and (right < len(easy)) == bool(code)
    assert ("lacks 2026-03-02T09:30Z" in done.stdout) == bool(code)


# The libraries.


def scores_are_fresh() -> bool:
    return bool(json.loads(SCORES.read_text())["inputs"] == digest(conform.input_paths()))


def test_the_scores_match_their_inputs() -> None:
    if not scores_are_fresh():
        pytest.xfail("made from other inputs, so the libraries are asked anew; to renew them: make conform")


@pytest.mark.stack
def test_the_libraries_score_as_the_page_says() -> None:
    """Where the scores are stale, in one landing of four, and with PROVE=1."""
    if scores_are_fresh() and not proving() and commit() % 4:
        return
    before = {name: of["topics"] for name, of in json.loads(SCORES.read_text())["libraries"].items()}
    assert {name: of["topics"] for name, of in conform.scores().items()} == before, "make conform"


# What `lab cron` says.


def lines_of_explain(count: int) -> Runs:
    """The next runs that `lab cron explain` prints."""

    def listed(expression: str, zone: str, start: datetime, end: datetime) -> Iterator[datetime]:
        key = ZoneInfo(zone)
        for line in explain(expression, key, (start - MINUTE).astimezone(key), count):
            if line.startswith("  "):
                yield datetime.strptime(line.strip(), "%a %Y-%m-%d %H:%M %z")

    return listed


@pytest.mark.parametrize("topic", topics())
def test_lab_cron_explain_lists_what_cron_did(topic: str) -> None:
    """Each start, also several in one minute, and nothing else before the end of the window."""
    of_topic = [vector for vector in all_vectors() if vector["topic"] == topic]
    asked = [score([vector], lines_of_explain(len(vector["runs"]) + 1)) for vector in of_topic]
    assert [scoring.shown(one) for result in asked for one in result["different"]] == []
    assert sum(result["topics"][topic]["repeats"] for result in asked) == len(of_topic) > 50
