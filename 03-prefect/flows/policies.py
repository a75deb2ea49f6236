"""Two rules for every flow here: an error that may pass is retried, and a missed run is skipped."""

from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg2
import requests
from clickhouse_driver import errors
from prefect import Task, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Cancelled
from prefect.tasks import exponential_backoff

TRANSIENT = (  # what the clients of PostgreSQL and ClickHouse raise while a service is away
    *(psycopg2.OperationalError, psycopg2.InterfaceError),
    *(requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError),
    *(errors.NetworkError, errors.SocketTimeoutError, ConnectionError, TimeoutError, EOFError),
)


def worth_retrying(_task: Task, _run: TaskRun, state: State) -> bool:
    """A service that does not answer may answer soon; a wrong query or a wrong sum stays wrong."""
    error = state.result(raise_on_failure=False)
    # psycopg2 has no name for a COPY whose server went away: it raises the class above its errors, bare.
    return isinstance(error, TRANSIENT) or type(error) is psycopg2.DatabaseError


retrying_task = partial(
    task,
    retries=3,
    retry_delay_seconds=exponential_backoff(2),  # 2, 4 and 8 seconds
    retry_jitter_factor=0.5,  # spread by half: tasks that failed together do not come back together
    retry_condition_fn=worth_retrying,
    cache_policy=NO_CACHE,  # the same load again is a new question to the shop
)


def skip_missed(grace: timedelta) -> State | None:
    """The state Skipped for a run that was missed, else None. Missed: the schedule's, and later than `grace`.

    A run that a person or a backfill asked for is never missed: it does not carry the tag `auto-scheduled`.
    The same policy before a worker starts, for all runs at once: deploy/skip_missed.py.
    """
    late = datetime.now(UTC) - runtime.flow_run.scheduled_start_time
    if "auto-scheduled" in runtime.flow_run.tags and late > grace:
        return Cancelled(name="Skipped", message=f"missed: {late.total_seconds():.0f} s late, more than {grace}")
    return None
