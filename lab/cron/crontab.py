"""A crontab as Debian's cron reads it: settings, jobs with their schedules, and what it refuses.

The grammar is that of entry.c, env.c and misc.c of Debian's cron; the tests compare it with `crontab -n`, line by line
and file by file. Bytes that are no UTF-8 are kept as surrogates, since cron counts bytes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from cronsim import CronSim, CronSimError

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
BLANKS = " \t"
LONGEST = 998  # bytes, of a command and of a setting
MOST_LINES = 10_000
TERM = re.compile(r"(?P<star>\*)|(?P<first>[0-9A-Za-z]*)(?P<range>-(?P<last>[0-9A-Za-z]*))?")
STEP = re.compile(r"/([0-9A-Za-z]*)")
LARGEST = 2**31 - 1  # of a C int
END = "\udcff"  # the byte 255, which cron takes for the end of the file where it reads a number
SPACE = r"[ \t\v\f\r]*"
SETTING = re.compile(
    rf"""(?:"(?P<q>[^"=]*)"|'(?P<a>[^'=]*)'|(?P<n>[^"'=\s][^=\s]*|)){SPACE}={SPACE}"""
    rf"""(?:"(?P<double>[^"]*)"{SPACE}|'(?P<single>[^']*)'{SPACE}|(?P<plain>[^"' \t\v\f\r].*|))""",
    re.DOTALL | re.ASCII,
)
ADDRESS = re.compile(r"([0-9A-Za-z][0-9A-Za-z@!:%+,./=_-]*)?")
QUARTZ = r"(?:\S+\s+){5}(?:\?|[\d*][\d*,/-]*)(?:\s|$)|(?:\S+\s+){3}\?\s+\S+\s+\S"  # or Spring: six fields, or a ?
ELSEWHERE = (  # how a schedule of another kind begins, what it is, and what to do
    (r"[\"'“”‘’]", "a quotation mark is part of it", "leave it out"),
    (r"\w+=", "NAME=value stands on a line of its own in a crontab", "lab cron explain takes a zone as --tz NAME"),
    (r"(yearly|annually|monthly|weekly|daily|midnight|hourly|reboot)\b", "a nickname begins with @", r"write @\1"),
    (r"@every", "@every belongs to other schedulers", "write */N in a field"),
    (r"(?:\S+\s+){0,4}H\b", "H belongs to Jenkins", "write a number"),
    (r"(?:\S+\s+){0,4}~", "~, a random value, belongs to other crons", "write a number"),
    (
        r"(?:[A-Za-z,.]+|(?:[A-Za-z,.]+\s+)?[*\d]+-[*\d,/.-]+)\s+\d\d?:\d\d",
        "this is the OnCalendar of a systemd timer",
        "write five fields",
    ),
    (QUARTZ, "cron has five fields, no seconds, no years and no ?", "write five, the minute first"),
)


class ScheduleRejected(ValueError):
    """A schedule that Debian's cron refuses; the text says which field and why, on one line."""


class CommandFollows(ScheduleRejected):
    """More than a schedule: a command follows it, or it stands in a setting. As a line, cron would take it."""


@dataclass(frozen=True)
class Field:
    """One of the five fields: what was written, and the values it matches (Sunday is 0 and 7).

    `backwards` are terms that match nothing, `ignored` is a tail that cron does not read.
    """

    name: str
    text: str
    values: frozenset[int]
    backwards: tuple[str, ...] = ()
    ignored: str = ""

    @property
    def star(self) -> bool:
        """Whether the field starts with `*`; cron treats such a field as "any", even `*/2`."""
        return self.text.startswith("*")

    @property
    def full(self) -> bool:
        """Whether every value matches."""
        low, high = RANGES[self.name]
        return self.values >= set(range(low, high + 1 if self.name != "day of week" else high))

    @property
    def step(self) -> int:
        """The step of a field that is `*/N`, or the same with the whole range written out; else 1."""
        low, high = RANGES[self.name]
        found = re.fullmatch(rf"(?:\*|{low}-{high})/0*([0-9]{{1,9}})", self.text)
        return int(found[1]) if found else 1

    @property
    def clean(self) -> str:
        """The field for cronsim, whose grammar is another: a first term with `*` where there is one, and all values."""
        numbers = ",".join(map(str, sorted(self.values)))
        if not self.star:
            return numbers
        if self.full:
            return "*"
        step = STEP.match(self.text[1:])
        assert step  # or the field were full
        return f"*/{c_number(step[1])},{numbers}"


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
        """Whether minute or hour starts with `*`: such a job follows the clock, its lost runs are not made up (cron.c)."""
        return any(field.star for field in self.fields[:2])

    @property
    def either_day(self) -> bool:
        """Whether one of the two day fields is enough: both are set and neither starts with `*`."""
        return bool(self.fields) and not (self.fields[2].star or self.fields[4].star)

    @cached_property
    def expression(self) -> str | None:
        """The five fields as cronsim takes them; None when no date can ever match, and for `@reboot`."""
        clean = [field.clean for field in self.fields]
        if self.either_day and (clean[2] or clean[4]):
            # An empty day field adds nothing to the other; to cronsim, one that starts with `*` says so.
            clean[2], clean[4] = clean[2] or "*", clean[4] or "*"
        if self.reboot or not all(clean):
            return None
        text = " ".join(clean)
        try:
            CronSim(text, datetime(2000, 1, 1))
        except CronSimError:  # a day that none of the months has
            return None
        return text


