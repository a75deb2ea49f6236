"""The schedule of a crontab line, read as Debian's cron reads it, and the moments at which cron would start it.

The grammar is that of `get_list` and `get_range` in Debian's entry.c, which `crontab -n` was asked to confirm line by
line (tests/test_crontab_stack.py). Next runs come from cronsim, which takes more than Debian's cron and less: it is
given a cleaned expression.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

MINUTE = timedelta(minutes=1)
NAMES = ("minute", "hour", "day of month", "month", "day of week")
RANGES = {"minute": (0, 59), "hour": (0, 23), "day of month": (1, 31), "month": (1, 12), "day of week": (0, 7)}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
NICKNAMES = {
    "yearly": "0 0 1 1 *",
    "annually": "0 0 1 1 *",
    "monthly": "0 0 1 * *",
    "weekly": "0 0 * * 0",
    "daily": "0 0 * * *",
    "midnight": "0 0 * * *",
    "hourly": "0 * * * *",
}
TERM = re.compile(r"(?P<star>\*)|(?P<first>[0-9A-Za-z]*)(?P<range>-(?P<last>[0-9A-Za-z]*))?")
STEP = re.compile(r"/([0-9A-Za-z]*)")


class BadSchedule(ValueError):
    """A schedule that Debian's cron refuses; the text says which field and why, on one line."""


@dataclass(frozen=True)
class Field:
    """One of the five fields: what was written, and the values it matches (Sunday is 0 and 7).

    `clean` is the same field for cronsim, empty when nothing matches; `ignored` is a tail that cron does not read.
    """

    name: str
    text: str
    values: frozenset[int]
    clean: str
    ignored: str

    @property
    def star(self) -> bool:
        """Whether the field starts with `*`; cron treats such a field as "any", even `*/2`."""
        return self.text.startswith("*")

    @property
    def full(self) -> bool:
        """Whether every value matches."""
        low, high = RANGES[self.name]
        return self.values >= set(range(low, high + 1 if self.name != "day of week" else high))


@dataclass(frozen=True)
class Schedule:
    """The five fields of a line, or the nickname they were written as; `@reboot` has no fields."""

    text: str
    fields: tuple[Field, ...]

    @property
    def reboot(self) -> bool:
        """Whether this is `@reboot`, which has no times."""
        return not self.fields

    @property
    def wildcard(self) -> bool:
        """Whether minute or hour start with `*`: such jobs follow the clock, and are not made up for (cron.c)."""
        return any(field.star for field in self.fields[:2])

    @property
    def either_day(self) -> bool:
        """Whether one of the two day fields is enough: both are set and neither starts with `*`."""
        return bool(self.fields) and not (self.fields[2].star or self.fields[4].star)

    @property
    def expression(self) -> str | None:
        """The five fields as cronsim takes them; None when no date can ever match, and for `@reboot`."""
        if self.reboot:
            return None
        clean = [field.clean for field in self.fields]
        if self.either_day and (clean[2] or clean[4]):
            # An empty day field adds nothing to the other; to cronsim, one that starts with `*` says so.
            clean[2], clean[4] = clean[2] or "*", clean[4] or "*"
        text = " ".join(clean)
        try:
            CronSim(text, datetime(2000, 1, 1))
        except CronSimError:  # an empty field, or a day that none of the months has
            return None
        return text


def parse(text: str) -> Schedule:
    """Read five fields or a nickname. Raises BadSchedule, also when anything follows them."""
    schedule, rest = split_line(text)
    if rest:
        raise BadSchedule(f"{rest.split()[0]!r} is one too many: cron has five fields, what follows is the command")
    return schedule


def split_line(line: str) -> tuple[Schedule, str]:
    """Split a line of a user crontab into its schedule and the rest. Raises BadSchedule where `crontab -n` refuses."""
    line = line.strip(" \t\n")
    if line.startswith("@"):
        word, _, rest = line.replace("\t", " ", 1).partition(" ")
        return Schedule(word, nickname(word)), rest.strip(" \t")
    fields = []
    for name in NAMES:
        word, line = [*re.split(r"[ \t]+", line, maxsplit=1), ""][:2]
        if not word:
            raise BadSchedule(f"{name} is missing: a schedule has five fields")
        fields.append(read_field(name, word))
    if line.startswith("*"):
        raise BadSchedule("a sixth field: Debian's cron has five, then the command, which cannot start with *")
    return Schedule(" ".join(field.text for field in fields), tuple(fields)), line


def nickname(word: str) -> tuple[Field, ...]:
    """The fields that `@daily` and its like stand for; none for `@reboot`."""
    if word == "@reboot":
        return ()
    if word[1:] not in NICKNAMES:
        known = " ".join(f"@{name}" for name in ("reboot", *NICKNAMES))
        raise BadSchedule(f"{word} is no nickname of cron's: {known}, in small letters")
    return tuple(read_field(name, part) for name, part in zip(NAMES, NICKNAMES[word[1:]].split(), strict=True))


