"""A job beside cron: whose turn an instant is while its switch is thrown, cron's gate, and what the plan writes for both."""

import json
import os
import runpy
import sqlite3
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from engine.core import ROOT, UserError
from lab.cli import app
from lab.migrate.move import Move, agreeing

pytestmark = pytest.mark.slow  # jobs are run
CRONTAB = """SHELL=/bin/bash
* * * * * cat; echo "$SHELL" '\\%' $BASHPID; exit 3%given
0 5 * * 0 cd /srv && python3 report.py > /var/log/report.log
"""
NAMES = ["bashpid", "report"]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan of two jobs, in a folder of its own."""
    crontab = tmp_path / "crontab.txt"
    crontab.write_text(CRONTAB)
    done = CliRunner().invoke(
        app, ["migrate", "plan", str(crontab), "--into", str(tmp_path / "moved"), "--beside-cron"]
    )
    assert done.exit_code == 0 and "next: lab migrate status" in done.output, done.output
    return tmp_path / "moved"


def lab(*words: str) -> str:
    """What a command says that could not be done."""
    done = CliRunner().invoke(app, ["migrate", *words])
    assert done.exit_code == 2 and len(done.stderr.strip().splitlines()) == 1, done.output
    return done.stderr.strip()


def gate(plan: Path, command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Start a command as cron starts it by this shell."""
    env = {"PATH": os.environ["PATH"], "LEDGER": str(plan / "ledger.db"), "SHELL": str(plan / "gate.py")}
    return subprocess.run([plan / "gate.py", "-c", command], input=stdin, capture_output=True, text=True, env=env)


