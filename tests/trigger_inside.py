# mypy: ignore-errors
"""Flows for tests/test_trigger.py, served by this process with the Prefect of lesson 03."""

import os
import signal

from prefect import flow, serve


@flow
def ends(how: str, rows: int = 3) -> int:
    """Ends as it is told to: well, failed, or killed."""
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how != "well":
        raise ValueError(f"{rows} rows,\nand how {how!r}")
    return rows


if __name__ == "__main__":
    serve(ends.to_deployment("served"))
