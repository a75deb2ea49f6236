"""The crontabs of a file, a folder or this machine, and what would hurt each of their lines."""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from engine.core import UserError
from lab.audit.faults import PLACES, Task, faults_of
from lab.cron.crontab import Job, Refused, Setting, parse, read
from lab.cron.lint import lint
from lab.cron.timers import calendar

SYSTEM = (Path("/etc/crontab"), Path("/etc/cron.d"))
FROM_LINT = (  # what `lab cron lint` says → the fault
    (re.compile(r"^% ends the command"), "percent"),
    (re.compile(r"is not set: cron gives|may not be found|is not found|looked for in the home"), "no-env"),
)
BY_RULE = re.compile(r"a mail")  # what lint says of output: a rule of ours says more
NAME = re.compile(r"[A-Za-z0-9_-]+")  # of a file that cron reads in /etc/cron.d
WRITTEN = re.compile(r"(?<![0-9&])>>?\s*(/[^\s;|&<>()$`'\"]+)")


@dataclass(frozen=True)
class Crontab:
    """A crontab: where it is from, and its bytes; `system` means a user column."""

    source: str
    raw: bytes
    system: bool = False


@dataclass(frozen=True)
class Timer:
    """A systemd timer: its name, its calendars as systemd writes them, and whether it makes up a run that was missed."""

    name: str
    calendars: tuple[str, ...]
    persistent: bool

    @property
    def tasks(self) -> list[Task]:
        """What it starts, as jobs of cron: one for each calendar that five fields can say."""
        written = [fields for one in self.calendars if (fields := calendar(one))]
        return [Task(0, parse(fields), self.name, {}) for fields in written]

    def __str__(self) -> str:
        """As a line for a person."""
        lost = "" if self.persistent else "; missed runs are lost: Persistent=yes makes up one"
        apart = "" if len(self.tasks) == len(self.calendars) else "; not in the calendar: five fields cannot say it"
        return f"timer {self.name}: {', '.join(self.calendars)}{lost}{apart}"


@dataclass(frozen=True)
class Finding:
    """A fault that would hurt a line, and what is seen of it."""

    line: int
    fault: str
    why: str


@dataclass
class Audit:
    """A crontab with its jobs, and what was found, in the order of its lines."""

    crontab: Crontab
    tasks: list[Task]
    findings: list[Finding] = field(default_factory=list)


def audited(crontab: Crontab, zone: ZoneInfo) -> Audit:
    """The jobs of a crontab, and what would hurt them on a machine in this time zone."""
    tasks: list[Task] = []
    variables: dict[str, str] = {}
    findings: list[Finding] = []
    for entry in read(crontab.raw, crontab.system):
        if isinstance(entry, Setting):
            variables = variables | {entry.name: entry.value}
            findings += [Finding(entry.number, "secret", "a password is set in the crontab")] * is_secret(entry)
        elif isinstance(entry, Job):
            command = [*entry.rest.split(maxsplit=1), "", ""][1] if crontab.system else entry.rest
            tasks.append(Task(entry.number, entry.schedule, command, variables))
        elif isinstance(entry, Refused):
            continue  # lint says why
    for task in tasks:
        findings += [Finding(task.number, *found) for found in faults_of(task, zone)]
    findings += [*linted(crontab), *step_order(tasks)]
    unique = {(one.line, one.fault): one for one in reversed(findings)}  # one of a kind is enough for a line
    order = list(PLACES)
    return Audit(crontab, tasks, sorted(unique.values(), key=lambda one: (one.line, order.index(one.fault))))


def is_secret(setting: Setting) -> bool:
    """Whether a setting holds a password."""
    name = re.search(r"PASSW|_PWD$|SECRET|TOKEN|API_?KEY|ACCESS_?KEY", setting.name, re.IGNORECASE)
    return bool(name and setting.value) or bool(re.search(r"://[^\s:/@]+:[^\s@/]+@", setting.value))


