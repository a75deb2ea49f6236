"""The commands of `lab`, read from Typer."""

from typing import Any

import typer

from lab.cli import app


def commands() -> dict[str, Any]:
    """Every command that is not hidden: its words, such as "cron lint", → what Typer knows of it."""
    return below(typer.main.get_command(app))


def below(group: Any, *path: str) -> dict[str, Any]:
    """The commands of a group and of the groups in it."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= below(command, *path, name)
        elif not command.hidden:
            found[" ".join((*path, name))] = command
    return found
