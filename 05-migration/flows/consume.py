"""Consume orders. A flow run is a shift, a task run is a batch. Messages are acknowledged after the commit."""

import signal
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any, Literal

import pymysql
from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import task_run
from prefect.utilities.annotations import quote

import counts
import orders
from on_rabbitmq import Rabbitmq
from on_sqs import Sqs
from orders import CONSUMER, Dead, Message
from systems import shop

BROKERS = {"rabbitmq": Rabbitmq, "sqs": Sqs}
Broker = Literal["rabbitmq", "sqs"]
SHIFT = 600  # seconds
PASSING = (pymysql.err.OperationalError, pymysql.err.IntegrityError, OSError)  # errors that may pass
stopping = Event()


def passing(_task: Any, _run: Any, state: Any) -> bool:
    """Whether the error of a failed batch may pass. A mistake in the code does not."""
    return isinstance(state.result(raise_on_failure=False), PASSING)


@task(
    task_run_name="{count} messages", cache_policy=NO_CACHE, persist_result=False,
    retries=4, retry_delay_seconds=[1, 2, 4, 8], retry_jitter_factor=0.5, retry_condition_fn=passing,
)  # fmt: skip
def take_batch(messages: list[Message], count: int) -> tuple[int, list[Dead]]:
    """Write the orders of a batch. Return how many were new, and the messages that are not orders. Safe to repeat."""
    if task_run.run_count > 1:
        counts.RETRIED.inc(count)
    with shop() as database:
        return orders.take(database, messages)


def take(messages: list[Message]) -> tuple[int, list[Dead]]:
    """Call `take_batch` and count its result. Raises what `take_batch` raises."""
    try:
        new, dead = take_batch(quote(messages), len(messages))
    except Exception:
        counts.FAILED.inc(len(messages))
        raise
    counts.PROCESSED.inc(new)
    counts.DEAD_LETTERED.inc(len(dead))
    for message in messages:
        counts.SECONDS.observe(time.time() - message.sent)
    return new, dead


@flow(flow_run_name="{broker} on " + CONSUMER)
def consume_orders(
    broker: Broker, queue: str = "", size: int = 100, seconds: float = SHIFT, until_empty: bool = False
) -> dict[str, int]:
    """Take batches of at most `size` messages, for `seconds`, until SIGTERM, or until nothing comes."""
    if current_thread() is main_thread():
        stop_on_sigterm()
    shop().close()  # if the shop does not answer, the shift fails before it takes a message
    done: Counter[str] = Counter()
    end = time.monotonic() + seconds
    with closing(BROKERS[broker](queue, size)) as here:  # what is not acknowledged goes back, however the shift ends
        while not stopping.is_set() and time.monotonic() < end:
            Path(f"/tmp/alive-{broker}").touch()  # for the healthcheck
            if messages := here.batch():
                new, dead = take(messages)
                for message, reason in dead:
                    get_run_logger().warning("dead letter %s: %s", message.id, reason)
                    here.bury(message, reason)
                here.acknowledge(messages)
                done.update(messages=len(messages), new=new, dead=len(dead))
            elif until_empty:
                break
    get_run_logger().info("%s", dict(done))
    return dict(done)


def stop_on_sigterm() -> None:
    """SIGTERM ends the shift after the batch that is under way."""
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
