"""The repairs of a wrong prefect.yaml, in their order: each says what is wrong, and gives the schedules as they should be."""

from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

from lab.cron.crontab import ScheduleRejected, split_line
from lab.migrate.dates import Cron
from lab.migrate.pairs import Pair
from lab.migrate.prefect_yaml import Scheduled

Repair = Callable[[Pair, list[Scheduled], ZoneInfo], list[Scheduled]]
Named = Callable[[Pair, list[Scheduled], ZoneInfo], str]


def resumed(pair: Pair, schedules: list[Scheduled], zone: ZoneInfo) -> list[Scheduled]:
    """The schedules, all of them active."""
    return [replace(one, active=True) for one in schedules]


def is_paused(pair: Pair, schedules: list[Scheduled], zone: ZoneInfo) -> str:
    """Which deployments have a schedule that is paused."""
    names = dict.fromkeys(one.deployment for one in schedules if not one.active)
    return f"deployment {' and '.join(names)} is paused, or its schedule is"


def in_zone(pair: Pair, schedules: list[Scheduled], zone: ZoneInfo) -> list[Scheduled]:
    """The schedules by the clock of cron."""
    return [replace(one, timing=replace(one.timing, zone=zone)) if one.timing else one for one in schedules]


def other_zone(pair: Pair, schedules: list[Scheduled], zone: ZoneInfo) -> str:
    """Which time zones the schedules have."""
    others = dict.fromkeys(str(one.timing.zone) for one in schedules if one.timing and one.timing.zone != zone)
    return f"the time zone is {' and '.join(others)}, cron's is {zone}"


def with_day_or(pair: Pair, schedules: list[Scheduled], zone: ZoneInfo) -> list[Scheduled]:
    """The schedules with the day_or that makes Prefect read two day fields as cron does."""
    return [
        replace(one, timing=replace(one.timing, day_or=either_day(one.timing))) if isinstance(one.timing, Cron) else one
        for one in schedules
    ]


def either_day(timing: Cron) -> bool:
    """Whether one of two day fields is enough to cron; where cron refuses the line, what it says."""
    try:
        schedule, _ = split_line(timing.text)
    except ScheduleRejected:
        return timing.day_or
    return schedule.either_day


def wrong_day_or(pair: Pair, schedules: list[Scheduled], zone: ZoneInfo) -> str:
    """What the schedules say of their two day fields."""
    for one in schedules:
        if isinstance(one.timing, Cron) and one.timing.day_or != (right := either_day(one.timing)):
            said = f"is {str(one.timing.day_or).lower()}" if one.day_or_given else "is missing"
            return f"day_or {said}: cron reads {one.timing.text!r} as day_or: {str(right).lower()}"
    return ""


def as_in_crontab(pair: Pair, schedules: list[Scheduled], zone: ZoneInfo) -> list[Scheduled]:
    """The schedules of the lines, given to Prefect."""
    return [
        Scheduled("", Cron(line.schedule.expression, zone, line.schedule.either_day), None)
        for line in pair.lines
        if line.schedule.expression
    ]


def other_schedule(pair: Pair, schedules: list[Scheduled], zone: ZoneInfo) -> str:
    """What the lines say, and what the schedules say."""
    if wrong := [f"deployment {one.deployment}: {one.wrong}" for one in pair.schedules if one.wrong]:
        return "; ".join(wrong)
    lines = [f"line {line.number} has {line.schedule.text}" for line in pair.lines]
    others = [f"{one.deployment} has {one.timing}" for one in schedules if one.timing]
    return f"the schedule is another: {', '.join(lines)}; {', '.join(others) or 'there is no other'}"


REPAIRS: tuple[tuple[Named, Repair], ...] = (
    (is_paused, resumed),
    (other_zone, in_zone),
    (wrong_day_or, with_day_or),
    (other_schedule, as_in_crontab),
)
