"""What `lab cron explain` says."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from engine.core import ROOT
from lab.cron.command import app
from lab.cron.explain import explain


def said(text: str, zone: str = "UTC", start: str = "2026-03-08T01:00", count: int = 3) -> list[str]:
    key = ZoneInfo(zone)
    return explain(text, key, datetime.fromisoformat(start).replace(tzinfo=key), count)


def notes(text: str, zone: str = "UTC") -> list[str]:
    return [line for line in said(text, zone) if line.startswith(("warning:", "note:"))]


def test_the_sheet_says_what_explain_says() -> None:
    sheet = (ROOT / "docs/en/crontab-sheet.md").read_text()
    rows = re.findall(r"^\| `(\S+ \S+ \S+ \S+ \S+)` \| (.+\.) \|$", sheet, re.M)
    assert len(rows) > 5
    assert {schedule: said(schedule)[0] for schedule, _ in rows} == dict(rows)


def test_sentence_fields_and_next_runs() -> None:
    assert said("*/15 2 * jan-mar 1-5", "America/Sao_Paulo") == [
        "At 02:00, 02:15, 02:30 and 02:45 on Monday through Friday from January through March.",
        "",
        "minute        */15         0, 15, 30, 45",
        "hour          2            2",
        "day of month  *            any",
        "month         jan-mar      Jan, Feb, Mar",
        "day of week   1-5          Mon, Tue, Wed, Thu, Fri",
        "kind of job   wildcard (minute or hour starts with *)",
        "",
        "next runs after Sun 2026-03-08 01:00 -03:00, America/Sao_Paulo:",
        "  Mon 2026-03-09 02:00 -03:00",
        "  Mon 2026-03-09 02:15 -03:00",
        "  Mon 2026-03-09 02:30 -03:00",
    ]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        (
            "30 2 * * *",
            "America/New_York",
            ["warning: on Sun 2026-03-08 the clock goes from 02:00 to 03:00: 02:30 runs at 03:00"],
        ),
        (
            "*/30 2 * * *",
            "America/New_York",
            [
                "warning: on Sun 2026-03-08 the clock goes from 02:00 to 03:00: no run at 02:00, 02:30, "
                "missed runs of a wildcard job are not made up"
            ],
        ),
        (
            "*/30 1 * * *",
            "America/New_York",
            [
                "warning: on Sun 2026-11-01 the clock goes from 02:00 to 01:00: 01:00, 01:30 run twice, "
                "once in each pass"
            ],
        ),
        (
            "0-59/10 2 * * *",
            "Europe/Berlin",
            [
                "warning: on Sun 2026-03-29 the clock goes from 02:00 to 03:00: 02:00 … 02:50 run at 03:00, "
                "all in that minute",
                "note: on Sun 2026-10-25 the clock goes from 03:00 to 02:00: 02:00 … 02:50 run in the first pass only",
            ],
        ),
        (
            "*/15 * * * *",
            "Australia/Lord_Howe",
            [
                "note: on Sun 2026-04-05 the clock goes from 02:00 to 01:30: 01:30, 01:45 come twice, and the job goes on "
                "with the clock",
                "note: on Sun 2026-10-04 the clock goes from 02:00 to 02:30: 02:00, 02:15 do not exist, and the job goes "
                "on with the clock",
            ],
        ),
        (
            "30 * * * *",
            "Australia/Lord_Howe",
            [
                "note: on Sun 2026-04-05 the clock goes from 02:00 to 01:30: 01:30 comes twice, and the job goes on with "
                "the clock"
            ],
        ),
        ("0 12 * * *", "America/New_York", []),
        ("30 2 * * *", "UTC", []),
        ("30 2 * * 1", "America/New_York", []),  # the clock changes on Sundays
    ],
)
def test_what_the_clock_does_to_a_job(text: str, zone: str, expected: list[str]) -> None:
    assert notes(text, zone) == expected


@pytest.mark.parametrize(
    ("zone", "start", "expected"),
    [
        (
            "America/Sao_Paulo",
            "2019-01-01",
            "note: on Sun 2019-02-17 the clock goes from 00:00 to Sat 2019-02-16 23:00: 23:30 runs in the first pass only",
        ),
        (
            "Antarctica/Casey",
            "2022-06-01",
            "warning: on Sun 2022-10-02 the clock goes from 00:01 to 03:01: no run at 00:30, nothing is made up after a "
            "jump of three hours or more",
        ),
        (
            "Pacific/Apia",
            "2011-12-01",
            "warning: on Fri 2011-12-30 the clock goes from 00:00 to Sat 2011-12-31 00:00: no run at 00:30, 23:30, "
            "nothing is made up after a jump of three hours or more",
        ),
    ],
)
def test_a_change_at_midnight_and_a_jump(zone: str, start: str, expected: str) -> None:
    found = said("30 0,23 * * *", zone, start)
    assert expected in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 31 2 *", "warning: it never runs: no such date, day 31 of Feb"),
        ("0 12 * * fri-sun", "warning: day of week 'fri-sun' is a range written backwards: it matches nothing"),
        ("*/7 * * * *", "warning: minute '*/7' starts again with each hour: after 56 the pause is 4, not 7"),
        ("*/50 * * * *", "warning: minute '*/50' starts again with each hour: after 50 the pause is 10, not 50"),
        ("*/70 * * * *", "warning: minute '*/70' matches 0 only: the step is longer than the hour"),
        ("0 */5 * * *", "warning: hour '*/5' starts again with each day: after 20 the pause is 4, not 5"),
        ("0 0 * * */2", "warning: day of week '*/2' starts again with each week: after 6 the pause is 1, not 2"),
        ("0 0 1 */5 *", "warning: month '*/5' starts again with each year: after 11 the pause is 2, not 5"),
        ("24:00 * * * *", "warning: minute '24:00' is read as '24': Debian's cron ignores what follows"),
        (
            "0 0 13 * 5",
            "warning: both day fields are set, so EITHER is enough: every Fri, and also day 13 of the month whatever "
            "its weekday",
        ),
        ("0 0 1-7 * */7", "note: one day field starts with *, so BOTH must match"),
        ("0 8,22-6 * * *", "warning: hour '22-6' is a range written backwards: it matches nothing"),
        ("0-59/7 * * * *", "warning: minute '0-59/7' starts again with each hour: after 56 the pause is 4, not 7"),
        ("0 0 */40 * *", "warning: day of month '*/40' matches 1 only: the step is longer than the month"),
        ("0 0 */2 * *", "note: day of month '*/2' starts again on the 1st of each month"),
        ("0 9 31 * *", "note: it skips months that have no day 31: Feb, Apr, Jun, Sep, Nov"),
        ("0 9 29 * *", "note: Feb has a day 29 in leap years only"),
        ("0 0 1-31 * 1", "warning: EITHER day field is enough, and day of month '1-31' is every day: it runs daily"),
    ],
)
def test_what_the_fields_hold_in_store(text: str, expected: str) -> None:
    assert expected in notes(text)


@pytest.mark.parametrize(
    "text", ["*/15 * * * *", "0 */6 * * *", "0 0 1 */3 *", "*/1 * * * *", "0 9-17 * * 1-5", "0 0 1,31 * *"]
)
def test_nothing_to_say_of_a_sound_schedule(text: str) -> None:
    assert notes(text) == []


def test_nicknames() -> None:
    assert said("@daily")[0] == "@daily is 0 0 * * *: At 00:00 every day."
    assert said("@reboot")[1].startswith("Once, when cron starts")


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["explain", *words])
    return result.exit_code, result.output


def test_the_command_prints_the_lines() -> None:
    code, output = run("30 2 * * *", "--tz", "America/New_York", "--from", "2026-03-08T06:00+00:00", "--count", "1")
    assert code == 0
    assert "next runs after Sun 2026-03-08 01:00 -05:00, America/New_York:\n  Sun 2026-03-08 03:00 -04:00\n" in output
    assert max(map(len, output.splitlines())) > 80  # no line is folded when nobody watches


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["61 * * * *"], "cron refuses '61 * * * *': minute '61': 61 is not between 0 and 59"),
        (
            ["0 0 * * *", "--tz", "America/Sao_Paolo"],
            "'America/Sao_Paolo' is no time zone; did you mean America/Sao_Paulo?",
        ),
        (["0 0 * * *", "--tz", "sao paulo"], "'sao paulo' is no time zone; did you mean America/Sao_Paulo?"),
        (
            ["0 0 * * *", "--tz", "../etc"],
            "'../etc' is no time zone; they look like America/Sao_Paulo or Europe/Berlin",
        ),
        (
            ["*/5", "lab", "docs", "lab", "docs", "--count", "3"],
            'put the schedule in quotes, or the shell makes file names of *: lab cron explain "*/5 * * * *"',
        ),
        (["0 0 * * *", "--from", "soon"], "--from 'soon' is no date and time; write it as 2026-03-08T01:00"),
        (
            ["0 0 * * *", "--from", "0001-01-01", "--tz", "Asia/Tokyo"],
            "--from '0001-01-01' is out of range: it takes the years from 1970 to 9997",
        ),
        (
            ["0 9 * * *\n0 9 * * *"],
            "cron refuses '0 9 * * *\\n0 9 * * *': it is more than one line",
        ),
        (
            ["TZ=UTC 0 9 * * *"],
            "'TZ=UTC 0 9 * * *' is more than a schedule: NAME=value stands on a line of its own in a crontab, "
            "lab cron explain takes a zone as --tz NAME",
        ),
        (
            ["0 9 * * * root"],
            "'0 9 * * * root' is more than a schedule: a schedule has five fields, 'root' is the command already",
        ),
    ],
)
def test_trouble_is_one_line(words: list[str], line: str) -> None:
    assert run(*words) == (2, f"{line}\n")


def test_the_last_moment_that_is_taken() -> None:
    code, output = run("* * * * *", "--tz", "Pacific/Kiritimati", "--from", "9997-12-31T23:59")
    assert (code, output.count(" 9998-01-01 00:0")) == (0, 5)


def test_what_a_terminal_would_obey_is_printed_as_an_escape() -> None:
    code, output = run("*\x1b[2J * * * *", "--count", "1")
    assert code == 0 and "\x1b" not in output and "minute        *\\x1b[2J" in output
