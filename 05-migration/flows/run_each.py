"""Not for orders: a flow run for each order. Each run is a process that imports everything, and writes one row.

Usage: run_each.py COUNT, after `prefect deploy flows/run_each.py:take_order --name each --pool queues`.
"""

import sys
import time

from prefect import flow
from prefect.deployments import run_deployment

import load
import orders
from systems import shop


@flow
def take_order(id: str, body: str, sent: float) -> None:
    """Write one order down."""
    with shop() as database:
        orders.take(database, [orders.Message(id, body, sent, None)])


if __name__ == "__main__":
    for id, body in load.orders(int(sys.argv[1]), poison=0, seed=time.time_ns()):
        run_deployment("take-order/each", parameters={"id": id, "body": body, "sent": time.time()}, timeout=0)
