"""What breaks a crontab: the file as Debian's cron reads it, and the commands as /bin/sh runs them under cron."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.crontab import RANGES, BadSchedule, Field, Schedule, split_line
from lab.lint_command import BUILTINS, USUAL, Fault, command_faults, words

BOM = b"\xef\xbb\xbf"
ASSIGNMENT = re.compile(
    r"""(?:"(?P<q>[^"=]*)"|'(?P<a>[^'=]*)'|(?P<n>[^\s=]*))\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^"'].*|)$"""
)
USERS = words("root nobody www-data daemon postgres mysql redis ubuntu debian node app appuser user")
COMMANDS = (USUAL | BUILTINS) - {"mail", "sync"}  # these two are also users of Debian


@dataclass(frozen=True)
class Finding:
    """One fault: the line it is on (from 1), "error" when the job breaks or never runs, what it is, and the repair."""

    line: int
    level: str
    what: str
    fix: str


def lint_file(path: Path, system: bool = False) -> list[Finding]:
    """The findings in a file; with `system` also those of its mode and name. Raises OSError when it cannot be read."""
    findings = lint(path.read_bytes(), system)
    if system:
        if path.stat().st_mode & 0o022:
            what = "the file can be written by its group or by others: cron ignores all of it"
            findings.append(Finding(1, "error", what, f"chmod 644 {path}"))
        if not re.fullmatch(r"[A-Za-z0-9_-]+", path.name):
            level = "error" if path.parent.name == "cron.d" else "warning"
            what = f"under the name {path.name} cron ignores a file in /etc/cron.d, without a word"
            findings.append(Finding(1, level, what, "install it under a name of letters, digits, _ and - only"))
    return sorted(findings, key=lambda finding: finding.line)


def lint(text: bytes, system: bool = False) -> list[Finding]:
    """What breaks the jobs of a crontab, in the order of its lines; `system` means the format of /etc/cron.d."""
    return sorted(findings_of(text, system), key=lambda finding: finding.line)


def findings_of(raw: bytes, system: bool) -> Iterator[Finding]:
    """The findings of the file as a whole, then those of each line."""
    if raw.startswith(BOM):
        what = "the file starts with a byte order mark, which cron takes for a bad minute"
        yield Finding(1, "error", what, "save it as UTF-8 without BOM")
    text = raw.removeprefix(BOM).decode(errors="replace")
    lines = text.split("\n")
    if text and not text.endswith("\n"):
        refusal = "cron ignores the whole file" if system else "crontab refuses the whole file"
        yield Finding(len(lines), "error", f"the last line has no newline at its end: {refusal}", "end it with Enter")
    if crlf := [number for number, line in enumerate(lines, 1) if line.endswith("\r")]:
        what = f"CRLF line ends, {len(crlf)} of them: \\r becomes part of the command, an empty line is refused"
        yield Finding(crlf[0], "error", what, "sed -i 's/\\r$//' on the file")
    variables: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if setting := ASSIGNMENT.match(line):
            name = next(filter(None, (setting["q"], setting["a"], setting["n"])), "")
            variables[name] = setting["value"].strip("\"'")
            faults = setting_faults(name, variables[name])
        else:
            faults = line_faults(line, system, variables)
        for level, what, fix in faults:
            yield Finding(number, level, what, fix)


def setting_faults(name: str, value: str) -> Iterator[Fault]:
    """What is wrong with `name=value` in a crontab: (level, what, fix)."""
    if reference := re.search(r"\$\{?\w+\}?", value):
        level = "error" if name == "PATH" else "warning"
        yield level, f"cron expands nothing here: {name} will hold the text {reference[0]}", "write the value out"
    if name == "CRON_TZ":
        yield "warning", "CRON_TZ belongs to cronie, Debian's cron ignores it", "set TZ for the whole container"


def line_faults(line: str, system: bool, variables: dict[str, str]) -> Iterator[Fault]:
    """What is wrong with one job: its schedule, its user column, its command."""
    if line.startswith("export "):
        yield "error", "export is the shell's word: cron reads it as a bad minute", "write NAME=value"
        return
    try:
        schedule, rest = split_line(line)
    except BadSchedule as refused:
        yield "error", f"{refused}; cron refuses the whole file", f'try it with: lab cron explain "{guess(line)}"'
        return
    yield from schedule_faults(schedule)
    first, after = [*rest.split(maxsplit=1), "", ""][:2]
    if system and (not after or "/" in first or first in COMMANDS):
        yield "error", f"the user column is missing: cron looks for a user {first!r}", "write root before the command"
    elif system:
        rest = after
    elif first in USERS and after:
        yield "error", f"a user column in a user's crontab: cron runs a command called {first!r}", f"remove {first}"
        rest = after
    if rest:
        yield from command_faults(rest, variables)
    elif not system:
        yield "error", "there is no command", "write one after the schedule"


def guess(line: str) -> str:
    """The part of a bad line that was meant as its schedule."""
    return line.split()[0] if line.startswith("@") else " ".join(line.split()[:5])


def schedule_faults(schedule: Schedule) -> Iterator[Fault]:
    """Schedules that cron takes and their author cannot have meant."""
    for field in schedule.fields:
        if field.ignored:
            kept = field.text.removesuffix(field.ignored)
            yield "warning", f"{field.name} {field.text!r} is read as {kept!r}, the rest is ignored", f"write {kept}"
    if backwards := [field for field in schedule.fields if not field.values]:
        field = backwards[0]
        yield "error", f"{field.name} {field.text!r} runs backwards and matches nothing", f"write {straight(field)}"
    elif schedule.expression is None and not schedule.reboot:
        yield "error", f"{schedule.text!r} never runs: there is no such date", "correct day or month"
    if schedule.either_day and schedule.expression:
        yield "warning", "both day fields are set, so either is enough", "test one of them in the command"


def straight(field: Field) -> str:
    """A range that runs over the end of the hour, day, month, year or week, written as two."""
    first, last = field.text.split(",")[0].split("/")[0].split("-")[:2]
    low, high = RANGES[field.name]
    if field.name == "day of week":
        return f"{first}-7" if last.lower() in ("0", "sun") else f"{first}-7,1-{last}"
    return f"{first}-{high},{low}-{last}"
