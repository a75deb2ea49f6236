"""How `lab` speaks: the one place that knows Rich, and that turns a UserError into a line and exit code 2."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import TextIOWrapper
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from engine.core import FAILED, IMPOSSIBLE, UserError

out = Console(soft_wrap=True, highlight=False, emoji=False)
err = Console(soft_wrap=True, highlight=False, emoji=False, stderr=True)


class Commands(TyperGroup):
    """A group of commands in which what only a person can repair ends as one line and exit code 2."""

    def make_context(self, *words: Any, **extra: Any) -> Any:
        """Read the words of the command line that stand before the command's name."""
        with _one_line():
            return super().make_context(*words, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for. A terminal that has no arrow gets a question mark."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, TextIOWrapper):
                stream.reconfigure(errors="replace")
        with _one_line():
            return super().invoke(ctx)


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn a UserError, a file that cannot be used, and a wrong command line into one line and exit code 2."""
    try:
        yield
    except UserError as error:
        raise fail(str(error)) from None
    except BrokenPipeError:  # whoever read has gone
        raise
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise fail(f"{error.filename}: {why}" if error.filename else why) from None
    except typer.TyperException as error:
        command = getattr(getattr(error, "ctx", None), "command_path", "")
        message = error.format_message().rstrip(".")
        if not command or not message:  # a group without a command: its help is shown
            raise
        raise fail(f"{command}: {message[:1].lower()}{message[1:]} (try: {command} --help)") from None


def given() -> bytes:
    """What comes by standard input. Raises UserError when there is none."""
    if sys.stdin is None:
        raise UserError("there is no standard input to read: name a file")
    return sys.stdin.buffer.read()


def fail(message: str) -> typer.Exit:
    """Print one line on standard error and return the exit to raise: code 2, the command could not be done."""
    err.print(message, style="red", markup=False)
    return typer.Exit(IMPOSSIBLE)


def judged(well: bool) -> None:
    """End a command that judges something: exit code 1 when it was not well."""
    if not well:
        raise typer.Exit(FAILED)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP (a terminal is closed) raise SystemExit in the block, so that it cleans up after them."""
    both = (signal.SIGTERM, signal.SIGHUP)
    numbers = [number for number in both if signal.getsignal(number) is not signal.SIG_IGN]  # as nohup has set it
    handlers = [signal.signal(number, lambda number, _: sys.exit(128 + number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)


@cache
def interrupted(console: Console) -> None:
    """Say that Ctrl+C has ended all: once, whether a command hears it, what it runs, or both."""
    # Not by the console: interrupted while it prints, it would print that line again.
    print("interrupted: nothing is left running", file=console.file, flush=True)


def show(header: list[str], rows: Sequence[Sequence[str | Text]]) -> None:
    """Print a table: in colours on a terminal, in plain lines of at most 160 characters elsewhere.

    A text stands there as it is: what looks like Rich's markup may be a path, or a line of a file.
    """
    table = Table(*header, box=box.SIMPLE_HEAD)
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
    console = Console() if sys.stdout.isatty() else Console(width=160, no_color=True)
    with console.capture() as drawn:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in drawn.get().strip("\n").splitlines()))


plain = Text  # a text as it is, where Rich would read its own markup
marked = Text.from_markup


def plural(number: int, noun: str) -> str:
    """A number with its thousands, and its noun."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
