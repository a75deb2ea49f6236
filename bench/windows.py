"""What the conformance vectors ask of cron: windows of time, each with a zone, and the schedules in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MARGIN = 2 * HOUR  # that a night is watched for before and after the change of the clock
FIELDS, DAYS = "minutes and hours", "days and months"

IN_THREE_HOURS = """
* * * * * | */2 * * * * | */7 * * * * | */20 * * * * | */59 * * * * | */70 * * * * | 5 * * * * | 59 * * * * | 0,30 * * * *
1,2,3 * * * * | 10-15 * * * * | 50-59/3 * * * * | 0-59/30 * * * * | 1-59/2 * * * * | 10-20/5,40 * * * * | */15,7 * * * *
7,*/15 * * * * | 5-5/3 * * * * | 20-10 * * * * | 20-10,33 * * * * | @hourly | 30 10 * * * | */30 10 * * * | * 10 * * *
0-30/10 10-11 * * * | 15 */2 * * * | 15 1-23/2 * * * | 0 12 * * * | 29 9 * * * | 30 9 * * * | 29 12 * * * | 30 12 * * *
"""
IN_A_DAY = """
0 * * * * | 0 */2 * * * | 0 */5 * * * | 0 1-23/3 * * * | 0 9-17 * * * | 0 9-17/4 * * * | 0 0,12 * * * | 0 22-23,0-6 * * *
0 22-6 * * * | 0 22-6,12 * * * | 0 0-0/14 * * * | 0 5-1,*/9 * * * | 0 */23 * * * | 0 */24 * * * | 0 23-23/5 * * *
15,45 8,20 * * * | 0-59/20 8-9,20 * * * | 59 23 * * * | 0 0 * * * | @daily | @midnight | 30 6 * * * | 30 18 * * mon
30 18 * * MON | 30 18 * * 1 | 30 18 * * tue | 30 18 * * 1-5 | 30 18 * * sun-mon | 30 18 * * 6-7 | 0 6 2 mar * | 0 6 2 Mar mon
0 6 3 mar * | 0 6 3 mar mon | 0 6 * feb * | 0 6 2 */3 * | 0 6 */2 * * | 0 6 */2 * 1 | 0 6 2-30/2 * 2 | 0 */6 * * 0,7
"""
IN_A_LEAP_YEAR = """
0 0 1 * * | 0 0 28 * * | 0 0 29 * * | 0 0 30 * * | 0 0 31 * * | 0 0 28-31 * * | 0 0 1,15 * * | 0 0 */2 * * | 0 0 */7 * *
0 0 */10 * * | 0 0 */31 * * | 0 0 2-31/10 * * | 0 0 10-20/5 * * | 0 0 15-10 * * | 0 0 31-31/2 * * | 0 0 1-3,29-31 */6 *
0 0 * * 0 | 0 0 * * 7 | 0 0 * * 0,7 | 0 0 * * sun | 0 0 * * SUN | 0 0 * * 1-5 | 0 0 * * mon-fri | 0 0 * * 5-7 | 0 0 * * fri-sun
0 0 * * sat,sun | 0 0 * * mon,wed,fri | 0 0 * * */2 | 0 0 * * */3 | 0 0 * * */7 | 0 0 * * 1-5/2 | 0 0 * * 1-1/2 | 0 0 * * 0-7/7
0 0 1 jan * | 0 0 1 */3 * | 0 0 1 */5 * | 0 0 1 jan-mar * | 0 0 1 2-12/2 * | 0 0 1 nov-feb * | 0 0 1 feb,OCT * | 0 0 31 */2 *
0 0 31 4,6,9,11 * | 0 0 31 2 * | 0 0 30 2 * | 0 0 29 2 * | 0 0 29 feb tue | 0 0 28 2 * | 0 0 1 3 * | 0 0 * 2 * | 0 12 * 6 sat
0 0 13 * 5 | 0 0 13 * fri | 0 0 1 * 1 | 0 0 1,15 * mon | 0 0 1-7 * 1 | 0 0 8-14 * tue | 0 0 24-31 * 6 | 0 0 29 2 mon
0 0 */2 * 1 | 0 0 13 * */2 | 0 0 */2 * */2 | 0 0 1-7 * */7 | 0 0 */5 6 sun | 0 0 31 2 mon | 0 0 31 2 */2 | 0 0 1-31 2 1
0 0 1 2 0-6 | 0 0 *,10 * 1 | 0 0 10,* 5 1 | 0 0 13 5 1,* | 0 0 13 5 *,1 | 0 0 5-1,*/9 * tue | 0 0 */9,5-1 * tue | 0 0 20-10 * 3
30 12 1 * * | 0 6,18 1 * * | 0 */12 1 * * | */30 0 1 1 * | 0-55/5 23 31 12 * | @monthly | @weekly | @yearly | @annually
"""
AROUND_FEBRUARY = """
0 0 29 2 * | 0 0 28 2 * | 0 0 1 3 * | 0 0 28-31 * * | 0 0 */2 * * | 0 0 29 2 0 | 0 12 * feb * | 0 0 1 * * | @monthly
"""
AROUND_NEW_YEAR = """
0 0 31 12 * | 0 0 1 1 * | 55 23 31 dec * | @yearly | 0 0 * * fri | 0 12 * jan * | 0 0 31 * 5 | 0 0 */2 * * | @daily | @weekly
"""
IN_KATHMANDU = """
0 0 * * * | @daily | 45 23 * * * | 0 9 * * mon | 0 18 * * sun | 30 */6 * * * | 15 0-23/8 * * * | 0 5 2 * * | 0 5 1 * *
"""
# A job's schedule, and its command: what follows a % is its input, and no part of the schedule.
WITH_PERCENT = [
    ("30 7 * * *", "cat%one%two"),
    ("30 7 * * 1", r"echo 50\%"),
    ("30 7 2 * *", "echo it has no input%"),
    ("30 7 * 3 *", "echo the input is not read%% %"),
    ("*/30 7 * * *", r"tr a-z A-Z%half is 50\%"),
    ("0 8 2 3 1", "cat%*/5 * * * *"),
]
# In a night in which the clock is changed. {first} is the first time of day that it skips, or shows twice; {middle} lies half-way
# to {end}, where it goes on; {before} is a minute before {first}. `m` is the minute, `h` the hour.
IN_A_NIGHT = """
*/15 * * * * | {middle.m} * * * * | 0 * * * * | 0 0 * * * | {middle.m} {middle.h} * * * | {first.m} {first.h} * * *
{end.m} {end.h} * * * | {before.m} {before.h} * * * | */10 {middle.h} * * * | 0-59/10 {middle.h} * * * | {middle.m} */2 * * *
{middle.m} 0-23 * * * | 0,20,40 {first.h},{end.h} * * * | */20 {first.h},{end.h} * * * | {middle.m} {middle.h} {day} * *
{middle.m} {middle.h} * * {weekday} | {middle.m} {middle.h} * * {other} | {middle.m} {middle.h} {day} {month} {other}
{middle.m} {middle.h} */2 * *
"""
# The moment of each change, in UTC. Some zones change their offset without summer time: their clock has no flag for it.
NIGHTS = """
America/New_York    2026-03-08T07:00Z 2026-11-01T06:00Z
America/Nuuk        2026-03-29T01:00Z 2026-10-25T01:00Z
America/Santiago    2026-09-06T04:00Z 2026-04-05T03:00Z
America/Sao_Paulo   2018-11-04T03:00Z 2019-02-17T02:00Z
America/St_Johns    2007-03-11T03:31Z 2006-10-29T02:31Z
Africa/Cairo        2026-04-23T22:00Z 2026-10-29T21:00Z
Australia/Sydney    2026-10-03T16:00Z 2026-04-04T16:00Z
Europe/Berlin       2026-03-29T01:00Z 2026-10-25T01:00Z
Europe/Dublin       2026-03-29T01:00Z 2026-10-25T01:00Z
Europe/Volgograd    2018-10-27T23:00Z 2020-12-26T22:00Z
Pacific/Chatham     2026-09-26T14:00Z 2026-04-04T14:00Z
America/Caracas     2016-05-01T07:00Z 2007-12-09T07:00Z
Asia/Pyongyang      2018-05-04T15:00Z 2015-08-14T15:00Z
Australia/Lord_Howe 2026-10-03T15:30Z 2026-04-04T15:00Z
Antarctica/Casey    2021-10-02T16:01Z 2018-03-10T17:00Z
Antarctica/Davis    2010-03-10T20:00Z 2009-10-17T19:00Z
Antarctica/Troll    2026-03-29T01:00Z 2026-10-25T01:00Z
Antarctica/Vostok   2023-12-17T19:00Z
Pacific/Apia        2011-12-30T10:00Z
Pacific/Kwajalein   1993-08-21T12:00Z
"""


@dataclass(frozen=True)
class Window:
    """A time from `start` up to, not including, `end`, in UTC, and the jobs in it: schedule, command.

    The clock of cron moves on by `step` minutes; with more than one, jobs are due at multiples of it only.
    """

    topic: str
    zone: str
    start: datetime
    end: datetime
    jobs: list[tuple[str, str]] = field(repr=False)
    step: int = 1


def schedules(text: str) -> list[tuple[str, str]]:
    """The schedules of a text that divides them by | and lines, each once, with a command that prints nothing."""
    words = (word.strip() for line in text.strip().splitlines() for word in line.split("|"))
    return [(word, "") for word in dict.fromkeys(words)]


def window(topic: str, zone: str, start: str, length: timedelta, text: str, step: int = 1) -> Window:
    """A window from a moment that is given in the zone's own time."""
    begin = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return Window(topic, zone, begin, begin + length, schedules(text), step)


