"""A systemd timer and its service, line by line: what a calendar of cron's can say is moved, all else is refused by name."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from engine.core import UserError
from lab.cron.crontab import Refused, parse, printable
from lab.cron.timers import calendar
from lab.migrate.lines import Entry, Line, Part, utf8
from lab.migrate.peeled import Reason
from lab.migrate.schedules import for_prefect
from lab.migrate.words import seconds

RELATIVE = ("OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec", "OnUnitInactiveSec", "OnClockChange")
IGNORED = (
    "Description",
    "Documentation",
    "Unit",
    "WantedBy",
    "Type",
    "After",
    "Wants",
    "Requires",
    "AccuracySec",
    "Also",
)
LIMITS = ("RuntimeMaxSec", "TimeoutStartSec")
USED = ("OnCalendar", "ExecStart", "User", "WorkingDirectory", "Environment", *LIMITS)
SAYS = {  # a key → what is other without it
    "RandomizedDelaySec": "a random delay: Prefect starts at the minute itself",
    "Persistent": "one missed run is made up at boot; Prefect's worker makes up all that were planned",
    "Nice": "write nice -n before the command",
}
Pair = tuple[int, str, str, str]  # number, text, key, value


def read_timer(path: Path) -> list[Line]:
    """The lines of a timer, then those of its service, which stands beside it.

    Raises OSError when one of them cannot be read, and UserError when the timer names none.
    """
    timer = list(pairs(path.read_text(encoding="utf-8", errors="surrogateescape"), 0))
    unit = next((value for _, _, key, value in timer if key == "Unit"), f"{path.stem}.service")
    if not re.fullmatch(r"[\w@:.\\-]*\w", unit):
        raise UserError(f"{path} names no service: Unit={printable(unit)}")
    beside = path.with_name(unit).read_text(encoding="utf-8", errors="surrogateescape")
    service = list(pairs(beside, len(timer)))
    every = timer + service
    job = job_of(path.stem, every)
    return [Line(number, text, content(number, text, key, value, job)) for number, text, key, value in every]


def pairs(text: str, before: int) -> Iterator[Pair]:
    """The lines of a unit, numbered on from those before; key and value are empty for what has none."""
    for number, line in enumerate(text.removesuffix("\n").split("\n"), before + 1):
        key, equals, value = line.strip().partition("=")
        is_pair = equals and not line.strip().startswith(("#", ";", "["))
        yield (number, line, key.strip(), value.strip()) if is_pair else (number, line, "", "")


def job_of(name: str, every: list[Pair]) -> Entry | str:
    """The job of a timer and its service, or why there is none."""
    values: dict[str, list[str]] = {}
    for _, text, key, value in every:
        if not utf8(text) or "\0" in text or (key and value.endswith("\\")):
            return "a line that goes on in the next one, or is no text"
        values.setdefault(key, []).append(value)
    calendars = [calendar(value) for value in values.get("OnCalendar", [])]
    commands = [command(value) for value in values.get("ExecStart", [])]
    if not calendars or None in calendars:
        return (
            "its times have no five fields: write an OnCalendar of days, hours and minutes, without a zone or seconds"
        )
    if not commands or None in commands:
        return "its ExecStart is missing, or has an @ + ! : or % that only systemd reads"
    schedules = [cron for text in calendars if text for cron in for_prefect(parse(text))]
    if not schedules:
        return "its times never come"
    env = dict(word.split("=", 1) for value in values.get("Environment", []) for word in split(value) if "=" in word)
    limits = [length for key in LIMITS for value in values.get(key, []) if (length := span(value))]
    return Entry(
        tuple(dict.fromkeys(schedules)),
        " && ".join(one for one in commands if one),
        user=values.get("User", [""])[-1],
        name=name,
        env=env,
        folder=values.get("WorkingDirectory", ["/"])[-1],
        timeout=min(limits, default=None),
        limit="CANCEL_NEW",
        reasons=(Reason("timer", "a timer never starts a job that is still at work: limit 1 does so here"),),
    )


def content(number: int, text: str, key: str, value: str, job: Entry | str) -> Entry | Refused | Part | None:
    """What stands on a line; the job belongs to ExecStart, and is what `job_of` says."""
    if not key:
        return Part("no job", "a section") if text.strip().startswith("[") else None
    if key in IGNORED:
        return Part("no job", f"{key} says nothing of the job")
    if key in RELATIVE:
        return Refused(number, text, f"{key} counts from a start: a schedule of Prefect's knows the clock only")
    if key == "ExecStart":
        return job if isinstance(job, Entry) else Refused(number, text, job)
    if key == "OnCalendar" and not calendar(value):
        return Refused(number, text, f"{value!r} has no five fields")
    if key in SAYS:
        return Part("changed", key, (Reason("timer", SAYS[key]),))
    if key in LIMITS and value != "infinity" and span(value) is None:
        return Refused(number, text, f"{value!r} is no limit that can be read: write one number, and s, min, h or d")
    if key in USED:
        return Part("moved", f"{key}: a part of the job") if isinstance(job, Entry) else Refused(number, text, job)
    return Refused(number, text, f"{key} is not read: see whether the job needs it")


def command(text: str) -> str | None:
    """An ExecStart for the shell: systemd starts a program, so that | and > are words to it. None when it is no such."""
    text = text.removeprefix("-") if text.startswith("-/") else text
    found = split(text)
    if not found or found[0][:1] in ("", *"@+!:-|") or "%" in text.replace("%%", "") or "$" in text:
        return None
    return shlex.join(found).replace("%%", "%")


def split(text: str) -> list[str]:
    """The words of a value; none when its quotes do not match."""
    try:
        return shlex.split(text)
    except ValueError:
        return []


def span(text: str) -> float | None:
    """A length of time in seconds, of one number and one unit; None for more, and for infinity."""
    rest = r"((?<=s)(ec|econds?)|(?<=m)(in|inutes?)|(?<=h)(r|ours?)|(?<=d)ays?)$"  # of a unit, behind its first letter
    return seconds(re.sub(rest, "", text.replace(" ", "")))
