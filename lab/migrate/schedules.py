"""The schedules of a line for Prefect: as written, where Prefect reads them as cron does, else written out or split."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lab.cron.crontab import RANGES, Field, Schedule
from lab.cron.runs import ClockChange, clock_changes, due_at, matches

PLAIN = re.compile(r"(\*|[0-9]{1,2}|[A-Za-z]{3})(-([0-9]{1,2}|[A-Za-z]{3}))?(/[1-9][0-9]?)?")
FEBRUARY, MARCH = 2, 3
LOOK_AHEAD = 400  # days
AROUND = timedelta(hours=3)


@dataclass(frozen=True)
class Cron:
    """A schedule of Prefect: five fields, and whether one of two day fields is enough."""

    cron: str
    day_or: bool


def for_prefect(schedule: Schedule) -> list[Cron]:
    """The schedules whose dates together are those of the line; none when it has no dates.

    The changes of a clock apart: `differing` lists what they make different.
    """
    if schedule.expression is None:
        return []
    text = [written(field) for field in schedule.fields]
    days, weekdays = schedule.fields[2], schedule.fields[4]
    either = schedule.either_day
    if either and (days.full or weekdays.full):  # one of the two always matches; to Prefect a star restricts nothing
        return [Cron(" ".join([*text[:2], "*", text[3], "*"]), False)]
    if either and not (days.values and weekdays.values):  # a range written backwards: only the other field counts
        text[2], text[4], either = text[2] or "*", text[4] or "*", False
    if not loses_march(schedule):
        return [Cron(" ".join(text), either)]
    low, high = (listed(value for value in days.values if (value > 28) == late) for late in (False, True))
    others = listed(set(range(7)) - weekdays.values) if either else text[4]
    first = [*text[:2], low, *text[3:]]
    second = [*text[:2], high, text[3], others]
    return [Cron(" ".join(first), either), *([Cron(" ".join(second), False)] if others else [])]


def written(field: Field) -> str:
    """A field as it stands, or its values where Prefect may read it otherwise; empty when nothing matches."""
    plain = all(map(PLAIN.fullmatch, field.text.split(",")))
    high = RANGES[field.name][1]
    steps = [int(step) for step in re.findall(r"/(\d+)", field.text)]
    seven = field.name == "day of week" and "7" in field.text
    if plain and field.values and not field.backwards and not seven and max(steps, default=0) <= high:
        return field.text
    return (
        "*" if field.full else listed({value % 7 if field.name == "day of week" else value for value in field.values})
    )


def listed(values: object) -> str:
    """Values as a list of numbers."""
    return ",".join(map(str, sorted(values)))  # type: ignore[call-overload]


def loses_march(schedule: Schedule) -> bool:
    """Whether Prefect would lose days of March: from the end of February it goes on to the 29th, 30th or 31st.

    Counted on from February's end, that is a day of March, and the days before it are passed over; not so where the job
    is due on the last day of February, from which it goes on to the next.
    """
    days, months = schedule.fields[2].values, schedule.fields[3].values
    if schedule.fields[2].full or not {FEBRUARY, MARCH} <= months:
        return False
    for length in (28, 29):
        beyond = [day - length for day in days if day > length]
        if length not in days and beyond and any(day < min(beyond) for day in days):
            return True
    return False


def differing(schedule: Schedule, zone: ZoneInfo, start: datetime) -> list[datetime]:
    """The clock changes (local, without zone) at which Prefect starts the job at other moments, in LOOK_AHEAD days.

    Cron makes up a fixed time that the clock skips as soon as it can, and starts a job that follows the clock in both
    passes of a repeated hour. Prefect starts all once, by the clock as it was before the change.
    """
    return [change.before for change in clock_changes(zone, start, LOOK_AHEAD) if differs(schedule, zone, change)]


def differs(schedule: Schedule, zone: ZoneInfo, change: ClockChange) -> bool:
    """Whether the moments about a change of the clock are others for Prefect than for cron."""
    first, last = min(change.before, change.after), max(change.before, change.after)
    times = matches(schedule, first - AROUND, last + AROUND)
    by_cron = {moment for naive in times for moment in due_at(schedule, naive, zone)}
    return by_cron != {naive.replace(tzinfo=zone).astimezone(UTC) for naive in times}
