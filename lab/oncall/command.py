"""`lab oncall`: the terminal of a shift, what must be well before it begins, and what it leaves."""

import os
import random
import select
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from engine.core import UserError, step
from engine.web import PrefectApi
from lab.console import judged
from lab.cron.lint import lint
from lab.faults.command import require_engine, running, states
from lab.faults.stack import PREFECT, PREFECT_SERVICES, Stack, find
from lab.oncall import databases, postmortem
from lab.oncall.looks import api_of
from lab.oncall.pager import runs, schedule_of
from lab.oncall.score import Outcome
from lab.oncall.shift import Shift, draw
from lab.why.command import lines, look_around

PATIENCE = 300  # seconds until all is well


def oncall(
    seed: Annotated[int | None, typer.Option(help="The same seed, the same fault; without one: a new one.")] = None,
    within: Annotated[float, typer.Option(min=0, help="Seconds in which the fault comes.")] = 60,
    minutes: Annotated[float, typer.Option(min=0, help="How long you have, from the fault on.")] = 30,
    output: Annotated[Path | None, typer.Option(help="The post-mortem; without it: post-mortem-SEED.md.")] = None,
) -> None:
    """Break something in your running 03-prefect, page you, and score the repair. Ctrl-C gives up. Exit code 1: not repaired."""
    seed = random.randrange(10_000) if seed is None else seed
    file = output or Path(f"post-mortem-{seed}.md")
    if file.exists():
        raise UserError(f"{file} is there already, and may hold what you wrote: lab oncall --output FILE")
    if not file.absolute().parent.is_dir():
        raise UserError(f"{file.parent} is no folder: lab oncall --output FILE")
    require_engine()
    [stack] = running((PREFECT,))
    interval = require_well(stack)
    why = Why()
    shift = Shift(draw(seed, within), interval, say, pressed_of(sys.stdin.fileno()), why.ask)
    typer.echo(f"shift {seed}, the same again: lab oncall --seed {seed}; work in another terminal, give up by Ctrl-C")
    try:
        shift.run(minutes)
    except KeyboardInterrupt:
        if not shift.broken:
            raise
        shift.note("you: given up")
    end(shift, why, file)


def require_well(stack: Stack) -> float:
    """Wait until all is well, and return the interval of the schedule. Raises UserError when that takes too long."""
    stack.require(*sorted(PREFECT_SERVICES))
    if on := [name for name, state in states(stack).items() if state == "on"]:
        raise UserError(f"{PREFECT}: {', '.join(on)} is on already: lab fix")
    api = api_of(stack)
    assert api  # its container runs
    interval = schedule_of(api)
    if why := trouble(stack, api, interval):
        with step(f"{PREFECT}: not well yet, waiting ({why})"):
            deadline = time.monotonic() + PATIENCE
            while why := trouble(stack, api, interval):
                if time.monotonic() > deadline:
                    raise UserError(f"{PREFECT}: {why}: lab why {PREFECT}")
                time.sleep(1)
    return interval


def trouble(stack: Stack, api: PrefectApi, interval: float) -> str:
    """Why a shift cannot begin, "" when it can: nothing is found by `lab why`, and loads come through.

    What follows a fault, such as a run whose process is gone, passes by itself some minutes after the fault is fixed.
    """
    try:
        for cause in (cause for look in look_around(lint, PREFECT) for cause in look.causes):
            return f"{cause.name}, {cause.seen}"
        ended = runs(api, time.time() - 3600)
    except UserError as reason:  # a busy server
        return str(reason)
    try:
        age = time.time() - max(databases.watermarks(stack))
    except UserError:  # before the first load there is no table
        return "the warehouse has had no load"
    if age > 2 * interval:
        return f"the last load was {age:.0f} s ago"
    came = [run.type == "COMPLETED" for run in ended if run.type != "CANCELLED"]
    return "" if came and came[-1] else "the last run has not come through"


class Why:
    """What `lab why` says while the fault is on, asked beside the shift: it may take a minute."""

    def __init__(self) -> None:
        """Nothing is asked yet."""
        self.said = ["nobody was paged"]
        self.asking: threading.Thread | None = None

    def ask(self) -> None:
        """Begin to ask."""
        self.said = ["no answer"]
        self.asking = threading.Thread(target=self.look, daemon=True)
        self.asking.start()

    def look(self) -> None:
        """Ask."""
        try:
            self.said = [line for look in look_around(lint, PREFECT) for line in lines(look)]
        except UserError as reason:
            self.said = [str(reason)]

    def answer(self) -> list[str]:
        """Its lines."""
        if self.asking:
            self.asking.join(60)
        return self.said


def pressed_of(terminal: int) -> Callable[[float], bool]:
    """A function that waits so many seconds for Enter in a terminal or a pipe, and says whether it came."""
    ended = False

    def pressed(seconds: float) -> bool:
        nonlocal ended
        if ended:
            time.sleep(seconds)
        elif select.select([terminal], [], [], seconds)[0]:
            ended = not os.read(terminal, 4096)
            return not ended
        return False

    return pressed


def say(at: float, text: str) -> None:
    """Print what happened, with its time."""
    typer.echo(f"{postmortem.clock(at)}  {text}")


def end(shift: Shift, why: Why, file: Path) -> None:
    """Count, print what it was and what it is worth, and write the post-mortem."""
    until = shift.repaired or time.time()
    stack, grace = find(PREFECT), 2 * shift.interval
    rows = databases.count(stack, shift.orders, shift.watermarks, shift.injected, until, grace) if stack else None
    paged = shift.paged or until
    noticed = None if shift.noticed is None else shift.noticed - paged
    outcome = Outcome(noticed, shift.repaired and shift.repaired - paged, rows, len(shift.touched))
    typer.echo(f"it was {shift.drawn.fault}: {shift.drawn.act.what}")
    typer.echo(postmortem.verdict(shift) + ("" if shift.repaired or shift.gone else ": lab fix ends it"))
    for name, value in postmortem.figures(shift, outcome):
        typer.echo(f"  {name:<9} {value}")
    file.write_text(postmortem.text(shift, outcome, why.answer()), encoding="utf-8")
    typer.echo(f"the post-mortem, for you to finish: {file}")
    judged(bool(shift.repaired))
