"""`lab break` and `lab fix`: the faults of the fault board, on the learner's own stacks of 02-cron and 03-prefect."""

import random
from contextlib import nullcontext
from typing import Annotated

import typer

from engine.core import UserError, uninterrupted
from engine.docker import why_silent
from lab.console import show
from lab.faults import catalogue
from lab.faults.catalogue import BOARD_ONLY, FAULTS
from lab.faults.fault import Act, NotHere
from lab.faults.stack import LESSONS, Stack, find, start_command


def require_engine() -> None:
    """Raise UserError, one line, when no Docker daemon answers."""
    if why := why_silent():
        raise UserError(f"the faults are those of running containers, and Docker does not answer ({why}): lab doctor")


def running(lessons: tuple[str, ...] = LESSONS) -> list[Stack]:
    """The stacks of these lessons that run. Raises UserError, with the command that starts one, when none does."""
    if stacks := [stack for lesson in lessons if (stack := find(lesson))]:
        return stacks
    raise UserError(f"{' and '.join(lessons)}: no stack runs; start one: {start_command(lessons[-1])}")


def states(stack: Stack) -> dict[str, str]:
    """The faults that can be on in a stack: "on", "off", or "?" when a service that would tell does not run."""

    def state(act: Act) -> str:
        try:
            return "on" if catalogue.is_on(stack, act) else "off"
        except UserError:
            return "?"

    return {name: state(act) for name, act in catalogue.acts(stack.lesson).items() if act.switch_off}


def rows(seen: dict[str, dict[str, str]]) -> list[list[str]]:
    """Fault, where it is on, and what it does to each stack; `seen` is lesson → fault → state, of stacks that run."""
    suffix = {"on": "", "?": " ?"}
    table = []
    for name, fault in FAULTS.items():
        states = {lesson: by_fault.get(name, "off") for lesson, by_fault in seen.items()}
        on = "\n".join(f"{lesson}{suffix[state]}" for lesson, state in states.items() if state != "off")
        table.append([name, on, *(in_words(fault.on(lesson)) for lesson in LESSONS)])
    return table


def in_words(act: Act | NotHere) -> str:
    """What a fault does to a stack, or why it does nothing."""
    return act.what if isinstance(act, Act) else f"– {act.reason}"


def show_all() -> None:
    """Print the table, and whether a stack runs."""
    why = why_silent()
    stacks = [] if why else [stack for lesson in LESSONS if (stack := find(lesson))]
    show(["fault", "on", *LESSONS], rows({stack.lesson: states(stack) for stack in stacks}))
    typer.echo(f"On the fault board only: {', '.join(BOARD_ONLY)}: make contrast FAULT={BOARD_ONLY[0]}")
    if why:
        require_engine()
    names = " and ".join(stack.lesson for stack in stacks)
    typer.echo(f"Running: {names or 'none'}. Switch one on: lab break {next(iter(FAULTS))}; all off: lab fix")


def surprise() -> None:
    """Switch a fault on in a stack that runs, and do not say which. One that is on already is not chosen."""
    require_engine()
    off = [
        (stack, name)
        for stack in running()
        for name, state in states(stack).items()
        if state == "off" and name in catalogue.surprises(stack.lesson)
    ]
    if not off:
        raise UserError("every fault that could be a surprise is on already: lab fix")
    stack, name = random.choice(off)
    with uninterrupted():
        catalogue.acts(stack.lesson)[name].switch_on(stack)
    typer.echo(f"{stack.lesson}: something is broken now; lab why finds it, lab fix names it and ends it")


def break_(
    fault: Annotated[str | None, typer.Argument(help="A fault; without one: the table of them all.")] = None,
    lesson: Annotated[str | None, typer.Argument(help="02-cron or 03-prefect; without it: each that runs.")] = None,
    secret: Annotated[bool, typer.Option("--surprise", help="Choose a fault, and do not say which.")] = False,
) -> None:
    """Switch a fault on in your running stacks of 02-cron and 03-prefect; alone: which there are, and which are on."""
    if secret and fault:
        raise UserError(f"--surprise chooses the fault: lab break --surprise, or lab break {fault}")
    if fault is None:
        return surprise() if secret else show_all()
    if fault in BOARD_ONLY:
        raise UserError(f"{fault} is not a fault to switch on, see it on the fault board: make contrast FAULT={fault}")
    if fault not in FAULTS:
        raise UserError(f"there is no fault {fault!r}; there is: {', '.join(FAULTS)}")
    if lesson not in (None, *LESSONS):
        raise UserError(f"no faults are known for {lesson!r}; there are for: {', '.join(LESSONS)}")
    acts, elsewhere = {}, {}
    for name in LESSONS if lesson is None else [lesson]:
        act = FAULTS[fault].on(name)
        if isinstance(act, Act):
            acts[name] = act
        else:
            elsewhere[name] = act.reason
    if not acts:
        raise UserError("; ".join(f"{fault} does not apply to {name}: {reason}" for name, reason in elsewhere.items()))
    require_engine()
    for name, reason in elsewhere.items():
        if find(name):
            typer.echo(f"{name}: does not apply: {reason}")
    for stack in running(tuple(acts)):
        switch_on(stack, fault, acts[stack.lesson])


def switch_on(stack: Stack, fault: str, act: Act) -> None:
    """Switch a fault on, unless it is, and say what happened and what to watch."""
    if catalogue.is_on(stack, act):
        typer.echo(f"{stack.lesson}: {fault} is on already; lab fix ends it")
        return
    with uninterrupted() if act.switch_off else nullcontext():  # what ends by itself leaves nothing half done
        act.switch_on(stack)
    typer.echo(f"{stack.lesson}: {act.what}")
    end = "lab fix ends it" if act.switch_off else "there is nothing to fix"
    typer.echo(f"  {end}; watch: {act.watch.format(project=stack.project)}")


def fix() -> None:
    """Switch off every fault that is on in your stacks, whoever switched it on; safe to run again."""
    require_engine()
    stacks = [stack.lesson for lesson in LESSONS if (stack := find(lesson))]
    failures: list[str] = []
    fixed = 0
    for lesson in stacks:
        with uninterrupted():
            names, reasons = catalogue.fix(lesson)
        failures += reasons
        fixed += len(names)
        for name in names:
            typer.echo(f"{lesson}: {name} is fixed")
    if failures:
        raise UserError("\n".join(failures))
    if not fixed:
        typer.echo("nothing is broken" if stacks else f"nothing is broken: neither {' nor '.join(LESSONS)} runs")