def read_field(name: str, text: str) -> Field:
    """Read one field: a list of `*`, values and ranges, with steps. Raises BadSchedule."""
    values: set[int] = set()
    clean: list[str] = []
    rest = f",{text}"
    while rest.startswith(","):
        found, term, rest = read_term(name, text, rest[1:])
        values |= found
        clean += [term] if found else []
    return Field(name, text, frozenset(values), ",".join(clean), rest)


def read_term(name: str, field: str, text: str) -> tuple[set[int], str, str]:
    """Read one term at the start of `text`: the values it matches, its clean form, and what is left unread."""
    low, high = RANGES[name]
    match = TERM.match(text)
    assert match  # every part of the pattern may be empty
    rest = text[match.end() :]
    if match["star"]:
        first, last, term = low, high, "*"
    else:
        first = read_number(name, field, match["first"], rest)
        last = read_number(name, field, match["last"], rest) if match["range"] else first
        term = f"{first}-{last}" if match["range"] else f"{first}"
    if not rest.startswith("/"):
        return set(range(first, last + 1)), term, rest
    step = STEP.match(rest)
    assert step
    if not (match["star"] or match["range"]):
        raise BadSchedule(f"{name} {field!r}: a step needs a range, write {first}-{high}{step[0]}")
    if not step[1].isdigit() or int(step[1]) == 0:
        raise BadSchedule(f"{name} {field!r}: the step after / must be a whole number above 0")
    return set(range(first, last + 1, int(step[1]))), f"{term}/{int(step[1])}", rest[step.end() :]


def read_number(name: str, field: str, word: str, rest: str) -> int:
    """Read a number, or the three letters of a month or a weekday. Raises BadSchedule with the reason."""
    low, high = RANGES[name]
    names = {"month": MONTHS, "day of week": WEEKDAYS}.get(name, ())
    if word.title() in names:
        return names.index(word.title()) + low
    if word.isdigit():
        if low <= int(word) <= high:
            return int(word)
        raise BadSchedule(f"{name} {field!r}: {int(word)} is not between {low} and {high}")
    reason = f"it takes numbers from {low} to {high}" + (f" and {names[0]}-{names[-1]}" if names else "")
    if word.title()[:3] in names and len(word) > 3:
        reason = f"names have three letters, write {word[:3]}"
    elif "?" in field or re.search(r"[LW]$", word):
        reason = "? L and W belong to other schedulers, Debian's cron has none of them"
    elif not word and not rest.startswith(("?", "/")):
        reason = "a number is missing next to , or -"
    raise BadSchedule(f"{name} {field!r}: {reason}")


def runs(schedule: Schedule, start: datetime) -> Iterator[datetime]:
    """The moments after `start` (which has a ZoneInfo) at which Debian's cron starts the job, in order.

    A wildcard job follows the clock: nothing in an hour that the clock skips, both passes of an hour that comes twice.
    A fixed job runs in the first minute after a skipped hour, and in the first pass only (measured on Debian's cron,
    the table of docs/en/crontab.md). Two runs that a skipped hour moves are the same moment, twice.
    """
    expression, zone = schedule.expression, start.tzinfo
    if expression is None:
        return
    if schedule.wildcard:
        yield from CronSim(expression, start)
        return
    for naive in CronSim(expression, start.replace(tzinfo=None)):
        moment = naive.replace(tzinfo=zone)
        while moment.astimezone(UTC).astimezone(zone) != moment:
            moment += MINUTE
        if moment.astimezone(UTC) > start.astimezone(UTC):
            yield moment


def matches(schedule: Schedule, first: datetime, end: datetime) -> list[datetime]:
    """The local times (without zone) from `first` up to, not including, `end` that the fields match."""
    found = []
    for naive in CronSim(schedule.expression or "", first - MINUTE) if schedule.expression else ():
        if naive >= end:
            break
        found.append(naive)
    return found


@dataclass(frozen=True)
class ClockChange:
    """One change of a zone's clock: it shows `before`, and shows `after` instead (local times without zone)."""

    before: datetime
    after: datetime


def clock_changes(zone: ZoneInfo, start: datetime, days: int = 365) -> list[ClockChange]:
    """The changes of the zone's clock within so many days after `start`, to the minute."""

    def local(moment: datetime) -> datetime:
        return moment.astimezone(zone).replace(tzinfo=None, fold=0)

    changes = []
    moment = start.astimezone(UTC).replace(second=0, microsecond=0)
    for _ in range(days * 4):
        low, high = moment, moment + timedelta(hours=6)
        if (shift := local(high) - local(low) - (high - low)) != timedelta(0):
            while high - low > MINUTE:
                middle = low + (high - low) // MINUTE // 2 * MINUTE
                low, high = (middle, high) if local(middle) - local(low) == middle - low else (low, middle)
            changes.append(ClockChange(local(high) - shift, local(high)))
        moment += timedelta(hours=6)
    return changes
