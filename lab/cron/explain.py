"""What a schedule does, in words: its fields, its next runs, and what its author may not expect."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from engine.core import UserError
from lab.cron.crontab import (
    MONTHS,
    RANGES,
    WEEKDAYS,
    CommandFollows,
    Field,
    Schedule,
    ScheduleRejected,
    parse,
    printable,
)
from lab.cron.runs import JUMP, ClockChange, clock_changes, made_up, matches, runs, runs_twice
from lab.cron.sentence import sentence

SPAN = {
    "minute": (60, "hour"),
    "hour": (24, "day"),
    "day of month": (31, "month"),
    "month": (12, "year"),
    "day of week": (7, "week"),
}
DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # of each month, Feb in a leap year
REBOOT = (
    "Once, when cron starts for the first time after a boot.",
    "note: a container has no boot: cron leaves a flag, /run/crond.reboot, so that the job runs at the first start of "
    "a container and not after `docker restart`",
)


@dataclass(frozen=True)
class Explanation:
    """What a schedule does, as paragraphs of lines, each of which may be empty."""

    words: list[str]
    fields: list[str]
    runs: list[str]
    notes: list[str]

    @property
    def lines(self) -> list[str]:
        """All of it as `lab cron explain` prints it: an empty line between two paragraphs."""
        said, *rest = filter(None, (self.words, self.fields, self.runs, self.notes))
        return said + [line for paragraph in rest for line in ("", *paragraph)]


def explain(text: str, zone: ZoneInfo, start: datetime, count: int = 5) -> list[str]:
    """Say what five fields or a nickname do, as lines of text; `start` is a moment in `zone`.

    Raises ScheduleRejected when Debian's cron refuses it.
    """
    return explanation(parse(text), zone, start, count).lines


def schedule_named(text: str) -> Schedule:
    """The schedule that a command line names. Raises UserError when cron refuses it, or when it is more than one."""
    try:
        return parse(text)
    except CommandFollows as reason:
        raise UserError(f"{text!r} is more than a schedule: {reason}") from None
    except ScheduleRejected as reason:
        raise UserError(f"cron refuses {text!r}: {reason}") from None


def explanation(schedule: Schedule, zone: ZoneInfo, start: datetime, count: int = 5) -> Explanation:
    """Say what a schedule does; its next `count` runs are those after `start`, a moment in `zone`."""
    if schedule.reboot:
        return Explanation([schedule.text, REBOOT[0]], [], [], [REBOOT[1]])
    fields = [f"{field.name:<14}{field.text:<12} {values(field)}".rstrip() for field in schedule.fields]
    kind = "wildcard (minute or hour starts with *)" if schedule.wildcard else "fixed time"
    upcoming = [f"  {moment(at)}" for at in islice(runs(schedule, start), count)]
    notes = [*remarks(schedule), *(clock_notes(schedule, zone, start) if upcoming else ())]
    return Explanation(
        [printable(sentence(schedule))],
        [*map(printable, fields), f"{'kind of job':<14}{kind}"],
        [f"next runs after {moment(start)}, {zone.key}:", *upcoming] if upcoming else [],
        [*map(printable, notes)],
    )


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
    """Warnings and notes about the fields, whatever the time zone."""
    for field in schedule.fields:
        if field.ignored:
            kept = field.text.removesuffix(field.ignored)
            yield f"warning: {field.name} {field.text!r} is read as {kept!r}: Debian's cron ignores what follows"
        for term in field.backwards:
            yield f"warning: {field.name} {term!r} is a range written backwards: it matches nothing"
        yield from uneven_steps(field)
    if schedule.expression:
        yield from day_remarks(schedule)
    elif all(field.values for field in schedule.fields):
        days, months = schedule.fields[2:4]
        yield f"warning: it never runs: no such date, day {values(days)} of {values(months)}"


def day_remarks(schedule: Schedule) -> Iterator[str]:
    """What the two day fields do together, and months that a day of the month skips."""
    days, months, weekdays = schedule.fields[2:]
    full = next((field for field in (days, weekdays) if field.full), None)
    if schedule.either_day and full:
        yield f"warning: EITHER day field is enough, and {full.name} {full.text!r} is every day: it runs daily"
    elif schedule.either_day and days.values and weekdays.values:
        yield (
            f"warning: both day fields are set, so EITHER is enough: every {values(weekdays)}, and also day "
            f"{values(days)} of the month whatever its weekday"
        )
    elif not schedule.either_day and not full:
        yield "note: one day field starts with *, so BOTH must match"
    first = min(days.values, default=0)
    short = [month for month in sorted(months.values) if DAYS[month] < first]
    if short and not (schedule.either_day and weekdays.values):
        yield f"note: it skips months that have no day {first}: {', '.join(MONTHS[month - 1] for month in short)}"
    elif first == 29 and 2 in months.values and not (schedule.either_day and weekdays.values):
        yield "note: Feb has a day 29 in leap years only"


def uneven_steps(field: Field) -> Iterator[str]:
    """Warn of a step over the whole range that does not divide the hour, day, month, year or week."""
    step, low = field.step, RANGES[field.name][0]
    if step == 1:
        return
    span, whole = SPAN[field.name]
    matched = sorted(value for value in field.values if value < low + span)
    gap = low + span - matched[-1]
    if len(matched) == 1 and gap != step:
        yield f"warning: {field.name} {field.text!r} matches {matched[0]} only: the step is longer than the {whole}"
    elif field.name == "day of month":
        yield f"note: day of month {field.text!r} starts again on the 1st of each month"
    elif gap != step:
        again = f"starts again with each {whole}: after {matched[-1]} the pause is {gap}, not {step}"
        yield f"warning: {field.name} {field.text!r} {again}"


def clock_notes(schedule: Schedule, zone: ZoneInfo, start: datetime) -> Iterator[str]:
    """What the changes of the clock in the year after `start` do to the job, by the rules of Debian's cron."""
    for change in clock_changes(zone, start):
        hit = matches(schedule, *sorted((change.before, change.after)))
        if hit:
            level, what = clock_note(schedule, change, hit)
            yield f"{level}: {change_words(change)}: {what}"