def linted(crontab: Crontab) -> Iterator[Finding]:
    """What `lab cron lint` finds, by the fault that it is."""
    for one in lint(crontab.raw, crontab.system):
        fault = next((fault for pattern, fault in FROM_LINT if pattern.search(one.what)), "")
        if not fault and one.level == "error":
            fault = "broken"
        if fault and not BY_RULE.search(one.what):
            yield Finding(one.line, fault, one.what)


def step_order(tasks: list[Task]) -> Iterator[Finding]:
    """The jobs that read what another line writes: only the clock says when it is ready."""
    writers: dict[str, int] = {}
    for task in tasks:
        for file in WRITTEN.findall(task.command):
            if not file.startswith("/dev/"):
                writers.setdefault(file, task.number)
    for task in tasks:
        reads = WRITTEN.sub(" ", task.command)
        for file, number in writers.items():
            if number != task.number and re.search(rf"(?<![\w./-]){re.escape(file)}(?![\w./-])", reads):
                yield Finding(
                    task.number,
                    "step-order",
                    f"it reads {file}, which line {number} writes: only the clock orders them",
                )


def files_of(folder: Path) -> list[Path]:
    """The files of a folder that cron reads, by their names."""
    return sorted(file for file in folder.iterdir() if file.is_file() and NAME.fullmatch(file.name))


def of_path(path: Path, system: bool) -> list[Crontab]:
    """The crontab of a file, or those of a folder. Raises UserError when it cannot be read."""
    try:
        if path.is_dir():
            files = files_of(path)
            users = path.parent.name == "cron" and path.name in ("crontabs", "tabs")  # the spool: each is a user's
            return [Crontab(str(file), file.read_bytes(), system or not users) for file in files]
        if path.suffix == ".timer" or path.name == "anacrontab":
            kind = "a systemd timer" if path.suffix == ".timer" else "an anacrontab"
            raise UserError(f"{path} is {kind}, which lab audit does not read: lab migrate plan {path} gives it a fate")
        inside = path.parent.name == "cron.d" or (path.parent.name, path.name) == ("etc", "crontab")
        return [Crontab(str(path), path.read_bytes(), system or inside)]
    except OSError as reason:
        raise UserError(
            f"{reason.filename or path} cannot be read: {(reason.strerror or str(reason)).lower()}"
        ) from None


def of_machine() -> tuple[list[Crontab], list[str]]:
    """The crontabs of this machine, and what could not be read. Nothing is written, and no job is started."""
    found, notes = [], []
    own, why = answer("crontab", "-l")
    if own is not None:
        found.append(Crontab("crontab -l", own))
    else:
        notes.append(f"crontab -l: {why}")
    for path in SYSTEM:
        try:
            files = files_of(path) if path.is_dir() else [path] if path.exists() else []
        except OSError as reason:
            notes.append(f"{path} cannot be read: {(reason.strerror or str(reason)).lower()}")
            continue
        for file in files:
            try:
                found += of_path(file, True)
            except UserError as reason:
                notes.append(str(reason))
    return found, notes


def answer(*command: str) -> tuple[bytes | None, str]:
    """What a program prints; or None, and why."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=10, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as reason:
        return None, "there is no such program" if isinstance(reason, FileNotFoundError) else str(reason)
    if done.returncode:
        return None, (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
    return done.stdout, ""


def timers() -> tuple[list[Timer], list[str]]:
    """The systemd timers of this machine that have a calendar; and why they cannot be read."""
    shown, why = answer("systemctl", "show", "*.timer", "--property=Id,Persistent,TimersCalendar")
    if shown is None:
        return [], [f"systemd's timers: {why}"]
    found = []
    for unit in shown.decode(errors="replace").split("\n\n"):
        said = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
        if calendars := re.findall(r"^TimersCalendar=.*?OnCalendar=([^;]+?)\s*;", unit, re.MULTILINE):
            found.append(Timer(said.get("Id", "?"), tuple(calendars), said.get("Persistent") == "yes"))
    return found, []


def machine_zone() -> ZoneInfo:
    """The time zone of this machine, UTC when it cannot be told."""
    name = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    return ZoneInfo(name if name in available_timezones() else "UTC")
