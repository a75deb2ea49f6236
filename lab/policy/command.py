"""`lab policy simulate`: what each policy does with an outage of the learner's own, as a table and a picture."""

import re
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from cronsim import CronSim

from engine.core import UserError
from lab.console import Commands, show
from lab.cron.explain import schedule_named
from lab.policy.model import Down, Fate, Missed, Outage, Overlap, Policy, Run, at_once, tally
from lab.policy.picture import draw
from lab.policy.systems import Case, System, systems, yours

app = typer.Typer(cls=Commands, help="Missed runs: what becomes of them; needs no Docker.", no_args_is_help=True)
MONDAY = datetime(2026, 3, 2)  # the first day that is looked at; no clock changes
MOST = 1500  # runs: one a minute, for a day
SPAN = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,5})s)?")
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@app.callback()
def policy() -> None:
    """Missed runs: what becomes of them; needs no Docker."""


@app.command()
def simulate(
    schedule: Annotated[str, typer.Option(help='Five fields, in quotes: "*/20 * * * *".')],
    outage: Annotated[str, typer.Option(metavar="HH:MM-HH:MM", help="From when to when nothing ran: 02:00-07:30.")],
    length: Annotated[str, typer.Option(metavar="SPAN", help="How long a run is at work: 90s, 12m, 1h30m.")],
    policies: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="POLICY",
            help="Show this one only; may be repeated. A name from the table, or one of your own: "
            "MISSED/OVERLAP[/AGE], as in LATEST/FORBID or ALL/QUEUE/2h.",
        ),
    ] = None,
    down: Annotated[Down, typer.Option(help="What was away: the machine, a machine that slept, or the worker.")] = (
        Down.MACHINE
    ),
    not_older: Annotated[
        str, typer.Option(metavar="SPAN", help="The age up to which cron-catch-up-young and prefect-guard make up.")
    ] = "1h",
    svg: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("policy.svg"),
) -> None:
    """Show what each policy does with the runs that an outage makes you miss."""
    case = case_of(schedule, outage, span(length, "--length"), down)
    known = systems(span(not_older, "--not-older"))
    shown = [named(name, known) for name in policies] if policies else list(known.values())
    results = {system: system.runs(case) for system in shown}
    svg.write_text(draw(schedule, case, results))
    show(HEADER, [row(system, done) for system, done in results.items()])
    missed = len(case.missed)
    typer.echo(f"{missed} run{' was' if missed == 1 else 's were'} due while nothing ran; the picture: {svg}")


HEADER = ["policy", "runs", "most", "until"]


def row(system: System, done: list[Run]) -> list[str]:
    """A line of the table: the runs by their fate, the most that are at work at once, when the last late one ends."""
    late = [run.ended for run in done if run.ended and run.fate is Fate.LATE]
    return [system.name, tally(done), str(at_once(done)), f"{max(late):%H:%M}" if late else "–"]


def span(text: str, option: str) -> timedelta:
    """A length of time above zero. Raises UserError when the text is none."""
    found = SPAN.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    if not (total := timedelta(hours=hours, minutes=minutes, seconds=seconds)):
        raise UserError(f"{option} {text!r} is no length of time above zero; write it as 90s, 12m or 1h30m")
    return total


def named(name: str, known: dict[str, System]) -> System:
    """The system of that name, or one with a policy as it is written. Raises UserError when it is neither."""
    if name in known:
        return known[name]
    words = name.split("/")
    if words[0] in Missed.__members__ and len(words) in (2, 3) and words[1] in Overlap.__members__:
        age = span(words[2], "--policy: the age") if words[2:] else None
        return yours(Policy(Missed[words[0]], Overlap[words[1]], age))
    own = f"{'|'.join(Missed)}/{'|'.join(Overlap)}[/AGE]"
    raise UserError(f"--policy {name!r} is none; there is: {', '.join(known)}, and your own: {own}")


def case_of(schedule: str, outage: str, length: timedelta, down: Down) -> Case:
    """The schedule through the outage, on the first day on which it is due.

    The window begins an hour before the outage, and ends two runs or an hour after it, with time for the last. Raises
    UserError when schedule or outage cannot be read, or when there are too many runs.
    """
    start, end = (timedelta(hours=hours, minutes=minutes) for hours, minutes in clocks(outage))
    wanted = schedule_named(schedule)
    if not (expression := wanted.expression):
        raise UserError(f"--schedule {schedule!r} has no dates: lab cron explain {schedule!r} says why")
    day = next(times(expression, MONDAY)).replace(hour=0, minute=0)
    away = Outage(day + start, day + end + timedelta(days=end <= start), down)
    hour = timedelta(hours=1)
    after = list(islice(times(expression, away.end), 2))
    until = max(away.end + hour, after[-1])
    due = []
    for at in times(expression, away.start - max(hour, length)):
        if at > until:
            break
        due.append(at)
        if len(due) > MOST:
            raise UserError(
                f"{schedule!r} is due more than {MOST} times in {outage}: take a shorter outage, or --length"
            )
    return Case(due, away, length, fixed=not wanted.wildcard)


def clocks(outage: str) -> list[tuple[int, int]]:
    """The two times of day of an outage, as hours and minutes. Raises UserError when it is written otherwise."""
    found = [CLOCK.fullmatch(part) for part in outage.split("-")]
    if len(found) != 2 or not all(found):
        raise UserError(f"--outage {outage!r} is no span of two times; write it as 02:00-07:30")
    return [(int(match[1]), int(match[2])) for match in found if match]


def times(expression: str, start: datetime) -> CronSim:
    """The times from `start` on for which a schedule is due, in the words of cronsim."""
    return CronSim(expression, start - timedelta(minutes=1))
