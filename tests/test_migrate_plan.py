"""`lab migrate plan`: every line of the corpus has the fate that it should have, and a command runs as under cron."""

import json
import os
import random
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from support.crontabs import mutants
from support.records import commit, proving
from typer.testing import CliRunner

from engine.core import ROOT, UserError
from lab.checks.registry import all_checks
from lab.cli import app
from lab.cron.timers import calendar
from lab.migrate.command import as_data, shown
from lab.migrate.deployments import Deployment
from lab.migrate.lines import Format, percent
from lab.migrate.plan import Fate, Plan, plan, plan_lines
from lab.migrate.schedules import Cron
from lab.migrate.timers import read_timer
from lab.migrate.words import mask, pieces, words
from lab.migrate.wrappers import peel
from lab.migrate.write import prefect_yaml, write

CORPUS = [json.loads(line) for line in (ROOT / "lab/migrate/corpus/corpus.jsonl").read_text().splitlines()]
FLOWS = ROOT / "05-migration/flows"
JOB = runpy.run_path(str(FLOWS / "command.py"))
run, CommandFailed = JOB["run"], JOB["CommandFailed"]
UTC = ZoneInfo("UTC")


def planned(text: str | bytes, kind: Format = Format.USER, zone: str = "UTC") -> Plan:
    raw = text if isinstance(text, bytes) else text.encode()
    return plan(raw, kind, ZoneInfo(zone), datetime(2026, 3, 1, tzinfo=ZoneInfo(zone)), "scheduler")


def of_shape(shape: dict[str, Any], folder: Path) -> Plan:
    if shape["format"] != "timer":
        return planned(shape["crontab"], Format(shape["format"]), shape.get("tz", "UTC"))
    (folder / "backup.timer").write_text(shape["crontab"])
    (folder / "backup.service").write_text(shape["service"])
    return plan_lines(read_timer(folder / "backup.timer"), UTC, "scheduler")


def test_the_readme_of_the_corpus_counts_it_right() -> None:
    text = (ROOT / "lab/migrate/corpus/README.md").read_text()
    lines = sum(len(shape["fates"]) for shape in CORPUS)
    assert f"{len(CORPUS)} shapes" in text and f"{lines} lines" in text


def deployment_of(made: Plan, line: int) -> Deployment:
    [found] = [one for one in made.deployments if line in one.lines]
    return found


@pytest.mark.parametrize("shape", CORPUS, ids=lambda shape: shape["name"])
def test_fates_of_the_corpus(shape: dict[str, Any], tmp_path: Path) -> None:
    made = of_shape(shape, tmp_path)
    lines = (shape["crontab"] + shape.get("service", "")).removesuffix("\n").split("\n")
    assert [verdict.text for verdict in made.verdicts] == lines
    assert [verdict.fate for verdict in made.verdicts] == shape["fates"]
    assert sorted(line for one in made.deployments for line in one.lines) == [job["line"] for job in shape["jobs"]]
    for verdict in made.verdicts:
        assert verdict.reasons or verdict.fate not in (Fate.CHANGED, Fate.REFUSED), "a change needs a reason"


@pytest.mark.parametrize("shape", [one for one in CORPUS if one["jobs"]], ids=lambda shape: shape["name"])
def test_what_the_jobs_of_the_corpus_become(shape: dict[str, Any], tmp_path: Path) -> None:
    made = of_shape(shape, tmp_path)
    written = {one["name"]: one for one in yaml.safe_load(prefect_yaml(made, "crontab.txt"))["deployments"]}
    for job in shape["jobs"]:
        one = deployment_of(made, job["line"])
        assert seen_in_yaml(written[one.name], one, made) == expected_in_yaml(one, job, made)
        assert {tuple(schedule) for schedule in job["schedules"]} <= {(s.cron, s.day_or) for s in one.schedules}
        if "with_line" in job:
            assert job["with_line"] in one.lines
        else:
            assert [[schedule.cron, schedule.day_or] for schedule in one.schedules] == job["schedules"]
        assert one.mailto == job.get("mail", "")
        if "user" in job:
            assert f"user-{job['user']}" in one.tags


