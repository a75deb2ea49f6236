"""`lab list` and `lab next`."""

from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from engine.core import ROOT
from lab.console import out
from lab.progress.course import CHANGED, DONE, FAILED, FINISHED, NOT_TRIED, PASSED, Item, items
from lab.progress.store import Progress, keep, kept, read
from lab.up import chosen_port

COLOURS = {PASSED: "green", DONE: "green", FAILED: "red", CHANGED: "yellow", NOT_TRIED: "dim"}
WIDE = 28  # characters of the longest id that leaves the titles aligned


def list_(
    name: Annotated[str | None, typer.Argument(help="A lesson (02-cron) or a page (missed-runs).")] = None,
    progress: Annotated[
        Path | None, typer.Option(metavar="FILE", help="First take over a file that a page has saved.")
    ] = None,
) -> None:
    """Say which exercises are passed, failed, not tried, or changed since they were checked."""
    found = items(_taken_over(progress) if progress else kept(), name)
    for page, group in groupby(found, lambda item: item.page):
        of_page = list(group)
        out.print(f"[bold]{page}[/]: {_count(of_page)}")
        for item in of_page:
            colour = COLOURS[item.state]
            out.print(f"  [{colour}]{item.state:<13}[/]  {item.id:<{WIDE}}  ", end="")
            out.print(item.exercise.title, markup=False)
    if len({item.page for item in found}) > 1:
        out.print(f"[bold]together[/]: {_count(found)}")


def _taken_over(file: Path) -> Progress:
    """Keep what a file has. Its answers replace those that are kept; what was judged on this machine stays."""
    given = read(file)
    return keep(lambda own: Progress(own.answers | given.answers, given.checks | own.checks))


def _count(found: list[Item]) -> str:
    """How many are done, and how many failed or have changed since, if any."""
    states = [item.state for item in found]
    others = "".join(f", {states.count(state)} {state}" for state in (FAILED, CHANGED) if state in states)
    return f"{sum(map(states.count, FINISHED))} of {len(found)} done{others}"


def next_(
    name: Annotated[str | None, typer.Argument(help="A lesson (02-cron) or a page (missed-runs).")] = None,
) -> None:
    """Name the next exercise to do: its task, its page, its file, and the command that checks it.

    Environment: LAB_PORT, the port of the course (8000).
    """
    found = [item for item in items(kept(), name) if item.check]
    item = next((item for item in found if item.state not in FINISHED), None)
    if not item or not item.check:
        out.print(f"nothing is left: {_count(found)}; questions on the pages: lab list {name or ''}".rstrip())
        return
    url = f"http://localhost:{chosen_port()}/{item.page}/#ex-{item.exercise.id}"
    out.print(f"{item.id} ({item.state})", markup=False)
    for what, text in (
        ("task:", item.exercise.title),
        ("page:", url),
        ("file:", str(item.check.path.relative_to(ROOT))),
        ("check:", f"lab check {item.id}"),
    ):
        out.print(f"  {what:<6} {text}", markup=False)