@dataclass(frozen=True)
class TimeOfDay:
    """Hour and minute, as the templates of IN_A_NIGHT name them."""

    h: int
    m: int


def night(zone: str, change: datetime) -> Window:
    """The window around a change of the clock."""
    start, end = ((change + beside).astimezone(ZoneInfo(zone)).replace(tzinfo=None) for beside in (-MINUTE, MINUTE))
    start, end = start + MINUTE, end - MINUTE  # what the clock shows at the change, and what it shows instead
    shift = abs(end - start)
    first, last = min(start, end), max(start, end)
    middle = first + shift / 2
    times = {"first": first, "middle": middle, "end": last, "before": first - MINUTE}
    text = IN_A_NIGHT.format(
        **{name: TimeOfDay(at.hour, at.minute) for name, at in times.items()},
        day=middle.day,
        month=f"{middle:%b}".lower(),
        weekday=f"{middle:%a}".lower(),
        other=f"{middle + timedelta(days=3):%a}".lower(),
    )
    size = "half an hour" if shift < HOUR else "an hour" if shift == HOUR else "several hours"
    margin = MARGIN + (shift if end < start else timedelta(0))
    return Window(f"a shift of {size}", zone, change - MARGIN, change + margin, schedules(text))


def windows() -> Iterator[Window]:
    """All of them, the longest first."""
    yield window(DAYS, "UTC", "2028-01-01", timedelta(days=366), IN_A_LEAP_YEAR, step=5)
    for year in (2000, 2026, 2036):  # from 2038-01-19 on, this cron counts wrong: it has 32 bits for a moment
        yield window(DAYS, "UTC", f"{year}-02-26", timedelta(days=5), AROUND_FEBRUARY, step=5)
    yield window(DAYS, "Pacific/Auckland", "2026-12-30", timedelta(days=4), AROUND_NEW_YEAR, step=5)
    day = window(FIELDS, "UTC", "2026-03-02", timedelta(days=1), IN_A_DAY)
    day.jobs.extend(WITH_PERCENT)
    yield day
    yield window(FIELDS, "Asia/Kathmandu", "2026-03-02", timedelta(days=1), IN_KATHMANDU)
    yield window(FIELDS, "UTC", "2026-03-02T09:30", timedelta(hours=3), IN_THREE_HOURS)
    for zone, *changes in map(str.split, NIGHTS.strip().splitlines()):
        yield from (night(zone, datetime.fromisoformat(change)) for change in changes)
