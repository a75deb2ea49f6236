"""What lab.cron.crontab reads, and when it says a job runs, against what Debian's cron was measured to do."""

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest

from lab.cron.crontab import ScheduleRejected, parse, split_line
from lab.cron.runs import clock_changes, runs


def starts(text: str, zone: str, day: str, hours: int = 24) -> list[str]:
    """Local times, with offset, of the runs within so many real hours from one minute before `day`."""
    first = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    start = (first - timedelta(minutes=1)).astimezone(ZoneInfo(zone))
    within = takewhile(lambda at: at.timestamp() - start.timestamp() <= hours * 3600, runs(parse(text), start))
    return [f"{at:%H:%M%z}" for at in within]


# The table of docs/en/crontab.md: runs of Debian's cron on the six nights, measured under a fast clock.
NIGHTS = {
    "New York spring": ("America/New_York", "2026-03-08T00:00", 23),
    "Berlin spring": ("Europe/Berlin", "2026-03-29T00:00", 23),
    "São Paulo spring": ("America/Sao_Paulo", "2018-11-04T01:00", 23),
    "New York autumn": ("America/New_York", "2026-11-01T00:00", 25),
    "Berlin autumn": ("Europe/Berlin", "2026-10-25T00:00", 25),
    "São Paulo autumn": ("America/Sao_Paulo", "2019-02-16T00:00", 25),
}
MEASURED = {
    "30 2 * * *": (1, 1, 1, 1, 1, 1),
    "0 3 * * *": (1, 1, 1, 1, 1, 1),
    "*/30 2 * * *": (0, 0, 2, 2, 4, 2),
    "0-59/30 2 * * *": (2, 2, 2, 2, 2, 2),
    "*/30 1 * * *": (2, 2, 2, 4, 2, 2),
    "0,30 1 * * *": (2, 2, 2, 2, 2, 2),
    "30 1 * * *": (1, 1, 1, 1, 1, 1),
    "0 0 * * *": (1, 1, 1, 1, 1, 1),
    "@daily": (1, 1, 1, 1, 1, 1),
    "30 23 * * *": (1, 1, 1, 1, 1, 1),
    "*/15 * * * *": (92, 92, 92, 100, 100, 100),
    "@hourly": (23, 23, 23, 25, 25, 25),
}


@pytest.mark.parametrize("text", MEASURED)
def test_runs_on_the_nights_when_the_clock_changes(text: str) -> None:
    assert tuple(len(starts(text, *night)) for night in NIGHTS.values()) == MEASURED[text]


@pytest.mark.parametrize(
    ("text", "night", "expected"),
    [
        ("30 2 * * *", "New York spring", ["03:00-0400"]),
        ("30 2 * * *", "Berlin spring", ["03:00+0200"]),
        ("0-59/30 2 * * *", "New York spring", ["03:00-0400", "03:00-0400"]),
        ("0 0 * * *", "São Paulo spring", ["01:00-0200"]),
        ("30 2 * * *", "Berlin autumn", ["02:30+0200"]),
        ("0 3 * * *", "Berlin autumn", ["03:00+0100"]),
        ("30 1 * * *", "New York autumn", ["01:30-0400"]),
        ("30 23 * * *", "São Paulo autumn", ["23:30-0200"]),
        ("*/30 1 * * *", "New York autumn", ["01:00-0400", "01:30-0400", "01:00-0500", "01:30-0500"]),
    ],
)
def test_the_very_minute(text: str, night: str, expected: list[str]) -> None:
    assert starts(text, *NIGHTS[night]) == expected


def test_a_wildcard_job_passes_over_the_hour_that_does_not_exist() -> None:
    found = starts("*/15 * * * *", "America/New_York", "2026-03-08T01:45", 1)
    assert found == ["01:45-0500", "03:00-0400", "03:15-0400", "03:30-0400"]


def test_runs_that_start_in_the_second_pass_do_not_go_back() -> None:
    start = datetime(2026, 11, 1, 1, 10, tzinfo=ZoneInfo("America/New_York"), fold=1)
    first = next(runs(parse("30 1 * * *"), start))
    assert first.date().isoformat() == "2026-11-02"


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("0 12 */2 * 1", [9, 23]),  # one starts with *: both must match
        ("0 12 1-31 * 1", list(range(1, 32))),  # neither does: either is enough
        ("0 12 *,10 * 1", [2, 9, 16, 23, 30]),
        ("0 12 13 * 5", [6, 13, 20, 27]),
        ("0 12 13 * *", [13]),
        ("0 12 * * 5", [6, 13, 20, 27]),
        ("0 12 1-7 * 1", [1, 2, 3, 4, 5, 6, 7, 9, 16, 23, 30]),
        ("0 12 * * 7", [1, 8, 15, 22, 29]),
        ("0 12 30-31 * fri-sun", [30, 31]),  # the backwards range adds nothing to the other field
        ("0 12 5-1,*/9 * tue", [1, 3, 10, 17, 19, 24, 28, 31]),  # a field that has a *, but does not start with it
        ("0 12 * * 1-1/2", [2, 9, 16, 23, 30]),  # a range of one day, whatever its step
    ],
)
def test_days_of_march_2026(text: str, days: list[int]) -> None:
    start = datetime(2026, 3, 1, tzinfo=ZoneInfo("UTC"))
    found = takewhile(lambda at: at.month == 3, runs(parse(text), start))
    assert [at.day for at in found] == days


