"""The lines of a crontab, of a file in /etc/cron.d, of an anacrontab: what stands on each, and nothing left out."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

from lab.cron.crontab import BLANKS, Job, Refused, Schedule, Setting, cut_at_percent, first_word, printable, read
from lab.migrate.peeled import Reason
from lab.migrate.schedules import Cron, differing, for_prefect

COMMENTED = re.compile(r"#+\s*((?:[\d*@]\S*\s+)(?:\S+\s+){1,5}\S*/\S*.*)")
TEMPLATE = re.compile(r"\{\{\s*[\w.\-\[\]$]+\s*\}\}")  # what Prefect replaces in prefect.yaml, wherever it stands
USERS = ("root", "www-data", "nobody", "postgres", "ubuntu", "debian")


class Format(StrEnum):
    """How a file is written."""

    USER = "user"
    SYSTEM = "system"
    ANACRON = "anacron"
    TIMER = "timer"


@dataclass(frozen=True)
class Entry:
    """A job: its schedules, the command as the shell gets it, its input, the user it runs as (empty for its owner).

    `timeout` is in seconds, `limit` a collision strategy that it has without a lock.
    """

    schedules: tuple[Cron, ...]
    command: str
    stdin: str = ""
    user: str = ""
    name: str = ""
    env: dict[str, str] = field(default_factory=dict)
    folder: str = ""
    timeout: float | None = None
    limit: str = ""
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Part:
    """A line of a timer or a service that is a part of the job, or nothing to it: its fate, and why."""

    fate: str
    becomes: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Line:
    """A line: its number, its text, and what stands on it; None is a comment or a blank line."""

    number: int
    text: str
    what: Setting | Entry | Refused | Part | None


def format_of(path: Path) -> Format:
    """How a file is written, by its name."""
    if path.suffix == ".timer":
        return Format.TIMER
    if path.name == "anacrontab":
        return Format.ANACRON
    system = path.parent.name == "cron.d" or (path.parent.name, path.name) == ("etc", "crontab")
    return Format.SYSTEM if system else Format.USER


def read_lines(raw: bytes, texts: list[str], kind: Format, zone: ZoneInfo, start: datetime) -> list[Line]:
    """Every line of a crontab; `start` is the moment from which the changes of the zone's clock are looked at."""
    found: dict[int, list[Setting | Job | Refused]] = {}
    for entry in read(raw, kind is Format.SYSTEM):
        found.setdefault(entry.number, []).append(entry)
    return [
        Line(number, text, content(number, text, found.get(number, []), kind, zone, start))
        for number, text in enumerate(texts, 1)
    ]


def content(
    number: int, text: str, found: list[Setting | Job | Refused], kind: Format, zone: ZoneInfo, start: datetime
) -> Setting | Entry | Refused | None:
    """What stands on a line of a crontab."""
    if not text.strip():  # also one that holds a carriage return only
        return None
    if not found:
        return None
    first = found[0]
    return job(first, text, kind, zone, start) if isinstance(first, Job) else first


def movable(line: Line) -> Line:
    """The line, refused if Prefect could not keep it as it is."""
    stdin = line.what.stdin if isinstance(line.what, Entry) else ""
    reason = ""
    if "\0" in line.text or not utf8(line.text):
        reason = "a byte in it is no text: Prefect could not keep it as it is"
    elif braces := TEMPLATE.search(f"{line.text}\n{stdin}"):
        reason = f"Prefect would replace {printable(braces[0])} in prefect.yaml: put it into a script"
    if not reason or line.what is None or isinstance(line.what, Refused):
        return line
    return Line(line.number, line.text, Refused(line.number, line.text, reason))


def utf8(text: str) -> bool:
    """Whether every byte of a line belongs to a character."""
    return not re.search("[\udc80-\udcff]", text)


def job(found: Job, text: str, kind: Format, zone: ZoneInfo, start: datetime) -> Entry | Refused:
    """The job on a line, or why it is refused."""
    user, rest = first_word(found.rest) if kind is Format.SYSTEM else ("", found.rest)
    command, stdin = percent(rest)
    if trouble := job_trouble(found.schedule, rest, user, kind):
        return Refused(found.number, text, trouble)
    schedules = for_prefect(found.schedule)
    return Entry(
        tuple(schedules),
        command,
        stdin,
        user,
        reasons=tuple(schedule_reasons(found.schedule, schedules, zone, start)),
    )


def job_trouble(schedule: Schedule, rest: str, user: str, kind: Format) -> str:
    """Why a job is refused; empty when it is not."""
    first = first_word(rest)[0]
    if schedule.reboot:
        return "@reboot has no times: start it as a service, or with the worker"
    if schedule.expression is None:
        return f"{printable(schedule.text)} never comes: cron has never run this line"
    if not rest.strip(BLANKS):
        return "there is no command" + (f" after the user {printable(user)!r}" if kind is Format.SYSTEM else "")
    if rest.endswith("\r"):
        return "a Windows line end: \\r is part of the command under cron; save the file with LF"
    if re.fullmatch(r"\?|[\d*][\d*,/-]*", user or first):
        return f"a sixth field: cron has five, and takes {(user or first)!r} for the {'user' if user else 'command'}"
    if kind is Format.USER and first in USERS and rest != first:
        return f"cron runs a command called {first!r}: if it is the user, plan with --format system"
    if kind is Format.SYSTEM and "/" in user:
        return f"the user column is missing: cron looks for a user {user!r}"
    return ""


def percent(rest: str) -> tuple[str, str]:
    """The command and its input, as cron hands them on (do_command.c).

    In the command a backslash before % or another backslash goes, in the input one before %. Each bare % of the input is
    a new line, and the last line ends with one.
    """
    before, after = cut_at_percent(rest)
    stdin = re.sub(r"(\\?)%", lambda found: "%" if found[1] else "\n", after or "")
    ended = stdin.rstrip("\\")[-1:] in ("", "\n")
    return handed(before), stdin + "\n" * (not ended)


def handed(command: str) -> str:
    """A command without its input, as cron hands it to the shell."""
    return re.sub(r"\\([\\%])", r"\1", command)


def schedule_reasons(schedule: Schedule, written: list[Cron], zone: ZoneInfo, start: datetime) -> Iterator[Reason]:
    """What is other about the schedules that Prefect gets."""
    fields = " ".join(field.text for field in schedule.fields)
    if len(written) > 1:
        both = " and ".join(f"'{one.cron}'" for one in written)
        yield Reason("split", f"two schedules, {both}: as one, Prefect would lose the first days of March")
    elif written[0].cron != fields:
        yield Reason("written-out", f"its fields are written out: {written[0].cron}")
    if nights := differing(schedule, zone, start):
        dates = ", ".join(f"{night:%Y-%m-%d}" for night in nights)
        yield Reason("clock", f"the clock changes on {dates}: Prefect starts it at other times then than cron")
