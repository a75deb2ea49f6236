"""`lab migrate`: `plan` gives every line a fate, `diff` compares the times, the others move one job after the other."""

import json
import textwrap
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from engine.core import UserError
from lab.console import Commands, given, judged, plural
from lab.cron.crontab import printable
from lab.cron.zones import zone_named
from lab.migrate.beside import names
from lab.migrate.diff_command import diff
from lab.migrate.lines import Format, format_of
from lab.migrate.move_command import cutover, rollback, shadow, status
from lab.migrate.names import NO_NAMES, Names
from lab.migrate.plan import Fate, Plan, Verdict, plan, plan_lines
from lab.migrate.timers import read_timer
from lab.migrate.write import write

app = typer.Typer(cls=Commands, help="Move a crontab to Prefect, line by line.", no_args_is_help=True)
WIDTH = 80


@app.callback()
def migrate() -> None:
    """Move a crontab to Prefect, line by line."""


@app.command("plan")
def plan_command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="CRONTAB", allow_dash=True, help="A crontab, an anacrontab or a systemd timer; - is standard input."
        ),
    ],
    into: Annotated[Path | None, typer.Option(help="Write prefect.yaml and its flows into this folder.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over the files of a plan before.")] = False,
    kind: Annotated[
        Format | None, typer.Option("--format", help="How the file is written (default: by its name, else user).")
    ] = None,
    tz: Annotated[str, typer.Option("--tz", help="Time zone of the machine that cron runs on.")] = "UTC",
    pool: Annotated[str, typer.Option(help="The work pool of the deployments.")] = "scheduler",
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    beside: Annotated[
        bool, typer.Option("--beside-cron", help="Cron keeps the jobs; each moves by a switch of its own.")
    ] = False,
) -> None:
    """Give every line a fate: moved, changed or refused, with the reason. Exit code 1 when a line is refused."""
    known = names(into) if into and beside else NO_NAMES
    made = made_of(file, kind or format_of(file), zone_named(tz), pool, known)
    written = write(made, into, str(file), force, beside) if into else []
    if as_json:
        typer.echo(json.dumps(as_data(made), indent=1))
    else:
        for verdict in made.verdicts:
            typer.echo("\n".join(shown(verdict)))
        typer.echo("\n".join(["", *summary(made, written, into, beside)]))
    judged(not any(verdict.fate is Fate.REFUSED for verdict in made.verdicts))


def made_of(file: Path, kind: Format, zone: ZoneInfo, pool: str, known: Names) -> Plan:
    """The plan for a file. Raises UserError when it cannot be read."""
    try:
        if kind is Format.TIMER:
            return plan_lines(read_timer(file), zone, pool, known)
        raw = given() if file == Path("-") else file.read_bytes()
    except OSError as reason:
        raise UserError(f"{file} cannot be read: {(reason.strerror or str(reason)).lower()}") from None
    return plan(raw, kind, zone, datetime.now(zone), pool, known)


def shown(verdict: Verdict) -> Iterator[str]:
    """A verdict as lines of at most WIDTH characters: number, fate, what it becomes, then the reasons."""
    head = f"{verdict.number:>4}  {verdict.fate:<8} "
    source = printable(verdict.text.strip())
    known = verdict.becomes if verdict.fate in (Fate.MOVED, Fate.CHANGED) else ""
    yield cut(f"{head}{printable(known or source or verdict.becomes)}")
    for reason in verdict.reasons:
        yield from textwrap.wrap(printable(reason.text), WIDTH, initial_indent=" " * 17, subsequent_indent=" " * 17)


def cut(line: str) -> str:
    """A line that fits."""
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 2].rstrip()} …"


def summary(made: Plan, written: list[Path], into: Path | None, beside: bool) -> Iterator[str]:
    """How many lines there are of each fate, and what to do next."""
    counts = Counter(verdict.fate for verdict in made.verdicts)
    fates = ", ".join(f"{counts[fate]} {fate}" for fate in Fate if counts[fate]) or "nothing in it"
    yield f"{plural(len(made.verdicts), 'line')}: {fates}"
    yield f"{plural(len(made.deployments), 'deployment')}, in the zone {made.zone} (--tz)"
    if written:
        yield f"written: {', '.join(str(path) for path in written if path.parent == into)}"
        yield from (f"before it: prefect gcl create {name} --limit 1" for name in made.limits)
        yield "next: lab migrate status" if beside else f"next: cd {into} && prefect deploy --all"


def as_data(made: Plan) -> dict[str, Any]:
    """The plan as data."""
    return {
        "zone": made.zone,
        "lines": [
            {
                "line": verdict.number,
                "text": verdict.text.encode(errors="surrogateescape").decode(errors="replace"),
                "fate": verdict.fate,
                "becomes": verdict.becomes,
                "reasons": [vars(reason) for reason in verdict.reasons],
            }
            for verdict in made.verdicts
        ],
        "deployments": [vars(one) | {"schedules": [vars(cron) for cron in one.schedules]} for one in made.deployments],
        "global_limits": made.limits,
    }


app.command()(diff)
app.command()(status)
app.command()(shadow)
app.command()(cutover)
app.command()(rollback)
