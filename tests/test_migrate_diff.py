"""`lab migrate diff`: a right prefect.yaml is equal, each kind of wrong one is found, and a hostile one is one line."""

import json
import random
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.records import FOLDER, commit, proving
from typer.testing import CliRunner, Result

from lab.cli import app
from lab.cron.crontab import ScheduleRejected, parse
from lab.migrate import proof
from lab.migrate.dates import Cron
from lab.migrate.diff import AUTUMN, FIRST_OF_MARCH, SPRING, compare, window_of
from lab.migrate.pairs import Line, Pair
from lab.migrate.prefect_yaml import Scheduled

FROM = ("--from", "2027-02-01T00:00")


def asked(folder: Path, crontab: str, deployments: object, *options: str) -> Result:
    (folder / "crontab").write_text(crontab)
    text = deployments if isinstance(deployments, str) else json.dumps({"deployments": deployments})
    (folder / "prefect.yaml").write_text(text)
    words = ["migrate", "diff", str(folder / "crontab"), str(folder / "prefect.yaml"), *FROM, *options]
    return CliRunner().invoke(app, words)


def deployment(command: str | None, *schedules: dict[str, Any], **more: Any) -> dict[str, Any]:
    parameters = {} if command is None else {"command": command}
    return {"name": "job", "parameters": parameters, "schedules": list(schedules)} | more


def cron(text: str, zone: str = "UTC", **more: Any) -> dict[str, Any]:
    return {"cron": text, "timezone": zone, "day_or": True} | more