def parse(text: str) -> Schedule:
    """Read five fields or a nickname. Raises ScheduleRejected when cron refuses them, or anything follows them."""
    text = text.strip(f"{BLANKS}\n")
    if "\n" in text:
        raise ScheduleRejected("it is more than one line")
    hint = ", ".join(elsewhere(text) or ())
    try:
        schedule, rest = split_line(text)
    except ScheduleRejected as reason:
        kind = CommandFollows if re.match(r"\w+=", text) else ScheduleRejected  # cron takes a setting
        raise kind(hint or str(reason)) from None
    if rest:
        raise CommandFollows(
            hint or f"a schedule has five fields, {(rest.split() or [rest])[0]!r} is the command already"
        )
    return schedule


def elsewhere(text: str) -> tuple[str, str] | None:
    """What a text is that is no schedule of cron's, and what to do; None when that is not known."""
    for pattern, what, fix in ELSEWHERE:
        if match := re.match(pattern, text.strip()):
            return what, match.expand(fix)
    return None


def printable(text: str) -> str:
    """The text without what a terminal would obey, and without bytes that are no text."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def split_line(line: str, system: bool = False) -> tuple[Schedule, str]:
    """Split a line of a crontab into its schedule and the rest, which begins with a user in a `system` crontab.

    Raises ScheduleRejected when `crontab -n` refuses it.
    """
    line = line.lstrip(BLANKS).removesuffix("\n")
    if line.startswith("@"):
        word, rest = first_word(line)
        schedule = Schedule(word, nickname(word))
    else:
        fields, rest = [], line
        for name in NAMES:
            word, rest = first_word(rest)
            if not word:
                raise ScheduleRejected(f"{name} is missing: a schedule has five fields")
            fields.append(read_field(name, word))
        schedule = Schedule(" ".join(field.text for field in fields), tuple(fields))
        if rest.startswith(END):
            raise ScheduleRejected("the byte 255 follows the schedule")
    if rest.startswith("*") and not system:
        what = (
            "the command" if line.startswith("@") else "a sixth field: Debian's cron has five, then the command, which"
        )
        raise ScheduleRejected(f"{what} cannot start with *")
    return schedule, rest


def cut_at_percent(command: str) -> tuple[str, str | None]:
    """A command up to the first bare %, and what follows it: None where there is none.

    A backslash escapes whatever follows, another backslash too (do_command.c). Both parts are as written.
    """
    found = re.match(r"(?:\\.|[^\\%])*\\?", command, re.DOTALL)
    end = found.end() if found else 0
    return command[:end], command[end + 1 :] if end < len(command) else None


def first_word(line: str) -> tuple[str, str]:
    """The first word of a line, and what follows the blanks after it."""
    word, rest = [*re.split(r"[ \t]+", line, maxsplit=1), ""][:2]
    return word, rest


def nickname(word: str) -> tuple[Field, ...]:
    """The fields that `@daily` and its like stand for; none for `@reboot`.

    Raises ScheduleRejected when cron knows no such nickname.
    """
    if word == "@reboot":
        return ()
    if word[1:] not in NICKNAMES:
        known = " ".join(f"@{name}" for name in ("reboot", *NICKNAMES))
        raise ScheduleRejected(f"{word!r} is no nickname of cron's: {known}, in lower case")
    return tuple(read_field(name, part) for name, part in zip(NAMES, NICKNAMES[word[1:]].split(), strict=True))


def read_field(name: str, text: str) -> Field:
    """Read one field: a list of `*`, values and ranges, with steps. Raises ScheduleRejected when cron refuses it."""
    values: set[int] = set()
    backwards: list[str] = []
    rest = f",{text}"
    while rest.startswith(","):
        term = rest[1:]
        matched, rest = read_term(name, text, term)
        values |= matched
        if not matched:
            backwards.append(term.removesuffix(rest))
    if name == "day of week" and values & {0, 7}:
        values |= {0, 7}
    return Field(name, text, frozenset(values), tuple(backwards), rest)


def read_term(name: str, field: str, text: str) -> tuple[set[int], str]:
    """Read one term at the start of `text`: the values that it matches, and what is left unread.

    Raises ScheduleRejected when cron refuses it.
    """
    low, high = RANGES[name]
    match = TERM.match(text)
    assert match  # every part of the pattern may be empty
    rest = text[match.end() :]
    if match["star"]:
        first, last = low, high
    else:
        first = read_number(name, field, match["first"], rest)
        last = read_number(name, field, match["last"], rest) if match["range"] else first
    step = 1
    if rest.startswith("/"):
        if not (match["star"] or match["range"]):
            raise ScheduleRejected(f"{name} {field!r}: a step needs a range, write {first}-{high}{rest.split(',')[0]}")
        step, rest = read_step(name, field, rest)
        if first <= last and first + step > LARGEST:
            raise ScheduleRejected(f"{name} {field!r}: the step is too large")
    if rest.startswith(END):
        raise ScheduleRejected(f"{name} {field!r}: the byte 255 ends it")
    return set(range(first, last + 1, step)), rest


def read_step(name: str, field: str, text: str) -> tuple[int, str]:
    """Read `/N` at the start of `text`, and what is left unread. Raises ScheduleRejected when cron refuses it."""
    match = STEP.match(text)
    assert match
    step = c_number(match[1])
    if step is None or step <= 0:
        raise ScheduleRejected(f"{name} {field!r}: the step after / must be a whole number above 0")
    return step, text[match.end() :]


def c_number(word: str) -> int | None:
    """The number that cron makes of digits, which wraps around as C's int does; None when it is none."""
    if not re.fullmatch(r"[0-9]{1,999}", word):
        return None
    return (min(int(word), 2**63 - 1) + 2**31) % 2**32 - 2**31


