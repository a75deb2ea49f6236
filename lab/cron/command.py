"""`lab cron`: explain a schedule, lint a crontab. Plain lines, so that a pipe gets what a terminal shows."""

from pathlib import Path
from typing import Annotated

import typer

from engine.core import UserError
from lab.console import Commands, given, judged, plural
from lab.cron.crontab import printable
from lab.cron.explain import explanation, schedule_named
from lab.cron.lint import lint, lint_file
from lab.cron.zones import moment_named, zone_named

app = typer.Typer(cls=Commands, help="Explain a schedule, lint a crontab; needs no Docker.", no_args_is_help=True)


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
    zone = zone_named(tz)
    start_at = moment_named(start, zone)
    typer.echo("\n".join(explanation(schedule_named(words[0]), zone, start_at, count).lines))


@app.command("lint")
def lint_command(
    file: Annotated[Path, typer.Argument(allow_dash=True, help="A crontab; - is standard input.")],
    system: Annotated[bool, typer.Option("--system", help="The format of /etc/cron.d, with a user column.")] = False,
) -> None:
    """Find what breaks a crontab. Exit code 1 when there is an error, 2 when the file cannot be read."""
    try:
        findings = lint(given(), system) if file == Path("-") else lint_file(file, system)
    except OSError as reason:
        raise UserError(f"{file} cannot be read: {(reason.strerror or str(reason)).lower()}") from None
    name = printable(str(file))
    for finding in findings:
        typer.echo(f"{name}:{finding.line}: {finding.level}: {finding.what} → {finding.fix}")
    errors = sum(finding.level == "error" for finding in findings)
    warnings = len(findings) - errors
    typer.echo(f"{plural(errors, 'error')}, {plural(warnings, 'warning')}" if findings else f"{name}: nothing found")
    judged(not errors)
