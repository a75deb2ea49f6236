"""Count the open incidents of an API that says when it may be asked again. URL is its address."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from prefect import flow, runtime, task
from prefect.states import AwaitingRetry

MOST = 5  # attempts: Prefect does not count these


@task
def open_incidents() -> Any:
    response = httpx.get(os.environ["URL"], timeout=5)
    if response.status_code == 429 and runtime.task_run.run_count < MOST:
        after = float(response.headers["Retry-After"])
        if after <= 60:
            return AwaitingRetry(scheduled_time=datetime.now(UTC) + timedelta(seconds=after))
    response.raise_for_status()
    return len(response.json()["eventos"])


@flow
def count_open() -> int:
    return open_incidents()


if __name__ == "__main__":
    count_open()