def read_number(name: str, field: str, word: str, rest: str) -> int:
    """Read a number, or the three letters of a month or a weekday. Raises ScheduleRejected when it is neither."""
    low, high = RANGES[name]
    names = {"month": MONTHS, "day of week": WEEKDAYS}.get(name, ())
    if word.title() in names:
        return names.index(word.title()) + low
    number = c_number(word)
    if number is not None and low <= number <= high:
        return number
    reason = f"it takes numbers from {low} to {high}" + (f" and {names[0]}-{names[-1]}" if names else "")
    if number is not None:
        reason = f"{word[:20]} is not between {low} and {high}"
    elif word.title()[:3] in names and len(word) > 3:
        reason = f"names have three letters, write {word[:3]}"
    elif "?" in field or re.search(r"[LW]$", word):
        reason = "? L and W belong to other schedulers, Debian's cron has none of them"
    elif not word and (not rest or rest.startswith((",", "-"))):
        reason = "a number is missing next to , or -"
    raise ScheduleRejected(f"{name} {field!r}: {reason}")


@dataclass(frozen=True)
class Setting:
    """A line `NAME=value`; `empty` means that nothing stands after the equals sign, not even quotes."""

    number: int
    name: str
    value: str
    empty: bool

    @property
    def unsafe(self) -> bool:
        """Whether it is an address that cron mails nothing to or from; the crontab of Debian 13 refuses it."""
        return self.name in ("MAILTO", "MAILFROM") and not ADDRESS.fullmatch(self.value)


@dataclass(frozen=True)
class Job:
    """A line with a schedule; the rest of it is the command, with a user before it in a system crontab."""

    number: int
    schedule: Schedule
    rest: str


@dataclass(frozen=True)
class Refused:
    """A line that makes cron refuse the whole file, why, and what to do where it is not the schedule."""

    number: int
    line: str
    reason: str
    fix: str = ""


def read(raw: bytes, system: bool = False) -> Iterator[Setting | Job | Refused]:
    """The settings and jobs of a crontab, in order, and what cron refuses; cron itself stops at the first of these."""
    lines = raw.decode(errors="surrogateescape").split("\n")
    unfinished = lines.pop()
    if len(lines) > MOST_LINES:
        yield Refused(MOST_LINES + 1, "", f"it has more than {MOST_LINES} lines", "make two of it")
    for number, line in enumerate(lines, 1):
        yield from read_line(number, line, system)
    yield from read_line(len(lines) + 1, unfinished, system, finished=False)


def read_line(number: int, line: str, system: bool, finished: bool = True) -> Iterator[Setting | Job | Refused]:
    """What one line holds. A NUL ends a setting or a command, and what follows it is read as a line of its own."""
    unfinished = Refused(number, line, "the last line has no newline at its end", "end it with Enter")
    nul = "\0"
    while nul:
        line = line.lstrip(BLANKS)
        if not line or line.startswith("#"):
            return
        if not finished and "\0" not in line:
            yield unfinished
            return
        head, nul, tail = line.partition("\0")
        found: Setting | Job | Refused | None = read_setting(number, head)
        if found is None:
            try:
                schedule, command = split_line(head if line.startswith("@") else line, system)
            except ScheduleRejected as reason:
                yield Refused(number, line, str(reason))
                return
            if not line.startswith("@"):  # between fields a NUL is a character like others
                command, nul, tail = command.partition("\0")
            found = Job(number, schedule, command)
            if len(command.encode(errors="surrogateescape")) > LONGEST:
                found = Refused(number, line, f"the command is longer than {LONGEST} bytes", "put it in a script")
        yield found if nul or finished else unfinished
        line = tail


def read_setting(number: int, line: str) -> Setting | None:
    """The setting in a line, None when cron does not take it for one."""
    cut = line.encode(errors="surrogateescape")[:LONGEST].decode(errors="surrogateescape")
    found = SETTING.fullmatch(cut)
    if not found:
        return None
    name = next((found[group] for group in "qan" if found[group] is not None), "")
    value = next(found[group] for group in ("double", "single", "plain") if found[group] is not None)
    return Setting(number, name, value.rstrip(" \t\v\f\r"), found["plain"] == "")
