"""`lab audit`: what would hurt the jobs of a crontab, when they start together, and how to spread them. It reads only."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from lab.audit.crontabs import Audit, Crontab, Timer, audited, machine_zone, of_machine, of_path, timers
from lab.audit.faults import PLACES
from lab.audit.load import calendar, collisions, spread, starts_of
from lab.console import given, judged, plural
from lab.cron.crontab import printable
from lab.cron.zones import zone_named

WIDTH = 80


def audit(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CRONTAB|FOLDER]",
            allow_dash=True,
            help="A crontab, a folder such as /etc/cron.d, or - for standard input (default: this machine).",
        ),
    ] = None,
    tz: Annotated[
        str | None, typer.Option("--tz", help="Time zone of the machine (default: this one's, or UTC for a file).")
    ] = None,
    system: Annotated[bool, typer.Option("--system", help="The format of /etc/cron.d, with a user column.")] = False,
) -> None:
    """Say what would hurt each job, and when they start together; nothing is written. Exit code 1 when there is a fault."""
    zone = zone_named(tz) if tz else machine_zone() if path is None else zone_named("UTC")
    notes: list[str] = []
    of_systemd: list[Timer] = []
    if path is None:
        crontabs, notes = of_machine()
        of_systemd, more = timers()
        notes += [*more, *map(str, of_systemd)]
    elif path == Path("-"):
        crontabs = [Crontab("-", given(), system)]
    else:
        crontabs = of_path(path, system)
    audits = [audited(crontab, zone) for crontab in crontabs]
    many = len(audits) > 1
    for one in audits:
        typer.echo("\n".join(shown(one)))
    typer.echo("\n".join(load(audits, of_systemd, many)))
    for note in notes:
        typer.echo(printable(note))
    faults = sum(len(one.findings) for one in audits)
    jobs = sum(len(one.tasks) for one in audits)
    typer.echo(f"{plural(jobs, 'job')}, {plural(faults, 'finding')}; the pages: docs/en/, lab up shows them")
    judged(not faults)


def shown(one: Audit) -> Iterator[str]:
    """A crontab: each line with findings, what is seen, and where the course shows it."""
    jobs = {task.number: f"{task.schedule.text} {task.command}" for task in one.tasks}
    yield printable(one.crontab.source)
    last = 0
    for found in one.findings:
        if found.line != last:
            text = printable(jobs.get(found.line, "")).strip()
            yield f"{found.line:>4}  {text if len(text) <= WIDTH - 6 else text[: WIDTH - 8] + ' …'}".rstrip()
        last = found.line
        text = f"{found.fault}: {printable(found.why)} → {PLACES[found.fault]}"
        yield from textwrap.wrap(
            text, WIDTH, initial_indent="      ", subsequent_indent="        ", break_on_hyphens=False
        )
    if not one.findings:
        yield "      nothing found"


def load(audits: list[Audit], of_systemd: list[Timer], many: bool) -> Iterator[str]:
    """The calendar, who starts together, and a spread, in which a timer stays where it is."""

    def name(one: Audit, number: int) -> str:
        return printable(f"{one.crontab.source}:{number}") if many else f"line {number}"

    jobs = [(name(one, task.number), task) for one in audits for task in one.tasks]
    starts = starts_of([*jobs, *((printable(timer.name), task) for timer in of_systemd for task in timer.tasks)])
    if not any(start.minutes for start in starts):
        return
    yield ""
    yield "starts a minute, each on its busiest day of a week:"
    yield from calendar(starts)
    if groups := collisions(starts):
        yield ""
        yield "together:"
        yield from (f"  {line}" for line in groups)
    ordered = {found.line for one in audits for found in one.findings if found.fault == "step-order"}
    fixed = {name(one, task.number) for one in audits for task in one.tasks if task.number in ordered}
    fixed |= {printable(timer.name) for timer in of_systemd}
    if moves := spread(starts, fixed):
        yield ""
        yield "a spread, with the same hours and days (you decide; nothing was changed):"
        yield from (f"  {move.start.name}: {move.start.task.schedule.text} → {move.schedule}" for move in moves)
