"""What `make outages` asks of cron: two hundred random outages, always the same ones."""

import random
from datetime import datetime, timedelta
from typing import Any

COUNT = 200
SEED = 4
MINUTE = timedelta(minutes=1)
DAY = datetime(2026, 3, 2)  # a Monday
SCHEDULES = ("*/20 * * * *", "* * * * *", "*/7 * * * *", "5 * * * *", "10,40 * * * *", "*/15 2-5 * * *", "0 */2 * * *")
KEEPS = ("all", "latest", "3600")  # what catch_up.sh is told to make up for
DOWN = ("machine", "sleep", "worker")
LENGTHS = ((1, 6), (5, 182), (179, 720))  # minutes: around the two limits that cron knows


def cron_cases() -> list[dict[str, Any]]:
    """The outages of cron, in whole minutes, each with schedules and with jobs of a fixed time in it or near it."""
    draw = random.Random(SEED)
    cases = []
    for number in range(COUNT):
        off = DAY + draw.randrange(30, 23 * 60) * MINUTE
        on = off + draw.randint(*LENGTHS[number % 3]) * MINUTE
        fixed = [off + draw.randrange(-10, (on - off) // MINUTE + 24) * MINUTE for _ in range(4)]
        cases.append(
            {
                "down": DOWN[number // 3 % 3],
                "from": iso(off - 21 * MINUTE),
                "off": iso(off),
                "on": iso(on),
                "to": iso(on + 25 * MINUTE),
                "jobs": [*SCHEDULES, *(f"{at.minute} {at.hour} * * *" for at in fixed)],
                "keeps": list(KEEPS),
            }
        )
    return cases


def iso(at: datetime) -> str:
    """A minute in UTC."""
    return f"{at:%Y-%m-%dT%H:%M}Z"