@pytest.mark.parametrize(
    "text", ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 *", "30-10 * * * *", "0 12 * * fri-sun", "0 0 31-1 * 5-0"]
)
def test_schedules_that_cron_takes_and_that_never_run(text: str) -> None:
    schedule = parse(text)
    assert schedule.expression is None
    assert next(runs(schedule, datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))), None) is None


def test_a_leap_day_is_found() -> None:
    start = datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC"))
    years = [at.year for at in islice(runs(parse("0 0 29 2 *"), start), 2)]
    assert years == [2028, 2032]


def test_the_list_ends_with_the_year_9999() -> None:
    start = datetime(9990, 1, 1, tzinfo=ZoneInfo("America/New_York"))
    assert [at.year for at in runs(parse("0 0 29 2 *"), start)] == [9992, 9996]
    assert 100 < len(list(runs(parse("0 0 29 2 */7"), start.replace(year=2026)))) < 1000


@pytest.mark.parametrize(
    ("text", "kept", "ignored"),
    [
        ("24:00 * * * *", {24}, ":00"),
        ("0~10 * * * *", {0}, "~10"),
        ("*/70 * * * *", {0}, ""),
        ("1-5/99 * * * *", {1}, ""),
        ("4294967301 * * * *", {5}, ""),  # wraps around, as C's int does
        ("0-0/14 * * * *", {0}, ""),
    ],
)
def test_what_cron_does_not_read_of_a_field(text: str, kept: set[int], ignored: str) -> None:
    minute = parse(text).fields[0]
    assert (set(minute.values), minute.ignored) == (kept, ignored)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("61 * * * *", "minute '61': 61 is not between 0 and 59"),
        ("* 24 * * *", "hour '24': 24 is not between 0 and 23"),
        ("* * ? * *", "day of month '?': ? L and W belong to other schedulers"),
        ("* * L * *", "day of month 'L': ? L and W belong to other schedulers"),
        ("* * * * monday", "day of week 'monday': names have three letters, write mon"),
        ("5/10 * * * *", "minute '5/10': a step needs a range, write 5-59/10"),
        ("*/0 * * * *", "minute '*/0': the step after / must be a whole number above 0"),
        ("1,,2 * * * *", "minute '1,,2': a number is missing next to , or -"),
        ("* * * *", "day of week is missing"),
        ("0 0 12 * * * *", "cron has five fields, no seconds, no years and no ?"),
        ("0 0 * * * 2026", "cron has five fields, no seconds, no years and no ?"),
        ("0 0 12 ? * MON-FRI", "cron has five fields, no seconds, no years and no ?"),
        ("0 9 * * * root", "a schedule has five fields, 'root' is the command already"),
        ("0 9 * * * \r ", "a schedule has five fields, '\\r' is the command already"),
        ("@daily *foo", "the command cannot start with *"),
        ("@Daily", "'@Daily' is no nickname of cron's"),
        ("@every 5m", "@every belongs to other schedulers"),
        ("daily", "a nickname begins with @, write @daily"),
        ("H 3 * * *", "H belongs to Jenkins"),
        ("~ * * * *", "~, a random value"),
        ('"0 9 * * *"', "a quotation mark is part of it"),
        ("TZ=America/New_York 0 9 * * *", "NAME=value stands on a line of its own"),
        ("*-*-* 09:00:00", "this is the OnCalendar of a systemd timer"),
        ("Mon..Fri 09:00", "this is the OnCalendar of a systemd timer"),
        ("*-*-* 9:00 x", "this is the OnCalendar of a systemd timer"),
        ("*/2147483648 * * * *", "minute '*/2147483648': the step after / must be a whole number above 0"),
        ("1" * 1200 + " * * * *", "minute '1"),
        ("", "minute is missing"),
    ],
)
def test_the_reason_why_it_is_no_schedule(text: str, reason: str) -> None:
    with pytest.raises(ScheduleRejected) as refused:
        parse(text)
    assert str(refused.value).startswith(reason)
    assert "\n" not in str(refused.value)


def test_a_line_is_split_at_its_command() -> None:
    schedule, command = split_line("  */5\t*  * * 1-5   /app/run.sh  a b")
    assert (schedule.text, command) == ("*/5 * * * 1-5", "/app/run.sh  a b")
    assert parse(" */5 * * * 1-5 \n  ").text == "*/5 * * * 1-5"
    schedule, command = split_line("@daily\t/app/run.sh")
    assert (schedule.text, command, schedule.wildcard) == ("@daily", "/app/run.sh", False)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", []),
        ("America/Sao_Paulo", []),
        ("Europe/Berlin", ["03-29 02:00→03:00", "10-25 03:00→02:00"]),
        ("Australia/Lord_Howe", ["04-05 02:00→01:30", "10-04 02:00→02:30"]),
    ],
)
def test_clock_changes_of_2026(zone: str, expected: list[str]) -> None:
    changes = clock_changes(ZoneInfo(zone), datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)))
    assert [f"{change.before:%m-%d %H:%M}→{change.after:%H:%M}" for change in changes] == expected
