"""A task that waits for a service that is away: 2, 4 and 8 seconds, and not at all for what waiting cannot mend."""

from functools import partial

import psycopg2
import requests
from clickhouse_driver import errors
from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

PASSING = (
    *(psycopg2.OperationalError, psycopg2.InterfaceError),
    *(requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError),
    *(errors.NetworkError, errors.SocketTimeoutError, ConnectionError, TimeoutError, EOFError),
)


def worth_retrying(_task: Task, _run: TaskRun, state: State) -> bool:
    """A service that does not answer may answer soon; a wrong query or a wrong sum stays wrong."""
    error = state.result(raise_on_failure=False)
    # psycopg2 has no name for a COPY whose server went away: it raises the class above its errors, bare.
    return isinstance(error, PASSING) or type(error) is psycopg2.DatabaseError


patient_task = partial(
    task,
    retries=3,
    retry_delay_seconds=exponential_backoff(2),
    retry_jitter_factor=0.5,  # spread by half: tasks that failed together do not come back together
    retry_condition_fn=worth_retrying,
    cache_policy=NO_CACHE,  # the same load again is a new question to the shop
)
