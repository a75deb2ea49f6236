"""Fetch the exchange rate of today from a server that is sometimes overloaded. RATE_URL is its address."""

import os

import requests
from prefect import flow, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task


def worth_it(task: Task, run: TaskRun, state: State) -> bool:
    error = state.result(raise_on_failure=False)
    return getattr(getattr(error, "response", None), "status_code", None) != 404


@task(retries=3, retry_delay_seconds=[0.5, 1, 2], retry_condition_fn=worth_it)
def fetch_rate() -> float:
    response = requests.get(os.environ["RATE_URL"], timeout=5)
    response.raise_for_status()
    return response.json()["rate"]


@flow
def exchange_rate() -> float:
    return fetch_rate()


if __name__ == "__main__":
    exchange_rate()
