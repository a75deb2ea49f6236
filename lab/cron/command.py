"""`lab cron`: explain a schedule, lint a crontab. Plain lines, so that a pipe gets what a terminal shows."""

import difflib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

import typer

from engine.core import UserError
from lab.console import Commands, judged
from lab.cron.crontab import CommandFollows, ScheduleRejected
from lab.cron.explain import explain
from lab.cron.lint import lint, lint_file

app = typer.Typer(cls=Commands, help="Explain a schedule, lint a crontab; needs no Docker.", no_args_is_help=True)


def zone_named(name: str) -> ZoneInfo:
    """The time zone of that name. Raises UserError, with a name that is near, when there is none."""
    known = available_timezones()
    if name in known:
        return ZoneInfo(name)
    cities = {zone.rsplit("/", 1)[-1].casefold(): zone for zone in sorted(known)}
    wanted = name.strip().replace(" ", "_")
    near = {zone.casefold(): zone for zone in known}
    city = difflib.get_close_matches(wanted.rsplit("/", 1)[-1].casefold(), cities, 1, 0.75)
    whole = difflib.get_close_matches(wanted.casefold(), near, 1, 0.75)
    guess = near[whole[0]] if whole else cities[city[0]] if city else ""
    hint = f"did you mean {guess}?" if guess else "they look like America/Sao_Paulo or Europe/Berlin"
    raise UserError(f"{name!r} is no time zone; {hint}")


def moment_named(text: str | None, zone: ZoneInfo) -> datetime:
    """The moment to start from, now by default; a time without offset is the zone's own.

    Raises UserError when it is no date and time.
    """
    if text is None:
        return datetime.now(zone).replace(second=0, microsecond=0)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"--from {text!r} is no date and time; write it as 2026-03-08T01:00") from None
    if not 1970 <= at.year < 9998:
        raise UserError(f"--from {text!r} is out of range: it takes the years from 1970 to 9997")
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    return at.astimezone(UTC).astimezone(zone)  # by way of UTC, so that an hour that the clock skips is not shown


@app.command("explain")
def explain_command(
    words: Annotated[
        list[str], typer.Argument(metavar="SCHEDULE", help='Five fields or a nickname, in quotes: "*/15 2 * * 1-5".')
    ],
    tz: Annotated[str, typer.Option("--tz", help="Time zone of the machine or container that cron runs on.")] = "UTC",
    start: Annotated[str | None, typer.Option("--from", help="List runs after this moment (default: now).")] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="How many runs to list.")] = 5,
) -> None:
    """Say in words what a schedule does, list its next runs, and warn of what you may not expect."""
    if len(words) > 1:
        raise UserError(
            'put the schedule in quotes, or the shell makes file names of *: lab cron explain "*/5 * * * *"'
        )
    [schedule] = words
    zone = zone_named(tz)
    try:
        lines = explain(schedule, zone, moment_named(start, zone), count)
    except CommandFollows as reason:
        raise UserError(f"{schedule!r} is more than a schedule: {reason}") from None
    except ScheduleRejected as reason:
        raise UserError(f"cron refuses {schedule!r}: {reason}") from None
    typer.echo("\n".join(lines))


@app.command("lint")
def lint_command(
    file: Annotated[Path, typer.Argument(allow_dash=True, help="A crontab; - is standard input.")],
    system: Annotated[bool, typer.Option("--system", help="The format of /etc/cron.d, with a user column.")] = False,
) -> None:
    """Find what breaks a crontab. Exit code 1 when there is an error, 2 when the file cannot be read."""
    try:
        findings = lint(sys.stdin.buffer.read(), system) if file == Path("-") else lint_file(file, system)
    except OSError as reason:
        raise UserError(f"{file} cannot be read: {(reason.strerror or str(reason)).lower()}") from None
    for finding in findings:
        typer.echo(f"{file}:{finding.line}: {finding.level}: {finding.what} → {finding.fix}")
    errors = sum(finding.level == "error" for finding in findings)
    warnings = len(findings) - errors
    typer.echo(f"{plural(errors, 'error')}, {plural(warnings, 'warning')}" if findings else f"{file}: nothing found")
    judged(not errors)


def plural(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
