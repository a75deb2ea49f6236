"""The main process of a container that consumes orders: one shift after another, until SIGTERM.

Usage: consumer.py [rabbitmq] [sqs]; without a name, both.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.states import Crashed
from prometheus_client import start_http_server

from consume import BROKERS, Broker, consume_orders, stop_on_sigterm, stopping
from orders import CONSUMER


def work(broker: Broker) -> None:
    """Run one shift after another. After each failed shift, wait longer than before."""
    pause = 1
    try:
        while not stopping.is_set():
            state = consume_orders(broker, return_state=True)
            pause = 1 if state.is_completed() else min(2 * pause, 60)
            stopping.wait(0 if state.is_completed() else pause)
    finally:
        stopping.set()  # Prefect's server does not answer: the container ends, and is started again


def end_predecessors(broker: Broker) -> None:
    """Set the run of a killed consumer to Crashed. Without this it would stay Running for ever."""
    mine = {"name": {"any_": [f"{broker} on {CONSUMER}"]}, "state": {"type": {"any_": ["RUNNING"]}}}
    with get_client(sync_client=True) as client:
        for run in client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(mine)):
            client.set_flow_run_state(run.id, Crashed(message="its consumer was killed, and started again"), force=True)


if __name__ == "__main__":
    stop_on_sigterm()
    start_http_server(8000)  # what flows/counts.py counts
    names = sys.argv[1:] or list(BROKERS)
    for name in names:
        end_predecessors(name)
    with ThreadPoolExecutor() as pool:
        list(pool.map(work, names))
