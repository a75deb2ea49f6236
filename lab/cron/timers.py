"""The calendar of a systemd timer as five fields of cron's, where they can say it."""

import re

from lab.cron.crontab import NICKNAMES, WEEKDAYS, ScheduleRejected, parse

CALENDAR = re.compile(
    r"(?:(?P<weekdays>[A-Za-z][A-Za-z,.]*)\s+)?(?:\*-(?P<month>[\d*,/.]+)-(?P<day>[\d*,/.]+)\s*)?"
    r"(?:(?P<hour>[\d*,/.]+):(?P<minute>[\d*,/.]+)(?::0?0)?)?",
    re.ASCII,
)


def calendar(text: str) -> str | None:
    """The five fields of an OnCalendar; None when it says more than they can."""
    if text in NICKNAMES:
        return NICKNAMES[text].replace("* * 0", "* * 1") if text == "weekly" else NICKNAMES[text]  # a Monday
    found = CALENDAR.fullmatch(text)
    if not found or not text:
        return None
    minute, hour = (found["minute"] or "0"), (found["hour"] or "0")
    fields = [field(part or "*", low) for part, low in ((minute, 0), (hour, 0), (found["day"], 1), (found["month"], 1))]
    days = weekdays(found["weekdays"]) if found["weekdays"] else "*"
    if None in fields or days is None:
        return None
    if days != "*" and fields[2] != "*":  # to systemd both must match, to cron one is enough
        return None
    written = " ".join([*map(str, fields), days])
    try:
        parse(written)
    except ScheduleRejected:
        return None
    return written


def field(text: str, low: int) -> str | None:
    """A component of a calendar as a field of cron's: 9..17 is 9-17, 0/15 is every 15th from 0 on."""
    terms = []
    for term in text.split(","):
        term = re.sub(r"\b0+(?=\d)", "", term.replace("..", "-"))
        if "." in term:
            return None
        first, slash, step = term.partition("/")
        if slash and first not in ("*", str(low)) and "-" not in first:
            return None
        terms.append(f"{'*' if first == str(low) else first}/{step}" if slash else first)
    return ",".join(terms)


def weekdays(text: str) -> str | None:
    """The weekdays of a calendar: Mon..Fri, Sat,Sun, whole names too. A range may run over the end of the week."""
    numbers: set[int] = set()
    for term in text.split(","):
        names = [name[:3].title() for name in term.split("..")]
        if len(names) > 2 or not set(names) <= set(WEEKDAYS):
            return None
        first, last = WEEKDAYS.index(names[0]), WEEKDAYS.index(names[-1])
        numbers |= {day % 7 for day in range(first, last + 1 if last >= first else last + 8)}
    return ",".join(map(str, sorted(numbers)))
