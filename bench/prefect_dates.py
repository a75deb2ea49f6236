"""The dates that Prefect itself plans for many schedules, as a digest each: what `lab migrate diff` is held against.

`python -m bench.prefect_dates > tests/records/prefect-dates.json`, from the folder of the course, by a Python 3.13
that has prefect==3.9.1 installed. (Under an older Python, Prefect computes intervals by another library.) Minutes of work.
"""

import asyncio
import hashlib
import json
import platform
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

from engine.records import digest as digest_of

SOME = 500  # dates at a time
# A year whose clock changes and whose leap day no government can alter any more.
WINDOW = ("2023-11-01", 400)
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Chatham",
    "Asia/Kolkata", "Europe/Dublin", "Africa/Casablanca", "Antarctica/Troll",
)  # fmt: skip
OTHER_NIGHTS = (  # midnight does not exist, a day does not exist, a year whose February has 28 days
    ("America/Sao_Paulo", "2017-10-01", 400),
    ("Pacific/Apia", "2011-09-01", 200),
    ("UTC", "2022-02-01", 400),
)
CRONS = tuple("""
*/20 * * * *|0 3 * * *|30 2 * * *|0 * * * *|15 */6 * * *|0 9 * * 1-5|0 9 * * MON-FRI|0 0 1 * *|0 0 1,15 * *|0 0 1 * 1
0 0 */2 * 1|0 0 1-7 * 1|0 0 * * 7|0 0 * * 0|0 0 * * sun|0 0 31 * *|0 0 29 2 *|5-59/10 2-3 * * *|0 8-18/2 * * 1-5|@hourly
@daily|@weekly|@monthly|@yearly|@midnight|0 0 * jan,jul *|0 0 * JAN-MAR *|*/7 1 * * *|0 */5 * * *|0 12 * * 5-7|0 12 * * 6,7
0 2 * * *|30 1 * * *|*/15 2 * * *|0-59/30 2 * * *|10-20/3 1,2,3 * * *|0 0 13 * 5|00 06 * * *|0 0 */10 * *|0 5 */5 * *
0 22 * * 1-7|59 23 31 12 *|0 0 1 */3 *|0 4 8-14 * *|0 4 * * */2|0 4 */1 * 1|0 0 30 2 *|0 6 * * mon,wed,fri|0 0 * * 5-0
0 0 1,15,30 * *|15 3 1,31 * *|0 0 28-31 * 1|30 1 1,29 * *|0 9 L * *|0 9 * * 5#2|0 9 * * l5|0 22-2 * * *|0 0 1 1 * 30
0 0 10/10 * *|0 9 ? * 1|0 0 1,2,3,31 2-4 *
""".strip().replace("\n", "|").split("|"))  # fmt: skip
INTERVALS = (  # seconds, and the anchor
    (3600, "2023-11-01T00:15:00+00:00"),
    (5400, "2020-01-01T00:00:00+00:00"),
    (86400, "2020-01-01T02:30:00"),
    (86400, "2024-07-01T01:30:00+00:00"),  # in the middle
    (172800, "2021-03-28T00:30:00-05:00"),
    (604800, "2023-01-01T23:45:00+13:45"),
    (93600, "2023-06-01T12:00:00+00:00"),  # a day and two hours
    (86400.5, "2023-06-01T12:00:00+00:00"),
)
RRULES = (
    "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
    "FREQ=MONTHLY;BYMONTHDAY=-1;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=2;BYMINUTE=30;BYSECOND=0",
    "FREQ=HOURLY;INTERVAL=6;BYMINUTE=0;BYSECOND=0",
    "DTSTART:20230101T023000\nRRULE:FREQ=DAILY",
    "DTSTART:20230101T013000\nRRULE:FREQ=DAILY;UNTIL=20240701T000000",
    "DTSTART:20240101T000000\nRRULE:FREQ=HOURLY;COUNT=3000",
)


def cases() -> Iterator[dict[str, Any]]:
    """What is asked: a schedule with its settings as prefect.yaml has them, and the window."""
    places = [(zone, *WINDOW) for zone in ZONES] + list(OTHER_NIGHTS)
    for zone, start, days in places:
        place = {"timezone": zone, "start": start, "days": days}
        for text in CRONS:
            both = len(text.split()) == 5 and not {"*", "?"} & {text.split()[2], text.split()[4]}
            for day_or in (True, False)[: 1 + both]:
                yield {"cron": text, "day_or": day_or, **place}
        for seconds, anchor in INTERVALS:
            yield {"interval": seconds, "anchor_date": anchor, **place}
        for text in RRULES:
            yield {"rrule": text, **place}
    yield {"cron": "* * * * *", "day_or": True, "timezone": "Australia/Lord_Howe", "start": "2024-03-01", "days": 60}


def window(case: dict[str, Any]) -> tuple[datetime, datetime]:
    """The first and the last moment of a case, both of them in it."""
    start = datetime.fromisoformat(case["start"]).replace(tzinfo=UTC)
    return start, start + timedelta(days=case["days"])


def schedule_of(case: dict[str, Any]) -> Any:
    """Prefect's own schedule."""
    zone = case["timezone"]
    if "cron" in case:
        return CronSchedule(cron=case["cron"], timezone=zone, day_or=case["day_or"])
    if "rrule" in case:
        return RRuleSchedule(rrule=case["rrule"], timezone=zone)
    anchor = datetime.fromisoformat(case["anchor_date"])
    return IntervalSchedule(interval=timedelta(seconds=case["interval"]), anchor_date=anchor, timezone=zone)


async def planned(case: dict[str, Any]) -> list[datetime] | str:
    """All dates of a case, asked for as Prefect's scheduler asks: so many at a time. The error's name when it has none."""
    schedule = schedule_of(case)
    start, end = window(case)
    found: list[datetime] = []
    try:
        while some := await schedule.get_dates(SOME, start, end):
            found += [at.astimezone(UTC) for at in some]
            if len(some) < SOME:
                break
            start = found[-1] + timedelta(seconds=1)
    except ValueError as error:  # of croniter: there is no next date
        return type(error).__name__
    return found


def digest(found: list[datetime] | str) -> list[int | str]:
    """How many dates, and a digest of them to the second, in order; where an hour comes twice, Prefect's own is another."""
    if isinstance(found, str):
        return [0, found]
    text = "\n".join(f"{at:%Y-%m-%dT%H:%M:%S}" for at in sorted(found))
    return [len(found), hashlib.sha256(text.encode()).hexdigest()[:16]]


async def main() -> None:
    """Ask Prefect, and print the record."""
    lines = [json.dumps({**case, "dates": digest(await planned(case))}) for case in cases()]
    about = {"prefect": version("prefect"), "python": platform.python_version(), "inputs": digest_of([Path(__file__)])}
    print(f'{{\n "about": {json.dumps(about)},\n "cases": [\n  ' + ",\n  ".join(lines) + "\n ]\n}")


if __name__ == "__main__":
    asyncio.run(main())
