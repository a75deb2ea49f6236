"""The job as Prefect flows: the same steps from job.py, what surrounds them in Prefect's words."""

import urllib.request
from datetime import datetime
from typing import Any

import job
from ledger import recorded
from prefect import flow, task
from prefect.runtime import flow_run


def temporary(_task: Any, _run: Any, state: Any) -> bool:
    """Whether another try may help."""
    return isinstance(state.result(raise_on_failure=False), job.Unavailable)


def tell(_flow: Any, run: Any, state: Any) -> None:
    """Tell somebody that a run has failed."""
    urllib.request.urlopen("http://monitor:8060/alert/prefect", data=f"run {run.name} is {state.name}".encode())


@task(retries=5, retry_delay_seconds=[1, 1, 2, 4, 4], retry_condition_fn=temporary)
def load_orders() -> int:
    """Load all that came since the last load."""
    with recorded("load", flow_run.id, flow_run.scheduled_start_time) as entry:
        entry["rows"] = job.load_since_watermark()
    return entry["rows"]


@flow(timeout_seconds=24, on_failure=[tell], on_crashed=[tell])
def load() -> None:
    """Load new orders."""
    load_orders()


@task
def make_report() -> None:
    """Write a report of what is here."""
    with recorded("report", flow_run.id, flow_run.scheduled_start_time) as entry:
        entry["rows"] = job.report()


@flow(timeout_seconds=24, on_failure=[tell], on_crashed=[tell])
def step_order() -> None:
    """A report after each load, and only after one that went well."""
    load_orders()
    make_report()


@flow(timeout_seconds=24, on_failure=[tell], on_crashed=[tell])
def branch() -> None:
    """A report only when there is something to report."""
    load_orders()
    if job.found():
        make_report()


@task(retries=5, retry_delay_seconds=[1, 1, 2, 4, 4], retry_condition_fn=temporary)
def load_one_minute(minute: datetime) -> None:
    """Load one minute, instead of what is there."""
    with recorded("load", flow_run.id, flow_run.scheduled_start_time) as entry:
        entry["rows"] = job.replace_minute(minute)


@flow(timeout_seconds=24, on_failure=[tell], on_crashed=[tell])
def minute(minute: datetime) -> None:
    """Load one minute again, instead of what is there."""
    load_one_minute(minute)
