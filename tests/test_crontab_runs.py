"""The next runs and the sentence of `lab cron explain`, against a model of Debian's daemon that shares nothing with them.

A sample of each comparison always runs, drawn from the commit's hash where it can be; all of it with PROVE=1.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from support.cron import BOUNDS, NAMES, fired, job, ticks, without_changes
from support.records import commit, proving

from lab.cron.crontab import parse
from lab.cron.runs import runs
from lab.cron.sentence import sentence

UNIVERSAL = ZoneInfo("UTC")
YEARS = 9  # of which a leap day has at least one in any century
CHANGES = {  # zone → days (UTC) about whose noon a window of 36 hours is taken
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "America/Sao_Paulo": ["2018-11-04", "2019-02-17"],
    "America/St_Johns": ["2006-04-02", "2006-10-29"],  # at 00:01
    "Australia/Lord_Howe": ["2026-04-04", "2026-10-03"],  # by 30 minutes
    "Pacific/Chatham": ["2026-04-04", "2026-09-26"],  # at 03:45, and back at 02:45
    "Antarctica/Troll": ["2026-03-29", "2026-10-25"],  # by two hours
    "Antarctica/Casey": ["2021-10-02", "2023-03-08"],  # by three
    "Antarctica/Vostok": ["1994-01-31", "1994-11-01"],  # by seven
    "Pacific/Apia": ["2011-12-30", "2011-09-24"],  # a day that does not exist
}


def expressions(seed: str, count: int) -> list[str]:
    """Expressions that cron takes, often odd: steps over one value, backwards ranges, names, lists with * in them."""
    draw = random.Random(seed)
    return [" ".join(field(draw, place) for place in range(len(BOUNDS))) for _ in range(count)]


def field(draw: random.Random, place: int) -> str:
    low, high = BOUNDS[place]
    if draw.random() < (0.25, 0.3, 0.45, 0.6, 0.5)[place]:
        return "*"

    def value() -> str:
        number = draw.randint(low, high)
        return draw.choice(NAMES[place]) if NAMES[place] and draw.random() < 0.3 else str(number)

    def term() -> str:
        first, last, step = value(), value(), draw.choice((1, 2, 3, 5, 7, 10, 14, 15, 20, 30, 40, 90))
        return draw.choice(
            (
                first,
                first,
                first,
                f"{first}-{last}",
                f"{first}-{last}/{step}",
                f"{first}-{first}/{step}",
                f"*/{step}",
                "*",
            )
        )

    return ",".join(term() for _ in range(draw.choice((1, 1, 1, 2, 3))))


def until(end: datetime, moments: Iterator[datetime]) -> Iterator[datetime]:
    """The moments before an end."""
    return takewhile(lambda at: at < end, moments)


@pytest.mark.parametrize("part", range(10))
def test_next_runs_of_generated_expressions(part: int) -> None:
    """Five runs of each after a drawn moment, in UTC; 5,000 expressions in all."""
    asked = expressions(f"runs {part}", 500)
    draw = random.Random(commit() + part)
    asked = asked if proving() else draw.sample(asked, 12)
    different = []
    for text in asked:
        start = datetime(2024 + draw.randrange(4), draw.randint(1, 12), draw.randint(1, 28), draw.randrange(24), 30)
        expected = without_changes(job(text), start, 5, YEARS * 366)
        end = (start + timedelta(days=YEARS * 366)).replace(hour=0, minute=0, tzinfo=UTC)
        found = until(end, runs(parse(text), start.replace(tzinfo=UNIVERSAL)))
        listed = [at.replace(tzinfo=None) for at in islice(found, 5)]
        if listed != expected:
            different.append(f"{text} after {start}: lab {listed}, cron {expected}")
    assert not different, "\n".join(different)


@pytest.mark.parametrize("zone", CHANGES)
def test_runs_around_a_change_of_the_clock(zone: str) -> None:
    """All runs of 36 hours about each change, of 50 expressions that run often."""
    asked = [" ".join(text.split()[:2]) + " * * *" for text in expressions(f"changes {zone}", 44)]
    asked = asked if proving() else random.Random(commit()).sample(asked, 4)
    asked += ["30 * * * *", "*/20 0 * * *", "* 2 * * *", "30 2 * * *", "10,40 0-23 * * *", "0 0 * * *"]
    for day in CHANGES[zone]:
        start = datetime.fromisoformat(f"{day}T12:00Z") - timedelta(hours=18)
        end = start + timedelta(hours=36)
        searches = list(ticks(ZoneInfo(zone), start, end))
        offsets = {(start + timedelta(hours=hour)).astimezone(ZoneInfo(zone)).utcoffset() for hour in range(37)}
        assert len(offsets) == 2, f"{zone} does not change about {day}"
        for text in asked:
            found = until(end, runs(parse(text), start.astimezone(ZoneInfo(zone))))
            assert [at.astimezone(UTC) for at in found] == fired(job(text), searches), f"{text} in {zone} about {day}"


@pytest.mark.parametrize("zone", CHANGES)
def test_runs_from_any_moment_around_a_change(zone: str) -> None:
    """What is listed from a moment on is the rest of what is listed from the day before, in both passes of an hour."""
    schedules = [parse(text) for text in ("*/20 * * * *", "*/30 1-2 * * *", "10,40 0-3 * * *")]
    for day in CHANGES[zone]:
        noon = datetime.fromisoformat(f"{day}T12:00Z")
        for schedule in schedules:
            whole = list(islice(runs(schedule, (noon - timedelta(days=2)).astimezone(ZoneInfo(zone))), 400))
            for minutes in range(-1440, 1440, 10 if proving() else 170):
                start = noon + timedelta(minutes=minutes)
                rest = [at for at in whole if at.astimezone(UTC) > start][:3]
                found = list(islice(runs(schedule, start.astimezone(ZoneInfo(zone))), len(rest)))
                assert [at.astimezone(UTC) for at in found] == [at.astimezone(UTC) for at in rest]


def test_a_sentence_says_what_runs() -> None:
    """Two schedules have the same sentence exactly when they run at the same times, so no sentence says too little."""
    said: dict[str, object] = {}
    meant: dict[object, str] = {}
    for text in expressions("sentences", 20_000 if proving() else 800):
        wanted = job(text)
        schedule = parse(text)
        if schedule.expression is None:
            assert sentence(schedule) == "Never."
            continue
        days = frozenset(
            (day, weekday)
            for day in range(1, 32)
            for weekday in range(7)
            if (day in wanted.days, weekday in wanted.weekdays).count(True) > wanted.any_day
        )
        times = (*map(frozenset, (wanted.minutes, wanted.hours, wanted.months)), days)
        assert said.setdefault(sentence(schedule), times) == times, text
        assert meant.setdefault(times, sentence(schedule)) == sentence(schedule), text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", "Every minute."),
        ("*/15 * * * *", "Every 15 minutes."),
        ("@hourly", "@hourly is 0 * * * *: At minute 0 of every hour."),
        ("*/90 * * * *", "At minute 0 of every hour."),
        ("*/7 * * * *", "At every 7th minute from 0 through 56 of every hour."),
        ("* 5,21-22 * * *", "Every minute during hours 5, 21 and 22 every day."),
        (
            "*/10 2 * jan-mar 1-5",
            "Every 10 minutes from 02:00 through 02:59 on Monday through Friday from January through March.",
        ),
        ("5,30 8-18/4 * * *", "At minutes 5 and 30 of hours 8, 12 and 16 every day."),
        (
            "0 9 1,2,3,21,22,31 * *",
            "At 09:00 on the 1st through the 3rd, the 21st, the 22nd and the 31st of the month.",
        ),
        ("0 0 13 * 5", "At 00:00 on the 13th of the month or on Friday."),
        ("0 0 13 1 5", "At 00:00 on the 13th of the month or on Friday, in January."),
        ("0 0 */2 * 1", "At 00:00 on every 2nd day from the 1st through the 31st of the month if it is Monday."),
        ("0 0 1-31 * 1", "At 00:00 every day."),
        ("0 0 1 * 0-6", "At 00:00 every day."),
        ("0 0 * * fri,sat,7", "At 00:00 on Friday through Sunday."),
        ("0 0 31 1-11 *", "At 00:00 on the 31st of the month from January through November."),
        ("0 22-6 * * *", "Never."),
    ],
)
def test_sentences(text: str, expected: str) -> None:
    assert sentence(parse(text)) == expected
