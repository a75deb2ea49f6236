"""`lab migrate diff`: a crontab and a prefect.yaml, and each instant at which only one of them starts a job."""

import textwrap
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from engine.core import UserError
from lab.console import given, judged, plural
from lab.cron.crontab import Job, Refused, printable, read
from lab.cron.zones import moment_named, zone_named
from lab.migrate.diff import Cause, Outcome, Window, compare, window_of
from lab.migrate.lines import Format, format_of
from lab.migrate.pairs import Line, Pair, line_of, numbers, paired
from lab.migrate.prefect_yaml import read_deployments

SHOWN = 5  # instants of a reason
WIDTH = 76
NO_CALENDAR = {
    Format.TIMER: "is a systemd timer: diff knows cron's dates only; systemd-analyze calendar --iterations 10 lists a timer's",
    Format.ANACRON: "is an anacrontab: its periods have no dates to compare; lab migrate plan says at which times it moves",
}
NOTES, NOTE = 20, 200  # lines that are not compared: how many, and characters of each; a file may be no crontab at all


def diff(
    crontab: Annotated[Path, typer.Argument(allow_dash=True, help="A crontab; - is standard input.")],
    prefect_yaml: Annotated[Path, typer.Argument(metavar="PREFECT_YAML", help="The deployments.")],
    days: Annotated[int, typer.Option("--days", min=1, max=4000, help="How many days are compared.")] = 400,
    tz: Annotated[str, typer.Option("--tz", "--zone", help="Time zone of the machine that cron runs on.")] = "UTC",
    start: Annotated[str | None, typer.Option("--from", help="Compare after this moment (default: now).")] = None,
    system: Annotated[bool, typer.Option("--system", help="The format of /etc/cron.d, with a user column.")] = False,
    every: Annotated[bool, typer.Option("--all", help="List every instant, not the first of each reason.")] = False,
) -> None:
    """Compare when cron and Prefect start each job. Exit code 1 when an instant differs."""
    zone = zone_named(tz)
    window = window_of(moment_named(start, zone), days, zone)
    kind = format_of(crontab)
    if kind in NO_CALENDAR:
        raise UserError(f"{crontab} {NO_CALENDAR[kind]}")
    lines, apart = lines_of(crontab, system or kind is Format.SYSTEM)
    pairs = paired(lines, read_deployments(prefect_yaml))
    idle = [pair for pair in pairs if not pair.lines and not any(one.active for one in pair.schedules)]
    outcomes = [compare(pair, window) for pair in pairs if pair not in idle]
    for outcome in outcomes:
        typer.echo("\n".join(shown(outcome, window, None if every else SHOWN)))
    left_out = [*apart, *(f"{names(pair)}: no schedule that is active, and no line" for pair in idle)]
    for note in left_out if every else left_out[:NOTES]:
        typer.echo(f"not compared: {textwrap.shorten(printable(note), NOTE, placeholder=' …')}")
    if not every and left_out[NOTES:]:
        typer.echo(f"not compared: {plural(len(left_out) - NOTES, 'more line')}: --all lists them")
    typer.echo(summary(outcomes, window, days))
    judged(not any(outcome.causes for outcome in outcomes))


def lines_of(crontab: Path, system: bool) -> tuple[list[Line], list[str]]:
    """The jobs of a crontab that have times, and why the other lines are left out. Raises UserError."""
    try:
        raw = given() if crontab == Path("-") else crontab.read_bytes()
    except OSError as reason:
        raise UserError(f"{crontab} cannot be read: {(reason.strerror or str(reason)).lower()}") from None
    lines, apart = [], []
    for entry in read(raw, system):
        if isinstance(entry, Refused):
            apart.append(f"line {entry.number}, which cron refuses: {entry.reason}")
        elif isinstance(entry, Job) and entry.schedule.reboot:
            apart.append(f"line {entry.number}: @reboot has no times")
        elif isinstance(entry, Job):
            lines.append(line_of(entry, system))
    return lines, apart


def shown(outcome: Outcome, window: Window, most: int | None) -> Iterator[str]:
    """A pair as lines: equal, or each reason with its instants."""
    differing = sum(map(len, outcome.causes))
    verdict = "differs" if outcome.causes else "equal"
    count = (
        f"{differing:,} of {plural(outcome.compared, 'instant')}" if differing else plural(outcome.compared, "instant")
    )
    yield f"{verdict:<8} {names(outcome.pair)}: {count}"
    if not outcome.causes:
        return
    if command := printable(outcome.pair.command):
        yield f"         $ {command if len(command) <= WIDTH - 9 else command[: WIDTH - 11] + ' …'}"
    for cause in outcome.causes:
        yield f"         {printable(cause.text)}"
        yield from instants(cause, window, most)


def instants(cause: Cause, window: Window, most: int | None) -> Iterator[str]:
    """The instants of a reason, by the clock of cron."""
    sides = [(at, "cron only") for at in cause.cron_only] + [(at, "Prefect only") for at in cause.prefect_only]
    for at, side in islice(sorted(sides), most):
        yield f"           {side:<13} {local(at, window)}"
    if most is not None and len(sides) > most:
        yield f"           … and {len(sides) - most:,} more: --all lists them"


def local(at: datetime, window: Window) -> str:
    """An instant as a person reads it, by the clock of cron."""
    here = at.astimezone(window.zone)
    seconds = f":{here:%S}" if here.second else ""
    offset = f"{here:%z}"
    return f"{here:%a %Y-%m-%d %H:%M}{seconds} {offset[:3]}:{offset[3:5]}"


def names(pair: Pair) -> str:
    """Who belongs to a pair: its lines and its deployments."""
    lines = f"line{'s' * (len(pair.lines) > 1)} {numbers(pair)}" if pair.lines else "no line"
    return f"{lines} = {', '.join(pair.deployments) or 'no deployment'}"


def summary(outcomes: list[Outcome], window: Window, days: int) -> str:
    """What was compared, and how much of it differs."""
    compared = sum(outcome.compared for outcome in outcomes)
    differing = sum(len(cause) for outcome in outcomes for cause in outcome.causes)
    begin = window.start.astimezone(window.zone)
    return (
        f"{plural(compared, 'instant')} of {plural(len(outcomes), 'command')} compared, {differing:,} differ: "
        f"{plural(days, 'day')} from {begin:%Y-%m-%d}, {window.zone}"
    )