def seen_in_yaml(written: dict[str, Any], one: Deployment, made: Plan) -> dict[str, Any]:
    """What a deployment has in prefect.yaml, but for its schedules, which must all be there with slug and zone."""
    schedules = written["schedules"]
    assert [Cron(schedule["cron"], schedule["day_or"]) for schedule in schedules] == one.schedules
    assert {schedule["timezone"] for schedule in schedules} == {made.zone}
    assert len({schedule["slug"] for schedule in schedules}) == len(schedules)
    limit = written.get("concurrency_limit", {})
    assert limit.get("limit", 1) == 1
    return {
        "parameters": written["parameters"],
        "limit": limit.get("collision_strategy", ""),
        "env": written["work_pool"].get("job_variables", {}).get("env", {}),
        "pool": written["work_pool"]["name"],
    }


def expected_in_yaml(one: Deployment, job: dict[str, Any], made: Plan) -> dict[str, Any]:
    names = ("command", "stdin", "shell", "folder", "timeout")
    parameters = job.get("python") or {name: job[name] for name in names if name in job}
    if job.get("shares_lock"):
        [parameters["lock"]] = made.limits
        if "-n" in job["command"]:
            parameters["lock_wait"] = 0
    return {
        "parameters": parameters,
        "limit": job.get("limit", ""),
        "env": job.get("env", {}),
        "pool": "scheduler",
    }


PEELED = [(job, shape) for shape in CORPUS for job in shape["jobs"] if "peeled" in job]


@pytest.mark.parametrize(("job", "shape"), PEELED, ids=[shape["name"] for _, shape in PEELED])
def test_peeled_commands_of_the_corpus(job: dict[str, Any], shape: dict[str, Any]) -> None:
    found = peel(job["command"], frozenset(job.get("keeps_files", [])))
    env = {"env": found.env} if found.env else {}
    assert {"command": found.command, **found.parameters, **env} == job["peeled"]


@pytest.mark.parametrize(
    "command",
    [
        "flock -s /l /x",  # shared: no limit of one
        "flock -u 9",
        "flock -n",
        "timeout 5",
        "timeout five /x",
        "cd /a || cd /b && /x",
        "cd $D && /x",
        "A=1 echo $A",
        "/x > /srv/product.csv",
        "/x < /var/log/in.log",
        "/a | /b && flock -n /l /c",
        "(flock -n /l /c)",
        "/x > /dev/null | /y",
        "echo '> /dev/null'",
        "echo \\> /dev/null",
        'echo "a',
        "/x; /y &",
        "nice",
        "env",
        "",
    ],
)
def test_what_is_not_understood_is_not_peeled(command: str) -> None:
    assert peel(command).command == command


def test_quotes_hide_operators() -> None:
    assert mask("a 'b;c' \"$(d; e)\" $(f | g) \\; h # i") == "a xxxxx xxxxxxxxx xxxxxxxx xx h    "
    assert [part.text for part in pieces("a 'b;c' && d|e || f 2>&1 & g")] == ["a 'b;c'", "d", "e", "f 2>&1", "g"]
    assert words("a > /x 'b c' 2>&1") == [(0, "a"), (7, "b c")]
    assert mask("a 'b") is None and pieces("a 'b && c") == []


@pytest.mark.parametrize(
    ("rest", "command", "stdin"),
    [
        (r"date +\%F", "date +%F", ""),
        (r"sed 's/\\./x/' f", r"sed 's/\./x/' f", ""),
        (r"date +\\%F", "date +\\", "F\n"),
        (r"printf '\n'", r"printf '\n'", ""),
        ("cat%", "cat", ""),
        ("cat%one%two%", "cat", "one\ntwo\n"),
        (r"cat%50\% \x", "cat", "50% \\x\n"),
    ],
)
def test_percent_and_backslash_as_do_command_has_them(rest: str, command: str, stdin: str) -> None:
    """By do_command.c of Debian's cron; tests/test_crontab_stack.py has cron itself do it."""
    assert percent(rest) == (command, stdin)


@pytest.mark.parametrize(("days", "weekdays"), [("1", "1-7"), ("1,31", "0-7"), ("1-31", "5")])
def test_one_of_two_day_fields_that_always_matches_is_every_day(days: str, weekdays: str) -> None:
    """Neither begins with a star, so either is enough; Prefect takes such a field for a star, which restricts nothing."""
    [made] = planned(f"0 9 {days} * {weekdays} /opt/x\n").deployments
    assert made.schedules == [Cron("0 9 * * *", False)]


def test_a_timeout_in_a_loop_bounds_one_attempt() -> None:
    loop = "for i in 1 2 3; do timeout 10m /opt/x && break; sleep 60; done"
    [made] = planned(f"0 9 * * * {loop}\n").deployments
    assert made.parameters == {"command": loop}


