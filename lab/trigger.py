"""`lab trigger`: what 05-migration/trigger.py does, by that very file. A lesson is run, never imported."""

import runpy

import typer

from engine.core import ROOT

# The file knows its own options, and says what is wrong with them.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def trigger(words: typer.Context) -> None:
    """Start a run of a Prefect deployment, and wait for it; or list all deployments."""
    main = runpy.run_path(str(ROOT / "05-migration/trigger.py"))["main"]
    raise typer.Exit(main(words.args, "lab trigger"))