def clock_note(schedule: Schedule, change: ClockChange, hit: Sequence[datetime]) -> tuple[str, str]:
    """Warning or note, and what becomes of the runs at the local times that the change skips or repeats."""
    times, many = times_of(hit), len(hit) > 1
    run, does, come = ("run", "do", "come") if many else ("runs", "does", "comes")
    hourly = schedule.wildcard and schedule.fields[1].full
    skipped = change.after - change.before
    if skipped.days >= 0:
        if made_up(schedule, skipped):
            return "warning", f"{times} {run} at {change.after:%H:%M}" + (", all in that minute" if many else "")
        if hourly:
            return "note", f"{times} {does} not exist, and the job goes on with the clock"
        why = "missed runs of a wildcard job are not made up"
        if skipped >= JUMP:
            why = "nothing is made up after a jump of three hours or more"
        return "warning", f"no run at {times}, {why}"
    if hourly:
        return "note", f"{times} {come} twice, and the job goes on with the clock"
    if runs_twice(schedule, -skipped):
        return "warning", f"{times} {run} twice, once in each pass"
    return "note", f"{times} {run} in the first pass only"


def change_words(change: ClockChange) -> str:
    """The change with its date; with the date of both sides where it crosses midnight."""
    same = change.before.date() == change.after.date()
    after = f"{change.after:%H:%M}" if same else f"{change.after:%a %Y-%m-%d %H:%M}"
    return f"on {change.before:%a %Y-%m-%d} the clock goes from {change.before:%H:%M} to {after}"


def times_of(hit: Sequence[datetime]) -> str:
    """Times of day, only the first and the last of many."""
    if len(hit) > 4:
        return f"{hit[0]:%H:%M} … {hit[-1]:%H:%M}"
    return ", ".join(f"{at:%H:%M}" for at in hit)