RIGHT = {
    "as it is": ("0 3 * * * /a\n", [deployment("/a", cron("0 3 * * *"))]),
    "a nickname": ("@daily /a\n", [deployment("/a", cron("0 0 * * *"))]),
    "two lines of one command": (
        "0 3 * * * /a\n0 5 * * 1 /a\n",
        [deployment("/a", cron("0 3 * * *"), cron("0 5 * * 1"))],
    ),
    "two deployments of one command": (
        "0 3 * * * /a\n0 5 * * 1 /a\n",
        [deployment("/a", cron("0 3 * * *"), name="x"), deployment("/a", cron("0 5 * * 1"), name="y")],
    ),
    "a line that is split, so that no day is lost": (
        "0 0 */10 * * /a\n",
        [deployment("/a", cron("0 0 1,11,21 * *"), cron("0 0 31 * *"))],
    ),
    "day_or": ("0 0 */2 * 1 /a\n", [deployment("/a", cron("0 0 */2 * 1", day_or=False))]),
    "day_or as text": ("0 0 */2 * 1 /a\n", [deployment("/a", cron("0 0 */2 * 1", day_or="false"))]),
    "the command as the shell gets it": ("0 3 * * * /a +\\%F%x%y\n", [deployment("/a +%F", cron("0 3 * * *"))]),
    "the command as it is written": ("0 3 * * * /a +\\%F\n", [deployment("/a +\\%F", cron("0 3 * * *"))]),
    "an interval": (
        "*/20 * * * * /a\n",
        [deployment("/a", {"interval": 1200, "anchor_date": "2020-01-01T00:00:00Z", "timezone": "UTC"})],
    ),
    "an interval as ISO 8601": (
        "0 */2 * * * /a\n",
        [deployment("/a", {"interval": "PT2H", "anchor_date": "2020-01-01T00:00:00+00:00"})],
    ),
    "a rule": (
        "0 9 * * 1-5 /a\n",
        [
            deployment(
                "/a", {"rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0;BYSECOND=0", "timezone": "UTC"}
            )
        ],
    ),
    "a command of the schedule's own": (
        "0 3 * * * /a\n",
        [deployment("/b", cron("0 3 * * *", parameters={"command": "/a"}))],
    ),
    "a flow that names its line": (
        "# the shop\n0 3 * * * /a\n",
        [deployment(None, cron("0 3 * * *"), description="crontab line 2")],
    ),
    "a flow whose tag names its lines": (
        "0 3 * * * /a\n0 4 * * * /a\n",
        [deployment(None, cron("0 3 * * *"), cron("0 4 * * *"), tags=["shop", "crontab lines 1, 2"])],
    ),
    "a flow that calls the script": (
        "0 3 * * * python3 /opt/x.py --all\n",
        [deployment(None, cron("0 3 * * *"), parameters={"script": "/opt/x.py"})],
    ),
    "two lines that call one script": (
        "0 3 * * * python3 /opt/x.py --all\n0 4 * * * python3 /opt/x.py\n",
        [
            deployment(None, cron("0 4 * * *"), parameters={"script": "/opt/x.py"}, tags=["crontab line 2"]),
            deployment(None, cron("0 3 * * *"), parameters={"script": "/opt/x.py"}, tags=["crontab line 1"]),
        ],
    ),
    "a script whose line has another number now": (
        "0 5 * * * /a\n0 3 * * * python3 /opt/x.py\n",
        [
            deployment(None, cron("0 3 * * *"), parameters={"script": "/opt/x.py"}, tags=["crontab line 1"]),
            deployment("/a", cron("0 5 * * *"), tags=["crontab line 4"]),
        ],
    ),
    "an alias": (
        "0 3 * * * /a\n",
        '.x: &x {parameters: {command: /a}}\ndeployments: [{<<: *x, name: a, schedules: [{cron: "0 3 * * *"}]}]\n',
    ),
    "a schedule as it was written once": (
        "0 3 * * * /a\n",
        [deployment("/a", schedule=cron("0 3 * * *")) | {"schedules": None}],
    ),
    "nothing at all": ("# nothing\n", []),
    "no times": ("@reboot /a\n", []),
    "no dates": ("0 0 30 2 * /a\n", []),
    "a deployment that is started by hand": ("0 3 * * * /a\n", [deployment("/a", cron("0 3 * * *")), deployment("/b")]),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_one_is_equal(name: str, tmp_path: Path) -> None:
    done = asked(tmp_path, *RIGHT[name])
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    assert "differs" not in done.output and " 0 differ: 400 days from 2027-02-01, UTC" in done.output


def test_the_plan_names_the_lines_of_each_deployment(tmp_path: Path) -> None:
    """By its words alone nobody can tell which of the two calls of a script a deployment is."""
    crontab = (
        "0 3 * * * python3 /opt/x.py --all\n*/5 * * * * python3 /opt/x.py --new\n0 6 * * * python3 /opt/x.py --new\n"
    )
    (tmp_path / "crontab").write_text(crontab)
    planned = CliRunner().invoke(app, ["migrate", "plan", str(tmp_path / "crontab"), "--into", str(tmp_path / "moved")])
    assert planned.exit_code == 0, planned.output
    written = (tmp_path / "moved/prefect.yaml").read_text()
    assert '"crontab line 2", "crontab line 3"' in written and written.count("run_python.py:run_python") == 2
    done = asked(tmp_path, crontab, written, "--days", "9")
    assert "line 1 = x: 9 instants" in done.output and "lines 2, 3 = x-2: " in done.output, done.output


# What is wrong: crontab, deployments, zone, the reason, how many instants differ in 400 days.
WRONG: dict[str, tuple[str, Any, str, str, int]] = {
    "a night in spring": (
        "30 2 * * * /a\n",
        [deployment("/a", cron("30 2 * * *", "Europe/Berlin"))],
        "Europe/Berlin", SPRING, 2,
    ),
    "a night in autumn": (
        "*/30 * * * * /a\n",
        [deployment("/a", cron("*/30 * * * *", "America/New_York"))],
        "America/New_York", AUTUMN, 2,
    ),
    "the first of March": ("0 0 */10 * * /a\n", [deployment("/a", cron("0 0 */10 * *"))], "UTC", FIRST_OF_MARCH, 2),
    "no day_or": (
        "0 0 */2 * 1 /a\n",
        [deployment("/a", {"cron": "0 0 */2 * 1"})],
        "UTC", "day_or is missing: cron reads '0 0 */2 * 1' as day_or: false", 203,
    ),
    "the wrong day_or": (
        "0 0 1 * 1 /a\n",
        [deployment("/a", cron("0 0 1 * 1", day_or=False))],
        "UTC", "day_or is false: cron reads '0 0 1 * 1' as day_or: true", 66,
    ),
    "the wrong time zone": (
        "0 3 * * * /a\n",
        [deployment("/a", cron("0 3 * * *", "America/Sao_Paulo"))],
        "UTC", "the time zone is America/Sao_Paulo, cron's is UTC", 800,
    ),
    "no time zone": (
        "0 3 * * * /a\n",
        [deployment("/a", {"cron": "0 3 * * *"})],
        "America/Sao_Paulo", "the time zone is UTC, cron's is America/Sao_Paulo", 800,
    ),
    "a schedule that is not active": (
        "0 3 * * * /a\n",
        [deployment("/a", cron("0 3 * * *", active=False))],
        "UTC", "deployment job is paused, or its schedule is", 400,
    ),
    "a deployment that is paused": (
        "0 3 * * * /a\n",
        [deployment("/a", cron("0 3 * * *"), paused=True)],
        "UTC", "deployment job is paused, or its schedule is", 400,
    ),
    "no deployment": ("0 3 * * * /a\n", [], "UTC", "line 1 has no deployment", 400),
    "no line": ("", [deployment("/a", cron("0 3 * * *"))], "UTC", "deployment job has no line", 400),
    "no schedule": ("0 3 * * * /a\n", [deployment("/a")], "UTC", "deployment job has no schedule", 400),
    "another hour": (
        "0 3 * * * /a\n",
        [deployment("/a", cron("0 4 * * *"))],
        "UTC", "the schedule is another: line 1 has 0 3 * * *; job has cron: 0 4 * * *", 800,
    ),
    "one of two schedules": (
        "0 3 * * * /a\n0 5 * * * /a\n",
        [deployment("/a", cron("0 3 * * *"))],
        "UTC", "the schedule is another", 400,
    ),
    "the same schedule twice": (
        "0 3 * * * /a\n",
        [deployment("/a", cron("0 3 * * *"), cron("0 3 * * *"))],
        "UTC", "the schedule is another", 400,
    ),
    "an interval that is out of step": (
        "0 */6 * * * /a\n",
        [deployment("/a", {"interval": 21600, "anchor_date": "2020-01-01T00:05:00Z"})],
        "UTC", "job has interval: 21600", 3200,
    ),
    "an interval without an anchor": (
        "0 3 * * * /a\n",
        [deployment("/a", {"interval": 86400})],
        "UTC", "without anchor_date", 400,
    ),
    "a cron line that Prefect refuses": (
        "0 3 * * * /a\n",
        [deployment("/a", cron("0 25 * * *"))],
        "UTC", "deployment job: Prefect refuses cron: '0 25 * * *'", 400,
    ),
    "no such time zone": ("0 3 * * * /a\n", [deployment("/a", cron("0 3 * * *", "Mars"))], "UTC", "'Mars' is no time zone", 400),
    "a schedule of two kinds": (
        "0 3 * * * /a\n",
        [deployment("/a", cron("0 3 * * *", interval=60))],
        "UTC", "it needs one of cron, interval, rrule, and has cron and interval", 400,
    ),
    "a variable that is not set": (
        "0 3 * * * /a\n",
        [deployment("/a", cron("{{ $NO_SUCH_VARIABLE }} 3 * * *"))],
        "UTC", "needs the variable NO_SUCH_VARIABLE", 400,
    ),
    "another command": (
        "0 3 * * * /a\n",
        [deployment("/b", cron("0 3 * * *"), description="crontab line 1")],
        "UTC", "the command is another: /b", 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_one_is_found_with_its_reason(name: str, tmp_path: Path) -> None:
    crontab, deployments, zone, reason, differing = WRONG[name]
    done = asked(tmp_path, crontab, deployments, "--zone", zone, "--all")
    assert (done.exit_code, done.stderr) == (1, "")
    assert reason in done.output
    assert f" compared, {differing:,} differ: " in done.output
    assert len(re.findall(r"^ {11}(?:cron|Prefect) only ", done.output, re.MULTILINE)) == differing


def test_several_mistakes_have_a_reason_each(tmp_path: Path) -> None:
    both = deployment("/a", {"cron": "0 2 */2 * 1"})
    done = asked(tmp_path, "0 2 */2 * 1 /a\n", [both], "--zone", "Europe/Berlin")
    assert "the time zone is UTC, cron's is Europe/Berlin" in done.output and "day_or is missing" in done.output


def test_an_instant_is_shown_by_the_clock_of_cron(tmp_path: Path) -> None:
    wrong = [deployment("/a", cron("30 2 * * *", "America/New_York"))]
    done = asked(tmp_path, "30 2 * * * /a\n", wrong, "--tz", "America/New_York")
    assert "cron only     Sun 2027-03-14 03:00 -04:00" in done.output
    assert "Prefect only  Sun 2027-03-14 03:30 -04:00" in done.output


def test_a_system_crontab_has_users(tmp_path: Path) -> None:
    folder = tmp_path / "cron.d"
    folder.mkdir()
    done = asked(folder, "0 3 * * * root /a\n", [deployment("/a", cron("0 3 * * *"))])
    assert done.exit_code == 0, done.output


def test_a_variable_of_the_environment_is_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVERY", "20")
    done = asked(tmp_path, "*/20 * * * * /a\n", [deployment("/a", cron("*/{{ $EVERY }} * * * *"))], "--days", "3")
    assert done.exit_code == 0, done.output


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    crontab = "0 3 * * * /a\n@reboot /b\n0 25 * * * /c\n"
    done = asked(tmp_path, crontab, [deployment("/a", cron("0 3 * * *"))])
    assert done.exit_code == 0
    assert "not compared: line 2: @reboot has no times" in done.output
    assert "not compared: line 3, which cron refuses: hour '25'" in done.output


def test_a_file_that_is_no_crontab_fills_no_screen(tmp_path: Path) -> None:
    """Lines that cron refuses are cut, and counted from the twenty-first on."""
    right, crontab = [deployment("/a", cron("0 3 * * *"))], "0 3 * * * /a\n" + f"{'x' * 5000} * * * * /b\n" * 30
    said = [line for line in asked(tmp_path, crontab, right).output.splitlines() if "not compared" in line]
    assert len(said) == 21 and said[-1] == "not compared: 10 more lines: --all lists them"
    assert max(map(len, said)) <= 220
    assert asked(tmp_path, crontab, right, "--all").output.count("not compared") == 30


HOSTILE = {
    "no YAML": "a: [",
    "a tag of Python": "!!python/object/apply:os.system ['true']",
    "a text": "hello",
    "nothing": "",
    "deployments of another kind": "deployments: 5",
    "a list of texts": "deployments: [a, b]",
    "deep": "[" * 2000,
    "a date that does not exist": "deployments: [{x: 2026-02-30}]",
    "a NUL": "deployments: \0",
    "an alias of nothing": "deployments: *x",
    "two documents": "deployments: []\n---\ndeployments: []\n",
    "a list as a key": "? [a, b]\n: 1\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_prefect_yaml_is_one_line(name: str, tmp_path: Path) -> None:
    done = asked(tmp_path, "0 3 * * * /a\n", HOSTILE[name])
    assert (done.exit_code, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1 and "prefect.yaml" in done.stderr


SPANS: list[Any] = [0, -5, "x", True, 1e300, "P", [], 1e-9]
ANCHORS: list[Any] = ["x", 5, "9999-12-31T23:59", "0001-01-01", {}]
ODD: list[Any] = [
    {"name": None, "parameters": 5, "schedules": "x"},
    {"name": ["x"], "parameters": {"command": ["/a"]}, "schedules": [5, None, [], {"cron": 5}, {"cron": "0 3 * * *\n0 4"}]},
    {"name": "\x1b[31m", "schedules": {"cron": "* * * * *"}, "tags": 7, "description": {}},
    {"schedules": [{"interval": value, "anchor_date": "2020-01-01"} for value in SPANS]},
    {"schedules": [{"interval": 3600, "anchor_date": value} for value in ANCHORS]},
    {"schedules": [{"rrule": value} for value in ("", "x", 5, "FREQ=DAILY;UNTIL=20280101T000000Z", "FREQ=DAILY;BYHOUR=99")]},
    {"schedules": [{"cron": value} for value in ("@reboot", "", "* * * *", "H * * * *", "0 0 31 2 *", "0 0 L * *", "a b c d e")]},
    {"schedules": [cron("0 3 * * *", zone) for zone in ("", "../etc/passwd", "/etc", "\0", "utc", "Europe")]},
    {"description": "crontab line " + "9" * 5000, "schedules": [cron("{{ prefect.variables.x }}")]},
]  # fmt: skip


def test_odd_values_give_reasons_and_no_traceback(tmp_path: Path) -> None:
    for number, odd in enumerate(ODD):
        done = asked(tmp_path, "0 3 * * * /a\n", [odd], "--days", "2")
        assert done.exit_code == 1 and not isinstance(done.exception, Exception), (number, done.exception)
        assert "\x1b" not in done.output


@pytest.mark.parametrize(("name", "why"), [("backup.timer", "is a systemd timer"), ("anacrontab", "is an anacrontab")])
def test_what_has_no_calendar_of_cron_is_refused_by_name(name: str, why: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("[Timer]\nOnCalendar=daily\n")
    done = CliRunner().invoke(app, ["migrate", "diff", str(tmp_path / name), "no-such-yaml"])
    assert done.exit_code == 2 and len(done.stderr.splitlines()) == 1 and f"{name} {why}: " in done.stderr


def test_files_that_are_not_there_are_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["migrate", "diff", "no-such-crontab", "no-such-yaml"])
    assert (done.exit_code, done.stderr) == (2, "no-such-crontab cannot be read: no such file or directory\n")


def test_nothing_but_nights_and_march_differs_where_all_is_written_right() -> None:
    """Every schedule of the record, given to Prefect with its zone and day_or: each difference has its reason."""
    recorded = json.loads((FOLDER / "prefect-dates.json").read_text())["cases"]
    texts = {case["cron"] for case in recorded if "cron" in case}
    zones = ("UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Chatham")
    every = [(text, zone) for text in sorted(texts) for zone in zones]
    compared = differing = 0
    for text, name in every if proving() else random.Random(commit()).sample(every, 12):
        try:
            schedule = parse(text)
        except ScheduleRejected:
            continue
        if not schedule.expression:
            continue
        zone = ZoneInfo(name)
        planned = Scheduled("x", Cron(schedule.expression, zone, schedule.either_day), "/a")
        pair = Pair([Line(1, schedule, "/a", "/a")], [planned], ["x"])
        outcome = compare(pair, window_of(datetime(2027, 11, 1, tzinfo=zone), 400, zone))
        compared += outcome.compared
        differing += sum(map(len, outcome.causes))
        assert {cause.text for cause in outcome.causes} <= {SPRING, AUTUMN, FIRST_OF_MARCH}, (text, name)
        nights = timedelta(days=9)  # an hour or two in a night, a few days in March
        assert sum(map(len, outcome.causes)) * timedelta(minutes=1) < nights
    print(f"{compared:,} instants compared, {differing:,} differ, each explained")


@pytest.mark.slow
def test_the_figures_of_the_corpus_are_those_of_today() -> None:
    """Each job of the corpus in five zones, 400 days: a sample is planned and compared anew, all of it with PROVE=1."""
    record = json.loads(proof.RECORD.read_text())
    again = "python -m lab.migrate.proof"
    assert proof.TABLE.read_text() == proof.summed(record) + "\n", again
    assert tuple(record) == proof.ZONES and all([*of] == [*proof.shapes()] for of in record.values()), again
    assert {figures[-1] for by_shape in record.values() for figures in by_shape.values()} == {0}, "not explained"
    every = [(zone, name) for zone in proof.ZONES for name in proof.shapes()]
    asked = every if proving() else random.Random(commit()).sample(every, 8)
    found = {(zone, name): proof.counted(proof.shapes()[name], zone) for zone, name in asked}
    assert found == {(zone, name): record[zone][name] for zone, name in asked}, again
    print(f"{len(asked)} of {len(every)} compared anew")