def test_the_gate_of_a_move_is_planned_for_no_shell() -> None:
    with pytest.raises(UserError, match="is the gate of a move"):
        planned("SHELL=/lesson/moved/gate.py\n0 9 * * * /opt/x\n")


def test_a_file_is_refused_or_written(tmp_path: Path) -> None:
    crontab, folder = tmp_path / "crontab.txt", tmp_path / "moved"
    crontab.write_text("MAILTO=ops@example.com\n# nightly\n0 3 * * * flock -n /tmp/l /opt/backup\n@reboot /opt/x\n")
    asked = ("migrate", "plan", str(crontab), "--into", str(folder))
    first = CliRunner().invoke(app, asked)
    assert first.exit_code == 1, first.output  # a line is refused
    assert sorted(path.name for path in folder.iterdir()) == [
        "automations.yaml",
        "command.py",
        "prefect.yaml",
        "run_command.py",
    ]
    assert all(len(line) <= 80 for line in first.output.splitlines() if str(tmp_path) not in line)
    [mail] = yaml.safe_load((folder / "automations.yaml").read_text())["automations"]
    assert mail["trigger"]["match_related"]["prefect.resource.name"] == "backup"
    [deployment] = yaml.safe_load((folder / "prefect.yaml").read_text())["deployments"]
    assert deployment["description"] == "nightly"
    again = CliRunner().invoke(app, asked)
    assert (again.exit_code, "exists already" in again.output) == (2, True)
    assert CliRunner().invoke(app, (*asked, "--force")).exit_code == 1
    data = json.loads(CliRunner().invoke(app, (*asked[:3], "--json")).output)
    assert [line["fate"] for line in data["lines"]] == ["changed", "no job", "changed", "refused"]


def test_exit_codes(tmp_path: Path) -> None:
    crontab = tmp_path / "crontab.txt"

    def ask(*more: str) -> int:
        return CliRunner().invoke(app, ("migrate", "plan", str(crontab), *more)).exit_code

    assert ask() == 2
    crontab.write_text("0 3 * * * /opt/backup\n")
    assert ask() == 0
    assert ask("--tz", "Mars/Base") == 2
    crontab.write_text("@reboot /opt/backup\n")
    assert ask() == 1


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("daily", "0 0 * * *"),
        ("weekly", "0 0 * * 1"),
        ("*-*-* 02:30:00", "30 2 * * *"),
        ("02:30", "30 2 * * *"),
        ("*:0/15", "*/15 * * * *"),
        ("Sat,Sun *-*-* 8..18:00", "0 8-18 * * 0,6"),
        ("Fri..Mon 06:00", "0 6 * * 0,1,5,6"),
        ("*-*-01 00:00:00", "0 0 1 * *"),
        ("Mon *-*-1..7 09:00", None),  # to systemd both days must match, to cron one is enough
        ("*-*-* 02:30:30", None),
        ("*-*-* 02:30:00 Europe/Berlin", None),
        ("2026-01-01 00:00", None),
        ("quarterly", None),
        ("", None),
    ],
)
def test_calendars_of_systemd(text: str, fields: str | None) -> None:
    assert calendar(text) == fields


SOUND = [shape["crontab"].encode() for shape in CORPUS if shape["format"] in ("user", "system", "anacron")]
BITS = (
    *(b"", b"'", b'"', b"$(", b")", b"&", b"|", b" > ", b"%", b"\n", b"\0", b"\xff", b"-", b"/", b"="),
    *(b"flock -n ", b"timeout -k ", b"{{ $X }}", b"..", b"@"),
)


def damaged(text: bytes, draw: random.Random) -> bytes:
    """A text with some bytes lost, and others in their place."""
    made = bytearray(text)
    for _ in range(draw.choice((0, 1, 2, 4))):
        place = draw.randrange(len(made) + 1)
        made[place : place + draw.choice((0, 1, 1, 3))] = draw.choice(BITS)
    return bytes(made)


