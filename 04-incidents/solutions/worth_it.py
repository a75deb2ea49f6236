"""Count the open incidents of an API that fails at times. URL is its address."""

import json
import os

import httpx
from prefect import Task, flow, task
from prefect.client.schemas.objects import State, TaskRun


def worth_it(_task: Task, _run: TaskRun, state: State) -> bool:
    error = state.result(raise_on_failure=False)
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500
    return isinstance(error, httpx.TransportError | json.JSONDecodeError | UnicodeDecodeError)


@task(retries=3, retry_delay_seconds=0.2, retry_condition_fn=worth_it)
def open_incidents() -> int:
    response = httpx.get(os.environ["URL"], timeout=5)
    response.raise_for_status()
    return len(response.json()["eventos"])


@flow
def count_open() -> int:
    return open_incidents()


if __name__ == "__main__":
    count_open()
