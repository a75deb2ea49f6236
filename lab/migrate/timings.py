"""When the runs of a schedule of prefect.yaml are due: cron, interval or rrule, as Prefect 3.9.1 takes them."""

import os
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter
from dateutil.rrule import rrulestr

from lab.migrate.dates import Cron, Interval, RRule, Timing

KINDS = ("cron", "interval", "rrule")
YES, NO = ("true", "t", "yes", "y", "on", "1"), ("false", "f", "no", "n", "off", "0")
TEMPLATE = re.compile(r"\{\{\s*\$(\w+)\s*\}\}")  # a variable of the environment of `prefect deploy`
DURATION = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>[\d.]+)S)?)?"
    r"|(?P<clock_hours>\d+):(?P<clock_minutes>\d\d):(?P<clock_seconds>\d\d(?:\.\d+)?)"
)


class Wrong(ValueError):
    """What prefect.yaml has in place of a schedule; the text says what is wrong with it."""


def timing_of(fields: dict[Any, Any]) -> Timing:
    """When the runs of a schedule are due. Raises Wrong when Prefect does not take it, or nobody can tell."""
    kinds = [kind for kind in KINDS if fields.get(kind) is not None]
    if len(kinds) != 1:
        raise Wrong(f"it needs one of {', '.join(KINDS)}, and has {' and '.join(kinds) or 'none'}")
    value = filled(fields[kinds[0]])
    zone = zone_of(fields.get("timezone"))
    if kinds == ["cron"]:
        return Cron(cron_line(value), zone or ZoneInfo("UTC"), truth(fields.get("day_or"), True))
    if kinds == ["rrule"]:
        return RRule(rule_text(value), zone or ZoneInfo("UTC"))
    every = span(value)
    if fields.get("anchor_date") is None:
        raise Wrong("an interval without anchor_date begins when it is deployed, so nobody can tell when it runs")
    anchor = moment(filled(fields["anchor_date"]), zone)
    return Interval(every, anchor, zone or ZoneInfo("UTC"))


def cron_line(value: object) -> str:
    """A line that Prefect takes. Raises Wrong."""
    if not isinstance(value, str):
        raise Wrong(f"cron: {value} is no text: put it in quotes")
    if not croniter.is_valid(value) or {"r", "h"} & set(value.casefold().split()):
        raise Wrong(f"Prefect refuses cron: {value!r}")
    return value


def rule_text(value: object) -> str:
    """A rule that Prefect takes. Raises Wrong."""
    if not isinstance(value, str):
        raise Wrong(f"rrule: {value} is no text: put it in quotes")
    try:
        rrulestr(value, cache=True)
    except (ValueError, TypeError, AttributeError, IndexError, KeyError):
        raise Wrong(f"Prefect refuses rrule: {value!r}") from None
    return value


def span(value: object) -> timedelta:
    """An interval: seconds, ISO 8601 or hours:minutes:seconds. Raises Wrong."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        if isinstance(value, str) and (match := DURATION.fullmatch(value)):
            parts = {name.removeprefix("clock_"): float(part) for name, part in match.groupdict().items() if part}
            every = timedelta(**parts)
        else:
            every = timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        raise Wrong(f"interval: {value} is no length of time: write seconds") from None
    if every <= timedelta(0):
        raise Wrong(f"interval: {value} is not above zero")
    return every


def moment(value: object, zone: ZoneInfo | None) -> datetime:
    """An anchor; one without offset is the zone's own. Raises Wrong."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Wrong(f"anchor_date: {value!r} is no date: write it as 2026-03-08T01:00:00+00:00") from None
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime) or not 1970 <= value.year < 9998:
        raise Wrong(f"anchor_date: {value} is no date: write it as 2026-03-08T01:00:00+00:00")
    return value if value.tzinfo else value.replace(tzinfo=zone or UTC)


def zone_of(value: object) -> ZoneInfo | None:
    """A time zone; None when the schedule names none. Raises Wrong."""
    if value is None:
        return None
    value = filled(value)
    try:
        return ZoneInfo(str(value))
    except (ValueError, OSError, KeyError):  # KeyError: no such zone
        raise Wrong(f"timezone: {value!r} is no time zone") from None


def filled(value: object) -> object:
    """A value with the variables of the environment in it. Raises Wrong when one is not set, or it is another template."""
    if not isinstance(value, str) or "{{" not in value:
        return value
    missing = [name for name in TEMPLATE.findall(value) if name not in os.environ]
    if missing:
        raise Wrong(f"{value!r} needs the variable {missing[0]}: set it as for prefect deploy")
    value = TEMPLATE.sub(lambda match: os.environ[match[1]], value)
    if "{{" in value:
        raise Wrong(f"{value!r} is known to Prefect's server only")
    return value


def truth(value: object, otherwise: bool) -> bool:
    """A truth value, also one written as text, as Prefect takes it."""
    word = str(value).casefold()
    return word in YES or (word not in NO and otherwise)
