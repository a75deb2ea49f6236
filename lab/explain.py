"""What a schedule does, in words: its fields, its next runs, and what its author may not expect."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim

from lab.crontab import MONTHS, WEEKDAYS, Field, Schedule, clock_changes, matches, parse, runs

SPAN = {"minute": (60, "hour"), "hour": (24, "day"), "month": (12, "year"), "day of week": (7, "week")}
REBOOT = (
    "Once, when cron starts for the first time after a boot.",
    "note: a container has no boot: cron leaves a flag, /run/crond.reboot, so that the job runs at the first start of "
    "a container and not after `docker restart`",
)


def explain(text: str, zone: ZoneInfo, start: datetime, count: int = 5) -> list[str]:
    """Say what five fields or a nickname do, as lines of text; `start` is a moment in `zone`.

    Raises lab.crontab.BadSchedule for what Debian's cron refuses.
    """
    schedule = parse(text)
    if schedule.reboot:
        return [schedule.text, *REBOOT]
    lines = [sentence(schedule), ""]
    lines += [f"{field.name:<14}{field.text:<12} {values(field)}".rstrip() for field in schedule.fields]
    kind = "wildcard (minute or hour starts with *)" if schedule.wildcard else "fixed time"
    lines += [f"{'kind of job':<14}{kind}", ""]
    upcoming = list(islice(runs(schedule, start), count))
    if upcoming:
        lines += [f"next runs after {moment(start)}, {zone.key}:", *(f"  {moment(at)}" for at in upcoming)]
    notes = list(remarks(schedule)) + (list(clock_notes(schedule, zone, start)) if upcoming else [])
    return lines + ([""] if upcoming and notes else []) + notes


def sentence(schedule: Schedule) -> str:
    """The schedule in one sentence of cronsim's, with Debian's day rule spelled out."""
    if schedule.expression is None:
        return "Never."
    said = CronSim(schedule.expression, datetime(2000, 1, 1)).explain()
    if schedule.either_day:
        said = said.replace(" and on ", " or on ")
    nickname = f"{schedule.text} is {' '.join(field.text for field in schedule.fields)}: "
    return (nickname if schedule.text.startswith("@") else "") + said + "."


def moment(at: datetime) -> str:
    """A moment with its weekday and its offset from UTC."""
    offset = at.strftime("%z")
    return f"{at:%a %Y-%m-%d %H:%M} {offset[:3]}:{offset[3:]}"


def values(field: Field) -> str:
    """The values of a field, names for months and weekdays; "any" for all of them."""
    if field.full:
        return "any"
    names = {"month": ("", *MONTHS), "day of week": (*WEEKDAYS, "Sun")}.get(field.name)
    shown = [names[value] if names else str(value) for value in sorted(field.values)]
    shown = list(dict.fromkeys(shown))  # Sunday is 0 and 7
    if len(shown) > 12:
        shown = [*shown[:3], "…", shown[-1]]
    return ", ".join(shown) or "nothing"


def remarks(schedule: Schedule) -> Iterator[str]:
    """What the fields themselves hold in store, whatever the zone."""
    for field in schedule.fields:
        if field.ignored:
            kept = field.text.removesuffix(field.ignored)
            yield f"warning: {field.name} {field.text!r} is read as {kept!r}: Debian's cron ignores what follows"
        if not field.values:
            yield f"warning: {field.name} {field.text!r} is a range written backwards: it matches nothing"
        yield from uneven_steps(field)
    if schedule.expression is None and all(field.values for field in schedule.fields):
        days, months = schedule.fields[2:4]
        yield f"warning: it never runs: no such date, day {values(days)} of {values(months)}"
    if schedule.either_day and schedule.expression:
        days, _, weekdays = schedule.fields[2:]
        yield (
            f"warning: both day fields are set, so EITHER is enough: every {values(weekdays)}, and also day "
            f"{values(days)} of the month whatever its weekday"
        )
    elif schedule.fields[2].text != "*" and schedule.fields[4].text != "*" and schedule.expression:
        yield "note: one day field starts with *, so BOTH must match"


def uneven_steps(field: Field) -> Iterator[str]:
    """Warn of a `*/N` that does not divide the hour, day, month, year or week."""
    step = int(field.clean[2:]) if field.clean.startswith("*/") and field.clean[2:].isdigit() else 1
    if field.name == "day of month":
        if 1 < step <= 30:
            yield f"note: day of month {field.text!r} starts again on the 1st of each month"
        return
    span, whole = SPAN[field.name]
    found = sorted(value for value in field.values if value < span + (field.name == "month"))
    if step == 1 or not found or (gap := span - found[-1] + found[0]) == step:
        return
    if len(found) == 1:
        yield f"warning: {field.name} {field.text!r} matches {found[0]} only: the step is longer than the {whole}"
        return
    again = f"starts again with each {whole}: after {found[-1]} the pause is {gap}, not {step}"
    yield f"warning: {field.name} {field.text!r} {again}"


def clock_notes(schedule: Schedule, zone: ZoneInfo, start: datetime) -> Iterator[str]:
    """What the changes of the clock in the year after `start` do to the job, by the rules of Debian's cron."""
    for change in clock_changes(zone, start):
        first, end = sorted((change.before, change.after))
        hit = matches(schedule, first, end)
        if not hit:
            continue
        times, many = times_of(hit), len(hit) > 1
        ahead = change.after > change.before
        day = f"on {change.before:%a %Y-%m-%d}" if ahead else f"on {change.after:%a %Y-%m-%d}"
        jump = f"the clock goes from {change.before:%H:%M} to {change.after:%H:%M}"
        if schedule.wildcard and schedule.fields[1].full:
            yield f"note: {day} {jump}: the job keeps its pace, {times} {'does not exist' if ahead else 'comes twice'}"
        elif schedule.wildcard and ahead:
            yield f"warning: {day} {jump}: no run at {times}, a wildcard job is not made up for"
        elif schedule.wildcard:
            yield f"warning: {day} {jump}: {times} {'run' if many else 'runs'} twice, once in each pass"
        elif ahead:
            together = ", all in that minute" if many else ""
            yield f"warning: {day} {jump}: {times} {'run' if many else 'runs'} at {change.after:%H:%M}{together}"
        else:
            yield f"note: {day} {jump}: {times} {'run' if many else 'runs'} in the first pass only"


def times_of(hit: Sequence[datetime]) -> str:
    """Times of day, only the first and the last of many."""
    if len(hit) > 4:
        return f"{hit[0]:%H:%M} … {hit[-1]:%H:%M}"
    return ", ".join(f"{at:%H:%M}" for at in hit)
