"""A line of a crontab that starts a Python script, as a flow: no shell, and its traceback is the run's."""

import os
import runpy
import sys
from pathlib import Path

from prefect import flow


@flow(log_prints=True)
def run_python(script: str, arguments: list[str], folder: str = "") -> None:
    """Run a script as `python3 script arguments…` does, in the run's process, with the worker's packages."""
    os.chdir(Path.home() / Path(folder).expanduser())
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).resolve().parent))
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as ended:
        if ended.code:
            raise RuntimeError(f"exit code {ended.code}") from None