def turns(plan: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(plan / "ledger.db") as database:
        return database.execute("SELECT job, side FROM turns").fetchall()


def test_the_plan_has_a_run_that_asks_and_a_shadow(plan: Path) -> None:
    moving, shadows = (
        yaml.safe_load((plan / name).read_text())["deployments"] for name in ("prefect.yaml", "shadow.yaml")
    )
    names = [one["name"] for one in moving]
    assert [one["name"] for one in shadows] == [f"{name}-shadow" for name in names]
    for real, shadow in zip(moving, shadows, strict=True):
        assert real["entrypoint"] == shadow["entrypoint"] == "beside_cron.py:beside_cron"
        assert shadow["parameters"] == real["parameters"] | {"shadow": True}
        assert (real["work_pool"]["name"], shadow["work_pool"]["name"]) == ("scheduler", "shadow")
        assert real["schedules"] == shadow["schedules"]
    job = tomllib.loads((plan / f"jobs/{names[0]}.toml").read_text())
    command = """cat; echo "$SHELL" '%' $BASHPID; exit 3"""
    assert job == {"state": "legacy", "since": "", "command": command, "shell": "/bin/bash"}
    assert moving[0]["parameters"]["parameters"] == {"command": command, "stdin": "given\n", "shell": "/bin/bash"}
    done = CliRunner().invoke(
        app, ["migrate", "diff", str(plan.parent / "crontab.txt"), str(plan / "prefect.yaml"), "--days", "40"]
    )
    assert done.exit_code == 0 and "2 commands compared, 0 differ" in done.output, done.output


def test_a_plan_that_is_made_again_leaves_the_switches_alone(plan: Path) -> None:
    move = Move(plan)
    move.throw("report", "moved", "2026-11-29T12:00")
    again = ["migrate", "plan", str(plan.parent / "crontab.txt"), "--into", str(plan), "--beside-cron", "--force"]
    assert CliRunner().invoke(app, again).exit_code == 0
    assert move.state("report") | {"command": "", "shell": ""} == {
        "state": "moved", "since": "2026-11-29T12:00", "command": "", "shell": "",
    }  # fmt: skip


def test_a_job_keeps_its_name_when_another_line_leaves_the_crontab(tmp_path: Path) -> None:
    """Names are numbered, and a switch is found by its name: no job may get the switch of another one."""
    crontab, folder = tmp_path / "crontab.txt", tmp_path / "moved"
    first, second, third, fourth = (f"0 {hour} * * * mariadb shop < /srv/{hour}.sql" for hour in range(4))
    words = ["migrate", "plan", str(crontab), "--into", str(folder), "--beside-cron", "--force"]

    def planned(*lines: str) -> dict[str, tuple[str, str]]:
        """The switches after a plan of these lines: name → (state, command)."""
        crontab.write_text("".join(f"{line}\n" for line in lines))
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        move = Move(folder)
        return {job: (move.state(job)["state"], move.state(job)["command"][-5:]) for job in move.files}

    assert planned(first, second, third) == {
        "mariadb": ("legacy", "0.sql"), "mariadb-2": ("legacy", "1.sql"), "mariadb-3": ("legacy", "2.sql"),
    }  # fmt: skip
    Move(folder).throw("mariadb", "moved", "2026-11-29T12:00")
    Move(folder).throw("mariadb-3", "shadow")
    assert planned(fourth, third) == {  # 0 is Prefect's, and its line has gone; 1 was cron's, and is no more; 3 is new
        "mariadb": ("moved", "0.sql"), "mariadb-2": ("legacy", "3.sql"), "mariadb-3": ("shadow", "2.sql"),
    }  # fmt: skip
    deployed = yaml.safe_load((folder / "prefect.yaml").read_text())["deployments"]
    assert [one["name"] for one in deployed] == ["mariadb-2", "mariadb-3"]
    (folder / "jobs/mariadb-2.toml").write_text("state = 'mov")  # the advice of `lab migrate status` repairs it
    assert planned(fourth, third)["mariadb-2"] == ("legacy", "3.sql")


def test_a_rollback_of_an_unknown_job_does_nothing(plan: Path) -> None:
    Move(plan).throw("report", "moved", "2026-11-29T12:00")
    assert "no job 'typo'" in lab("rollback", "report", "typo", "--plan", str(plan))
    assert Move(plan).state("report")["state"] == "moved"


def test_the_gate_runs_what_is_crons_and_only_that(plan: Path) -> None:
    first, move = sorted(Move(plan).files)[0], Move(plan)
    command = move.state(first)["command"]
    ran = gate(plan, command, "given\n")
    said = ran.stdout.split()
    assert ran.returncode == 3 and said[:3] == ["given", "/bin/bash", "%"] and said[3].isdigit(), ran
    move.throw(first, "moved", "2000-01-01T00:00")
    assert gate(plan, command).stdout.startswith(
        "/bin/bash"
    )  # this instant is cron's already: two lines may be one job
    with sqlite3.connect(plan / "ledger.db") as database:
        database.execute("DELETE FROM turns")
    silent = gate(plan, command)
    assert (silent.returncode, silent.stdout, silent.stderr) == (0, "", "")
    assert turns(plan) == [(first, "prefect")]
    assert gate(plan, "echo no job").stdout == "no job\n"
    (plan / "ledger.db").write_text("no database, but a text that is long enough to be none" * 20)
    broken = gate(plan, command)
    assert broken.returncode == 0 and "the ledger fails" in broken.stderr and not broken.stdout


def test_a_broken_switch_stops_no_other_job(plan: Path) -> None:
    """Cron runs the job whose switch cannot be read, and mails why; Prefect's run of it fails."""
    first = sorted(Move(plan).files)[0]
    command = Move(plan).state(first)["command"]
    (plan / "jobs/report.toml").write_text("state = moved")
    (plan / "jobs/other.toml").write_text('status = "moved"\n')
    ran = gate(plan, command)
    assert ran.returncode == 3 and ran.stdout.startswith("/bin/bash")
    assert "report.toml" in ran.stderr and "other.toml" in ran.stderr and "Traceback" not in ran.stderr


def test_the_gate_writes_down_what_a_shadow_is_compared_with(plan: Path) -> None:
    first, move = sorted(Move(plan).files)[0], Move(plan)
    (plan / "compare.toml").write_text(f"{first} = ['echo seen']\n")
    move.throw(first, "shadow")
    assert gate(plan, move.state(first)["command"]).returncode == 3
    with sqlite3.connect(plan / "ledger.db") as database:
        assert database.execute("SELECT job, side, well, seen FROM ends").fetchall() == [
            (first, "cron", 0, "$ echo seen\nseen\n")
        ]


ASKING = """
import sys
sys.path.insert(0, sys.argv[1])
import ledger
for instant in sys.argv[4:]:
    if ledger.turn(sys.argv[2], instant, sys.argv[3], sys.argv[3]):
        print(instant)
"""


def test_no_instant_has_two_turns_and_none_has_no_turn(plan: Path) -> None:
    """Two systems come to the same instants at once, while the switch is thrown again and again."""
    move, start = Move(plan), datetime(2026, 11, 29, tzinfo=UTC)
    instants = [f"{start + timedelta(minutes=n):%Y-%m-%dT%H:%M}" for n in range(100)]
    env = os.environ | {"LEDGER": str(plan / "ledger.db")}

    def ask(side: str) -> list[str]:
        words = [sys.executable, "-c", ASKING, str(plan), "report", side, *instants]
        return subprocess.run(words, env=env, capture_output=True, text=True, check=True).stdout.split()

    with ThreadPoolExecutor() as pool:
        asked = {side: pool.submit(ask, side) for side in ("cron", "prefect")}
        thrown = 0
        while not all(one.done() for one in asked.values()):
            thrown += 1
            move.throw("report", *(("moved", instants[thrown % 100]) if thrown % 2 else ("legacy", "")))
    got = {side: one.result() for side, one in asked.items()}
    assert sorted(got["cron"] + got["prefect"]) == instants
    assert thrown > 5 and all(got.values()), (thrown, Counter({side: len(one) for side, one in got.items()}))


def test_the_second_run_of_an_instant_is_told_no(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two schedules of one deployment may meet; a run that is tried again keeps its turn."""
    monkeypatch.setenv("LEDGER", str(plan / "ledger.db"))
    Move(plan).throw("report", "moved", "2026-11-29T12:00")
    turn: Callable[..., bool] = runpy.run_path(str(plan / "ledger.py"))["turn"]
    at = "2026-11-29T12:00"
    assert [turn("report", at, "prefect", run) for run in ("a", "b", "a")] == [True, False, True]
    assert not turn("report", "2026-11-29T11:59", "prefect", "c")  # before the move


def test_errors_are_one_line(plan: Path, tmp_path: Path) -> None:
    folder = ["--plan", str(plan)]
    assert "lab migrate plan CRONTAB" in lab("status", "--plan", str(tmp_path / "none"))
    assert "did you mean report?" in lab("shadow", "reports", *folder)
    assert "lab migrate shadow report" in lab("cutover", "report", *folder)
    Move(plan).throw("report", "moved", "2026-11-29T12:00")
    assert "lab migrate rollback report first" in lab("shadow", "report", *folder)
    (plan / "jobs/report.toml").write_text("state = legacy")
    assert "is no switch" in lab("rollback", "report", *folder)
    (plan / "jobs/report.toml").write_text("state = 'gone'\nsince = ''")
    assert "is no switch" in lab("shadow", "report", *folder)
    twice = tmp_path / "twice.txt"
    twice.write_text("A=1\n* * * * * job\nA=2\n1 * * * * job\n")
    assert "two jobs have one command" in lab("plan", str(twice), "--into", str(tmp_path / "t"), "--beside-cron")


def test_a_switch_is_thrown_as_a_whole(plan: Path) -> None:
    """Killed at any moment, the file is the old one or the new one; here each byte that was written would be seen."""
    move = Move(plan)
    text = move.files["report"].read_text()
    (plan / "jobs/report.new").write_text("half of")  # what a kill leaves
    assert move.state("report")["state"] == "legacy" and move.files["report"].read_text() == text
    move.throw("report", "moved", "2026-11-29T12:00")
    assert move.state("report")["since"] == "2026-11-29T12:00" and not (plan / "jobs/report.new").exists()


def test_agreement_is_counted_from_the_last_instant_back(plan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[list[object]] = [
        *[
            list[object](["report", f"2026-11-29T12:0{n}", side, 1, "a"])
            for n in range(5)
            for side in ("cron", "shadow")
        ],
        ["report", "2026-11-29T12:06", "cron", 1, "only cron"],
    ]
    rows[2][4] = "b"
    move = Move(plan)
    monkeypatch.setattr(move, "inside", lambda *command: json.dumps({"turns": [], "ends": rows}))
    ends = move.ends()["report"]
    assert (len(ends), agreeing(ends)) == (5, 3)
    with pytest.raises(UserError, match="there is no job"):
        move.state("nothing")


def test_the_lessons_comparisons_are_of_its_jobs(tmp_path: Path) -> None:
    crontab = ROOT / "05-migration/legacy/crontab.txt"
    CliRunner().invoke(app, ["migrate", "plan", str(crontab), "--into", str(tmp_path / "moved"), "--beside-cron"])
    compared = tomllib.loads((ROOT / "05-migration/beside/compare.toml").read_text())
    assert set(compared) == set(Move(tmp_path / "moved").files) - {"sync-pictures"}
