"""What breaks a crontab: the file as Debian's cron reads it, and the commands as /bin/sh runs them under cron."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.cron.crontab import (
    QUARTZ,
    RANGES,
    Field,
    Refused,
    Schedule,
    ScheduleRejected,
    Setting,
    elsewhere,
    printable,
    read,
    read_field,
    split_line,
)
from lab.cron.shell import (
    BEFORE_A_COMMAND,
    BUILTINS,
    IN_LOCAL_BIN,
    IN_SBIN,
    NOT_A_COMMAND,
    USUAL,
    Problem,
    command_problems,
    programs,
    words,
)

BOM = b"\xef\xbb\xbf"
ALSO_COMMANDS = words("mail man sync mysql git node")  # names of users, and of programs
USERS = words("""
root daemon bin sys games lp news uucp proxy www-data backup list irc nobody _apt postgres redis ubuntu debian app appuser
""")
NO_COMMANDS = words("root nobody www-data ubuntu debian postgres redis appuser")  # users that no job is called like
COMMANDS = (USUAL | BUILTINS) - ALSO_COMMANDS


@dataclass(frozen=True)
class Finding:
    """One problem: its line (from 1), "error" or "warning", what it is, and how to repair it.

    An error means that the job breaks or never runs.
    """

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
        what = "the file starts with a byte order mark, which cron takes for a part of the first line"
        yield Finding(1, "error", what, "save it as UTF-8 without BOM")
    if crlf := raw.count(b"\r\n"):
        what = f"CRLF line ends, {crlf} of them: \\r becomes part of the command, an empty line is refused"
        yield Finding(
            raw[: raw.index(b"\r\n")].count(b"\n") + 1, "error", what, "save it with LF: tr -d '\\r' < FILE > NEW"
        )
    if b"\0" in raw:
        what = "a byte that is 0: cron ends the line there"
        yield Finding(raw[: raw.index(b"\0")].count(b"\n") + 1, "error", what, "tr -d '\\0' on the file")
    variables: dict[str, str] = {}
    for entry in read(raw.removeprefix(BOM).replace(b"\r\n", b"\n"), system):
        if isinstance(entry, Setting):
            variables[entry.name] = entry.value
            problems = setting_problems(entry)
        elif isinstance(entry, Refused):
            problems = iter([refusal(entry, system)])
        else:
            problems = job_problems(entry.schedule, entry.rest, system, variables)
        for level, what, fix in problems:
            yield Finding(entry.number, level, printable(what), printable(fix))


def refusal(entry: Refused, system: bool) -> Problem:
    """Why cron refuses a line, and what to do about it."""
    reason, fix, hint = entry.reason, entry.fix, elsewhere(entry.line)
    if fix:
        pass
    elif entry.line.startswith("export "):
        reason, fix = "export is the shell's word: cron reads it as a bad minute", "write NAME=value"
    elif re.match(r"[\"'\w]+\s*=", entry.line):
        reason = "the quotes of this setting are not closed, or something follows them"
        fix = 'write NAME="value", and nothing after it'
    elif hint:
        reason, fix = f"{reason}; {hint[0]}", without_seconds(entry.line) or hint[1]
    elif re.match(r"[\d*@]", entry.line):
        guess = " ".join(entry.line.split()[: 1 if entry.line.startswith("@") else 5])
        fix = f'try it with: lab cron explain "{guess}"'
    else:
        fix = "begin a comment with #, and a job with five fields"
    return "error", f"{reason}; cron {'ignores' if system else 'refuses'} the whole file", fix


def without_seconds(line: str) -> str:
    """How to write a line of Quartz for cron, where that is certain; empty when it is none, or is not certain."""
    meant = " ".join(line.split()[1:6]).replace("?", "*")
    try:
        schedule, _ = split_line(meant if re.match(QUARTZ, line) else "")
    except ScheduleRejected:
        return ""
    if schedule.reboot:
        return ""
    if any(character.isdigit() for character in schedule.fields[4].text):  # Quartz counts the weekdays from 1
        return "leave out the seconds, and write the weekday by name"
    return f"leave out the seconds: {meant}"


def setting_problems(setting: Setting) -> Iterator[Problem]:
    """What is wrong with `name=value` in a crontab: (level, what, fix)."""
    name, value = setting.name, setting.value
    if swallowed(value):
        what = f"cron takes the whole line for the value of {name or 'a variable'}: the job does not exist"
        yield "error", what, "put the schedule on a line of its own"
        return
    if reference := re.search(r"\$\{?\w+\}?", value):
        level = "error" if name == "PATH" else "warning"
        yield level, f"cron expands nothing here: {name} will hold the text {reference[0]}", "write the value out"
    if setting.empty:
        what = f"{name}= without a value: the cron of Debian 12 refuses the whole file, that of Debian 13 takes it"
        yield "warning", what, f'write {name}=""'
    if setting.unsafe:
        what = f"cron sends no mail with the address {value!r}, and the crontab of Debian 13 refuses the whole file"
        yield "error", what, f"write {name}=name@example.org, more of them with a comma and no blank"
    if name == "CRON_TZ":
        yield "warning", "CRON_TZ belongs to cronie, Debian's cron ignores it", "set TZ for cron itself"
    elif name == "TZ":
        yield "warning", "TZ changes what a job prints, not when it starts", "set TZ for cron itself, to change when"


def swallowed(text: str) -> bool:
    """Whether a schedule and a command follow the first word of a value."""
    try:
        _, rest = split_line(" ".join(text.split(maxsplit=1)[1:]))
    except ScheduleRejected:
        return False
    return bool(rest)


def job_problems(schedule: Schedule, rest: str, system: bool, variables: dict[str, str]) -> Iterator[Problem]:
    """What is wrong with one job: its schedule, its user column, its command."""
    yield from schedule_problems(schedule)
    first, command = [*rest.split(maxsplit=1), "", ""][:2]
    if re.fullmatch(r"\?|[\d*][\d*,/-]*", first):
        what = f"a sixth field: cron has five, and takes {first!r} for the {'user' if system else 'command'}"
        yield "error", what, without_seconds(f"{schedule.text} {rest}") or "write five fields, the minute first"
    elif not rest:
        yield "error", f"there is no {'user and no ' if system else ''}command", "write one after the schedule"
    elif system:
        trouble = user_problem(first, command)
        if trouble:
            yield trouble
        if command:
            yield from command_problems(rest if trouble and trouble[0] == "error" else command, variables)
    elif first in NO_COMMANDS and command and not command.startswith("-"):
        fix = f"remove {first}" + ("" if is_command(command) else ", if it is meant as the user")
        yield "error", f"a user column in a user's crontab: cron runs a command called {first!r}", fix
        yield from command_problems(command, variables)
    else:
        yield from command_problems(rest, variables)


def user_problem(user: str, command: str) -> Problem | None:
    """What is wrong with the user column of a system crontab. A name may be both: `mysql mysql -e x` is right."""
    known = user in USERS or user in ALSO_COMMANDS
    no_name = not re.fullmatch(r"[A-Za-z_][\w.-]*\$?", user) or user in BEFORE_A_COMMAND | NOT_A_COMMAND
    if not command and user in USERS:
        return "error", f"there is no command after the user {user}", "write one"
    program = user in COMMANDS or IN_LOCAL_BIN.fullmatch(user) or IN_SBIN.fullmatch(user)
    if not command or command.startswith("-") or no_name or (program and not known):
        return "error", f"the user column is missing: cron looks for a user {user!r}", "write root before the command"
    word = command.split()[0]
    certain = is_command(command) or word == user  # a program that is called like its user
    if (not certain and user not in USERS) or (user == "node" and word.endswith("js")):
        what = f"cron takes {user!r} for the user, and {word!r} for the command"
        return "warning", what, f"if {user} is the command, write root before it"
    return None


def is_command(text: str) -> bool:
    """Whether a text begins as a command does: with a path, a word of the shell, or a program that is known."""
    if text.startswith("-"):
        return False
    first = next(programs(text), "") or text
    word = first.split()[0] if first.split() else ""
    return (
        word.startswith(("/", "$", "~/", ".")) or word in COMMANDS | ALSO_COMMANDS or bool(IN_LOCAL_BIN.fullmatch(word))
    )


def schedule_problems(schedule: Schedule) -> Iterator[Problem]:
    """Schedules that cron accepts, and that their author cannot have meant."""
    for field in schedule.fields:
        if field.ignored:
            kept = field.text.removesuffix(field.ignored)
            yield "warning", f"{field.name} {field.text!r} is read as {kept!r}, the rest is ignored", f"write {kept}"
        for term in field.backwards:
            yield "error", f"{field.name} {term!r} runs backwards and matches nothing", f"write {straight(field)}"
    never = schedule.expression is None and not schedule.reboot
    if never and all(field.values for field in schedule.fields):
        yield "error", f"{schedule.text!r} never runs: there is no such date", "correct day or month"
    if schedule.either_day and schedule.expression and all(field.values for field in schedule.fields):
        yield "warning", "both day fields are set, so either is enough", "test one of them in the command"


def straight(field: Field) -> str:
    """The field with each range that runs over the end of the hour, day, month, year or week written as two."""
    kept = field.text.removesuffix(field.ignored)
    return ",".join(split_range(field.name, term) if term in field.backwards else term for term in kept.split(","))


def split_range(name: str, term: str) -> str:
    """A backwards range as two; the step goes on over the end."""
    span, _, step = term.partition("/")
    first, last = span.split("-")
    low, high = (1, 7) if name == "day of week" else RANGES[name]
    if name == "day of week" and last.lower() in ("0", "sun"):
        return f"{first}-7" + (f"/{step}" if step else "")
    if not step:
        return f"{first}-{high},{low}-{last}"
    start, end = (max(read_field(name, word).values) for word in (first, last))  # Sunday is 0 and 7, here 7
    again = low + (start - high - 1) % int(step)
    return f"{first}-{high}/{step}" + (f",{again}-{last}/{step}" if again <= end else "")
