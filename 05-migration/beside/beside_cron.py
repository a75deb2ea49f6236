"""A job that cron still has, under Prefect: in the shadow world beside cron, or in cron's place when it is moved."""

from datetime import UTC
from typing import Any

import ledger
from prefect import flow
from prefect.context import FlowRunContext
from prefect.states import Cancelled

from run_command import run_command
from run_python import run_python


@flow(log_prints=True)
def beside_cron(job: str, parameters: dict[str, Any], shadow: bool = False) -> object:
    """Run a job if the instant is Prefect's, or as a shadow while cron runs it too.

    `parameters` are those of run_command, or of run_python. A run that a person starts is a run more: it asks nobody.
    """
    work = run_python if "script" in parameters else run_command
    run = FlowRunContext.get().flow_run
    if not run.auto_scheduled:
        return work.fn(**parameters)
    side, instant = "shadow" if shadow else "prefect", f"{run.expected_start_time.astimezone(UTC):%Y-%m-%dT%H:%M}"
    if shadow and ledger.jobs()[job].state != "shadow":
        return Cancelled(message="nobody wants a shadow of this job any more")
    if not shadow and not ledger.turn(job, instant, side, str(run.id)):
        return Cancelled(message=f"the instant {instant} is cron's, or another run has it")
    well = False
    try:
        result = work.fn(**parameters)
        well = True
        return result
    finally:
        ledger.note(job, instant, side, well)
