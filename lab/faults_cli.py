"""`lab break` and `lab mend`: meet the faults of the course on your own stacks of 02-cron and 03-prefect."""

import sys
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lab import faults
from lab.engine import Trouble, silence
from lab.faults import BENCH, FAULTS, Act
from lab.faults_stack import LESSONS, Stack, find


def fail(message: str) -> typer.Exit:
    """Print one line on standard error and return the exit to raise: code 2, the command could not be done."""
    typer.echo(message, err=True)
    return typer.Exit(2)


def require_engine() -> None:
    """Raise Trouble, one line, when no Docker daemon answers."""
    if why := silence():
        raise Trouble(f"the faults are those of running containers, and Docker does not answer ({why}): lab doctor")


def running(lessons: tuple[str, ...] = LESSONS) -> list[Stack]:
    """The stacks of these lessons that run. Raises Trouble, with the command that starts one, when none does."""
    if stacks := [stack for lesson in lessons if (stack := find(lesson))]:
        return stacks
    up = f"cd {lessons[-1]} && docker compose up --detach --wait"
    raise Trouble(f"{' and '.join(lessons)}: no stack runs; start one: {up}")


def states(stack: Stack) -> dict[str, str]:
    """Of each fault that applies to a stack: "on", "off", or "?" when a service that must be asked does not run."""

    def state(act: Act) -> str:
        try:
            return "on" if faults.is_on(stack, act) else "off"
        except Trouble:
            return "?"

    return {name: state(act) for name, act in faults.acts(stack.lesson).items() if act.off}


def table(seen: dict[str, dict[str, str]]) -> Table:
    """Fault by stack, what it does, and what is on; `seen` has the states of each stack that runs, by lesson."""
    drawn = Table("fault", "on", *LESSONS, box=box.SIMPLE_HEAD)
    for name, by_lesson in FAULTS.items():
        on = [
            f"{lesson}{'' if state == 'on' else ' ?'}"
            for lesson, of in seen.items()
            if (state := of.get(name, "off")) != "off"
        ]
        what = [act.what if isinstance(act, Act) else f"– {act}" for act in by_lesson.values()]
        drawn.add_row(name, "\n".join(on), *what)
    return drawn


def show() -> None:
    """Print the table, and whether a stack runs."""
    why = silence()
    stacks = [] if why else [stack for lesson in LESSONS if (stack := find(lesson))]
    console = Console() if sys.stdout.isatty() else Console(width=160, no_color=True)
    with console.capture() as drawn:
        console.print(table({stack.lesson: states(stack) for stack in stacks}))
    typer.echo("\n".join(line.rstrip() for line in drawn.get().strip("\n").splitlines()))
    typer.echo(f"On the bench only: {', '.join(BENCH)}: make contrast FAULT={BENCH[0]}")
    if why:
        require_engine()
    names = " and ".join(stack.lesson for stack in stacks)
    typer.echo(f"Running: {names or 'none'}. Switch one on: lab break {next(iter(FAULTS))}; all off: lab mend")


def break_(
    fault: Annotated[str | None, typer.Argument(help="A fault; without one: the table of them all.")] = None,
    lesson: Annotated[str | None, typer.Argument(help="02-cron or 03-prefect; without it: each that runs.")] = None,
) -> None:
    """Switch a fault on in your running stacks of 02-cron and 03-prefect; alone: which there are, and which are on."""
    if fault is None:
        return show()
    if fault in BENCH:
        raise fail(f"{fault} is not a fault to switch on, see it on the bench: make contrast FAULT={fault}")
    if fault not in FAULTS:
        raise fail(f"there is no fault {fault!r}; there is: {', '.join(FAULTS)}")
    if lesson not in (None, *LESSONS):
        raise fail(f"no faults are known for {lesson!r}; there are for: {', '.join(LESSONS)}")
    by_lesson = FAULTS[fault]
    applies = tuple(name for name in LESSONS if lesson in (None, name) and isinstance(by_lesson[name], Act))
    if not applies:
        raise fail(f"{fault} does not apply to {lesson}: {by_lesson[str(lesson)]}")
    require_engine()
    if lesson is None and (other := next((name for name in LESSONS if name not in applies), "")) and find(other):
        typer.echo(f"{other}: does not apply: {by_lesson[other]}")
    for stack in running(applies):
        switch_on(stack, fault, faults.acts(stack.lesson)[fault])


def switch_on(stack: Stack, fault: str, act: Act) -> None:
    """Switch a fault on, unless it is, and say what happened and what to watch."""
    if faults.is_on(stack, act):
        typer.echo(f"{stack.lesson}: {fault} is on already; lab mend ends it")
        return
    act.on(stack)
    typer.echo(f"{stack.lesson}: {act.what}")
    end = "lab mend ends it" if act.off else "there is nothing to mend"
    typer.echo(f"  {end}; watch: {act.watch.format(project=stack.project)}")


def mend() -> None:
    """Switch off every fault that is on in your stacks, whoever switched it on; safe to run again."""
    require_engine()
    stacks = [stack.lesson for lesson in LESSONS if (stack := find(lesson))]
    troubles: list[str] = []
    mended = 0
    for lesson in stacks:
        names, failed = faults.mend(lesson)
        troubles += failed
        mended += len(names)
        for name in names:
            typer.echo(f"{lesson}: {name} is mended")
    if troubles:
        raise Trouble("\n".join(troubles))
    if not mended:
        typer.echo("nothing is broken" if stacks else f"nothing is broken: neither {' nor '.join(LESSONS)} runs")
