"""Not for orders: Prefect's background tasks. Each order is a task run, which the server hands to a task worker.

Usage: delayed.py serve, in one process; delayed.py COUNT, in another one, which submits COUNT orders.
"""

import sys
import time

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.task_worker import serve

import load
import orders
from systems import shop


@task(cache_policy=NO_CACHE)
def take_order(id: str, body: str, sent: float) -> None:
    """Write one order down."""
    with shop() as database:
        orders.take(database, [orders.Message(id, body, sent, None)])


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(take_order, limit=10)
    else:
        for id, body in load.orders(int(sys.argv[1]), poison=0, seed=time.time_ns()):
            take_order.delay(id, body, time.time())
