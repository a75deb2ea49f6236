"""`lab migrate`: the tools of a move from cron to Prefect."""

import typer

from lab.console import Commands
from lab.migrate.diff_command import diff

app = typer.Typer(cls=Commands, help="Move a crontab to Prefect, line by line; needs no Docker.", no_args_is_help=True)


@app.callback()
def migrate() -> None:
    """Move a crontab to Prefect, line by line; needs no Docker."""


app.command()(diff)
