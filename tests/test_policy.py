"""The model of missed runs by itself, `lab policy simulate`, and the policies that the page shows."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from engine.core import ROOT
from lab.checks.sandbox.host import Sandbox
from lab.cli import app
from lab.policy.command import case_of
from lab.policy.model import Down, Fate, Missed, Outage, Overlap, Policy, Run, at_once, runs
from lab.policy.systems import Case, Scheduler, cron_knows, systems, yours

DAY = datetime(2026, 3, 2)
MINUTE = timedelta(minutes=1)
POLICIES = ROOT / "04-incidents/policies"
LANES = ("cron", "cron-catch-up-all", "systemd-persistent", "prefect", "prefect-gate-newest", "prefect-cancel-new")
NIGHT = ("--schedule", "*/20 * * * *", "--outage", "02:00-07:30", "--length", "12m")


def at(clock: str) -> datetime:
    hours, minutes = clock.split(":")
    return DAY + timedelta(hours=int(hours), minutes=int(minutes))


def every(minutes: int, start: str, end: str) -> list[datetime]:
    return [at(start) + n * minutes * MINUTE for n in range((at(end) - at(start)) // (minutes * MINUTE) + 1)]


def fates(done: list[Run]) -> str:
    """One letter for each run: r(un), l(ate), s(kipped), c(ancelled), x for lost, k(illed)."""
    return "".join({Fate.LOST: "x"}.get(run.fate, run.fate[0]) for run in done)


NIGHT_CASE = Case(every(20, "01:40", "04:00"), Outage(at("02:00"), at("03:10")), 12 * MINUTE)


@pytest.mark.parametrize(
    ("policy", "expected", "started"),
    [
        ("ALL/ALLOW", "rllllrrr", "01:40 03:10 03:10 03:10 03:10 03:20 03:40 04:00"),
        ("ALL/FORBID", "rlcccc" + "rr", "01:40 03:10 03:40 04:00"),
        ("ALL/QUEUE", "rlllllll", "01:40 03:10 03:22 03:34 03:46 03:58 04:10 04:22"),
        ("LATEST/ALLOW", "rsss" + "lrrr", "01:40 03:10 03:20 03:40 04:00"),
        ("LATEST/QUEUE", "rsss" + "llrr", "01:40 03:10 03:22 03:40 04:00"),
        ("NONE/ALLOW", "rssssrrr", "01:40 03:20 03:40 04:00"),
        ("ALL/ALLOW/30m", "rssll" + "rrr", "01:40 03:10 03:10 03:20 03:40 04:00"),
        ("ALL/REPLACE", "rccccrrr", "01:40 03:10 03:10 03:10 03:10 03:20 03:40 04:00"),
    ],
)
def test_missed_overlap_lateness(policy: str, expected: str, started: str) -> None:
    missed, overlap, *age = policy.split("/")
    done = yours(Policy(Missed[missed], Overlap[overlap], 30 * MINUTE if age else None)).runs(NIGHT_CASE)
    assert str(Policy(Missed[missed], Overlap[overlap], 30 * MINUTE if age else None)) == policy
    starts = sorted(run.started for run in done if run.started)
    assert (fates(done), " ".join(f"{start:%H:%M}" for start in starts)) == (expected, started)


def test_what_an_outage_does_to_a_run_at_work() -> None:
    """It dies with the machine, sleeps with it, and goes on without a worker; a lock that dies with it is free."""
    for down, ended, fate in (
        (Down.MACHINE, "02:00", Fate.KILLED), (Down.SLEEP, "03:25", Fate.RUN), (Down.WORKER, "02:15", Fate.RUN),
    ):  # fmt: skip
        outage = Outage(at("02:00"), at("03:10"), down)
        first, *others = runs(
            [at("01:55"), at("03:15")], outage, 20 * MINUTE, Policy(overlap=Overlap.FORBID), [], outage.end
        )
        assert (first.ended, first.fate) == (at(ended), fate)
        assert fates(others) == ("c" if down is Down.SLEEP else "r")


@pytest.mark.parametrize(
    ("back", "fixed", "known"),
    [
        ("02:03", False, 3),
        ("02:04", False, 4),
        ("02:05", False, 0),
        ("02:05", True, 5),
        ("04:59", True, 179),
        ("05:00", True, 0),
    ],
)
def test_how_far_a_sleeping_cron_looks_back(back: str, fixed: bool, known: int) -> None:
    """Five minutes for all jobs, three hours for those of a fixed time, the minute of waking included."""
    case = Case(every(1, "01:58", "06:00"), Outage(at("02:00"), at(back), Down.SLEEP), MINUTE, fixed)
    assert len(cron_knows(case)) == known


@pytest.mark.parametrize(("step", "known"), [(20, 4), (1, 61), (45, 3), (240, 3)])
def test_how_far_ahead_prefect_has_planned(step: int, known: int) -> None:
    """An hour, and the run that is due at its end or next; at least three."""
    case = Case(every(step, "00:00", "23:59"), Outage(at("00:00"), at("23:00")), MINUTE)
    assert len(Scheduler().knows(case)) == known
    assert len(Scheduler(max_runs=2).knows(case)) == 2


def test_every_run_has_one_fate() -> None:
    for down in Down:
        case = case_of("*/7 * * * *", "02:03-09:41", 11 * MINUTE, down)
        for system in systems().values():
            done = system.runs(case)
            assert [run.due for run in done] == case.due, system.name
            assert all((run.started is None) == (run.ended is None) for run in done)
            if system.policy.overlap is not Overlap.ALLOW:
                assert at_once(done) == 1, system.name


# The command.


def simulate(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["policy", "simulate", *words])
    return done.exit_code, done.output


def test_the_table_and_the_picture_say_the_same(tmp_path: Path) -> None:
    picture = tmp_path / "night.svg"
    code, table = simulate(*NIGHT, "--svg", str(picture))
    assert code == 0 and "17 runs were due while nothing ran" in table
    root = ElementTree.parse(picture).getroot()
    spaces = {"svg": "http://www.w3.org/2000/svg"}
    said = root.findtext("svg:desc", "", spaces)
    assert root.get("role") == "img" and root.findtext("svg:title", "", spaces).startswith("*/20 * * * * through")
    for name in systems():
        counts = re.search(rf"^ +{name} +(\S.*?)  +\d", table, re.M)
        words = re.search(rf"(?:^| ){name} \([^)]*\): ([^;.]*)", said)
        assert counts and words and counts[1] == words[1], name
    assert "lost 17" in said and said.count("lost 13") == 6
    assert "prefers-color-scheme: dark" in picture.read_text()


def test_the_picture_of_the_page_is_what_the_command_draws(tmp_path: Path) -> None:
    """To renew it: LANES below as --policy each, and --svg results/missed-runs.svg."""
    picture = tmp_path / "night.svg"
    code, _ = simulate(*NIGHT, *(word for lane in LANES for word in ("--policy", lane)), "--svg", str(picture))
    assert code == 0 and picture.read_text() == (ROOT / "results/missed-runs.svg").read_text()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--schedule", "61 * * * *"), "cron refuses '61 * * * *': minute"),
        (("--schedule", "* * * *"), "cron refuses '* * * *': "),
        (("--schedule", "0 9 L * *"), "cron refuses '0 9 L * *': "),
        (("--schedule", "0 0 31 2 *"), "--schedule '0 0 31 2 *' has no dates: lab cron explain '0 0 31 2 *' says why"),
        (("--schedule", "@reboot"), "--schedule '@reboot' has no dates"),
        (("--outage", "2-7"), "--outage '2-7' is no span of two times; write it as 02:00-07:30"),
        (("--outage", "25:00-26:00"), "--outage '25:00-26:00' is no span"),
        (("--length", "12"), "--length '12' is no length of time above zero; write it as 90s, 12m or 1h30m"),
        (("--length", "0m"), "--length '0m' is no length"),
        (("--policy", "SOME/ALLOW"), "--policy 'SOME/ALLOW' is none; there is: cron, "),
        (("--policy", "ALL/ALLOW/soon"), "--policy: the age 'soon' is no length"),
        (
            ("--schedule", "* * * * *", "--outage", "02:00-02:00", "--length", "1h"),
            "'* * * * *' is due more than 1500 times",
        ),
        (("--svg", "/nowhere/x.svg"), "/nowhere/x.svg: no such file or directory"),
        (("--down", "office"), "lab policy simulate: invalid value for '--down'"),
    ],
)
def test_bad_input_is_one_line(words: tuple[str, ...], line: str, tmp_path: Path) -> None:
    given = dict(zip(NIGHT[::2], NIGHT[1::2], strict=True)) | {"--svg": str(tmp_path / "x.svg")}
    given |= dict(zip(words[::2], words[1::2], strict=True))
    asked = ["policy", "simulate", *(word for pair in given.items() for word in pair)]
    done = CliRunner().invoke(app, asked, prog_name="lab")
    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1 and line in done.stderr


def test_an_outage_over_midnight_and_a_job_of_one_day() -> None:
    case = case_of("0 3 * * 6", "22:00-04:00", MINUTE, Down.MACHINE)
    assert case.outage.end - case.outage.start == timedelta(hours=6) and case.fixed
    assert f"{case.outage.start:%a}" == "Sat" and len(case.due) == 2


# What the page shows.


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze: apt-get install systemd")
def test_the_timer_is_one_and_is_due_every_twenty_minutes() -> None:
    words = ("systemd-analyze", "verify", str(POLICIES / "collect.timer"))
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    when = re.search(r"OnCalendar=(.*)", (POLICIES / "collect.timer").read_text())
    assert when
    asked = ("systemd-analyze", "calendar", "--iterations", "4", "--base-time", "2026-03-02 07:30:00 UTC", when[1])
    said = subprocess.run(asked, capture_output=True, text=True, timeout=60, env={"TZ": "UTC"}, check=True).stdout
    assert re.findall(r"2026-03-02 (\d\d:\d\d):00 UTC", said) == ["07:40", "08:00", "08:20", "08:40"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as started:
        yield started


@pytest.mark.stack
def test_both_limits_are_what_the_server_is_told(sandbox: Sandbox) -> None:
    """Prefect ignores a key that it does not know, so what it has taken in is asked."""
    flow = "from prefect import flow\n\n@flow\ndef collect() -> None: ...\n"
    files: dict[str, str | Path] = {"prefect.yaml": POLICIES / "limit.yaml", "collect.py": flow}
    assert sandbox.workspace().run("prefect", "--no-prompt", "deploy", "--all", files=files).complaint == ""
    told = {one["name"]: one for one in sandbox.api("/deployments/filter", {})}
    limits = {name: one["global_concurrency_limit"]["limit"] for name, one in told.items()}
    strategies = {name: one["concurrency_options"]["collision_strategy"] for name, one in told.items()}
    assert limits == {"one-of-the-missed": 1, "one-after-the-other": 1}
    assert strategies == {"one-of-the-missed": "CANCEL_NEW", "one-after-the-other": "ENQUEUE"}