def broken_crontabs(count: int) -> Iterator[bytes]:
    """Lines of the corpus, mixed and damaged, and the crontabs with mistakes that cron itself is asked about."""
    draw = random.Random(1 if proving() else commit())
    yield from mutants(draw.randrange(10**6), count // 2)
    for _ in range(count - count // 2):
        yield damaged(b"".join(draw.choices(SOUND, k=draw.choice((1, 2, 4)))), draw)


@pytest.mark.parametrize(
    ("limit", "timeout"),
    [
        ("90", 90),
        ("2h", 7200),
        ("5 minutes", 300),
        ("1 hour", 3600),
        ("2 days", 172800),
        ("30sec", 30),
        ("infinity", None),
    ],
)
def test_the_limit_of_a_timer_is_that_of_the_run(tmp_path: Path, limit: str, timeout: float | None) -> None:
    made = timer_with(tmp_path, limit)
    assert [one.parameters.get("timeout") for one in made.deployments] == [timeout]
    assert not any(verdict.fate is Fate.REFUSED for verdict in made.verdicts)


@pytest.mark.parametrize("limit", ["1h 30min", "1min30s", "soon"])
def test_a_limit_that_cannot_be_read_is_refused(tmp_path: Path, limit: str) -> None:
    refused = [verdict for verdict in timer_with(tmp_path, limit).verdicts if verdict.fate is Fate.REFUSED]
    assert [verdict.text for verdict in refused] == [f"RuntimeMaxSec={limit}"]


def timer_with(folder: Path, limit: str) -> Plan:
    """The plan of a timer whose service may run as long as `limit` says."""
    (folder / "backup.timer").write_text("[Timer]\nOnCalendar=*-*-* 02:30:00\n")
    (folder / "backup.service").write_text(f"[Service]\nExecStart=/usr/bin/backup\nRuntimeMaxSec={limit}\n")
    return plan_lines(read_timer(folder / "backup.timer"), UTC, "scheduler")


def test_no_damaged_timer_loses_a_line_or_ends_in_a_traceback(tmp_path: Path) -> None:
    draw = random.Random(1 if proving() else commit())
    units = [shape for shape in CORPUS if shape["format"] == "timer"]
    timer, service = tmp_path / "backup.timer", tmp_path / "backup.service"
    for _ in range(2000 if proving() else 100):
        unit = draw.choice(units)
        timer.write_bytes(damaged(unit["crontab"].encode(), draw))
        service.write_bytes(damaged(unit["service"].encode(), draw))
        try:
            made = plan_lines(read_timer(timer), UTC, "scheduler")
        except (OSError, UserError):
            continue  # another service
        texts = [path.read_text(errors="surrogateescape").removesuffix("\n") for path in (timer, service)]
        assert [verdict.text for verdict in made.verdicts] == "\n".join(texts).split("\n")
        prefect_yaml(made, "x").encode()


def test_no_damaged_crontab_loses_a_line_or_ends_in_a_traceback() -> None:
    """10,000 of them with PROVE=1; each is read in one of the three formats."""
    for number, raw in enumerate(broken_crontabs(10_000 if proving() else 300)):
        kind = (Format.USER, Format.SYSTEM, Format.ANACRON)[number % 3]
        made = planned(raw, kind, ("UTC", "Europe/Berlin")[number % 2])
        lines = raw.decode(errors="surrogateescape").split("\n")
        lines = lines[:-1] if not lines[-1] else lines
        assert [verdict.text for verdict in made.verdicts] == lines, raw
        assert all(verdict.reasons for verdict in made.verdicts if verdict.fate in (Fate.CHANGED, Fate.REFUSED)), raw
        printed = [line for verdict in made.verdicts for line in shown(verdict)]
        assert max(map(len, printed), default=0) <= 80 and all(map(str.isprintable, printed)), raw
        json.dumps(as_data(made)).encode()
        written = yaml.safe_load(prefect_yaml(made, "x").encode())["deployments"]
        for one, back in zip(made.deployments, written, strict=True):
            env = back["work_pool"].get("job_variables", {}).get("env", {})
            assert (one.parameters, one.env) == (back["parameters"], env), raw
        for one in made.deployments:
            peeled = peel(str(one.parameters.get("command", "")))
            assert peel(peeled.command).command == peeled.command or peeled.retries, raw


def outcome(command: str, **more: Any) -> tuple[str, list[str]]:
    said: list[str] = []
    try:
        run(command, said.append, **{"stdin": "", "shell": "/bin/sh", "folder": "", "timeout": None, **more})
    except CommandFailed as reason:
        return str(reason), said
    return "done", said


def test_a_command_runs_as_under_cron(tmp_path: Path) -> None:
    assert outcome("echo out; echo err >&2") == ("done", ["out", "err"])
    assert outcome("echo no >&2; exit 3") == ("exit code 3; its last line: no", ["no"])
    assert outcome("kill -9 $$") == ("ended by signal 9; it printed nothing", [])
    assert outcome("cat; pwd", stdin="a\nb\n", folder=str(tmp_path)) == ("done", ["a", "b", str(tmp_path)])
    assert outcome("pwd") == ("done", [str(Path.home())])
    assert outcome("printf '\\377'") == ("done", ["\\xff"])
    assert outcome("true", stdin="nobody reads it\n" * 100_000) == ("done", [])
    if shutil.which("bash"):
        assert outcome("[[ a == a ]] && echo $0", shell="/bin/bash") == ("done", ["/bin/bash"])


@pytest.mark.parametrize(
    "command",
    [
        "flock -n {d}/lock echo 'one  two' $((1 + 2))",
        "flock {d}/lock -c 'cd {d} && pwd | tr a-z A-Z'",
        "cd {d} && timeout 30 pwd",
        "cd {d} && cd sub && pwd && ls ..",
        "A=1 B='x  y' printenv A B",
        "env A='x y' timeout 9 printenv A",
        "nice -n 5 flock -n {d}/lock timeout 9 echo nice",
        "timeout -k 1 5 sh -c 'echo last; exit 3'",
        "for i in 1 2 3; do echo tried && break; sleep 1; done",
        "setsid echo 'a > b && c'",
    ],
)
def test_a_peeled_command_does_what_it_did(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "lock").touch()
    command = command.format(d=tmp_path)
    before, peeled = outcome(command), peel(command)
    assert peeled.command != command
    for name, value in peeled.env.items():
        monkeypatch.setenv(name, value)
    assert outcome(peeled.command, folder=peeled.folder, timeout=peeled.timeout) == before


def test_the_output_of_a_command_is_capped() -> None:
    result, said = outcome("seq 100000; exit 1")
    assert result == "exit code 1; its last line: 100000"
    assert (len(said), said[-1]) == (JOB["MOST_LINES"] + 1 + JOB["LAST"], "100000")
    assert max(map(len, outcome("head -c 1000000 /dev/zero | tr '\\0' x")[1])) <= JOB["LONGEST"]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["sleep 600 & sleep 601", "(sleep 600; true) | cat"])
def test_a_timeout_ends_all_that_the_command_started(command: str, tmp_path: Path) -> None:
    file = tmp_path / "group"
    result, _ = outcome(f"echo $$ > {file}; {command}", timeout=0.5)
    assert result == "stopped after 0.5 s, its timeout; it printed nothing"
    assert not alive(int(file.read_text()))


@pytest.mark.slow
def test_what_ignores_term_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "group"
    run.__globals__["GRACE"] = 0.5
    result, _ = outcome(f"trap '' TERM; echo $$ > {file}; sleep 600", timeout=0.5)
    assert result.startswith("stopped after 0.5 s")
    deadline = time.monotonic() + 30
    while alive(int(file.read_text())) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(int(file.read_text()))


@pytest.mark.slow
def test_a_run_that_is_cancelled_leaves_nothing_behind() -> None:
    """Prefect ends a run with SIGTERM, which its engine turns into an exception in the flow."""
    command = "echo $$; sleep 600 & sleep 601"
    program = (
        "import functools, runpy, signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9)); "
        f"run = runpy.run_path({str(FLOWS / 'command.py')!r})['run']; "
        f"run({command!r}, functools.partial(print, flush=True), '', '/bin/sh', '', None)"
    )
    with subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        group = int(process.stdout.readline())
        process.terminate()
        assert process.wait(60) == 9
    assert not alive(group)


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_flows_of_a_plan_are_those_of_the_lesson(tmp_path: Path) -> None:
    made = planned("0 1 * * * python3 /opt/a.py\n0 2 * * * /opt/b\n")
    for path in write(made, tmp_path, "crontab.txt", force=False):
        if path.suffix == ".py":
            assert path.read_bytes() == (FLOWS / path.name).read_bytes()
            compile(path.read_bytes(), path.name, "exec")


@pytest.mark.slow
def test_what_the_plan_writes_is_an_answer_to_the_exercise_on_locks(tmp_path: Path) -> None:
    raw = (ROOT / "05-migration/crontabs/locks.txt").read_bytes()
    made = plan(raw, Format.USER, ZoneInfo("America/Sao_Paulo"), datetime(2026, 11, 1, tzinfo=UTC), "scheduler")
    file = tmp_path / "lock_limit.yaml"
    file.write_text(prefect_yaml(made, "locks.txt"))
    outcome = all_checks()["05-migration/lock-limit"].judge(file)
    assert outcome.passed, outcome.seen
