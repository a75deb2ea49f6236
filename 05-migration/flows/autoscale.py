"""More consumers while many orders wait: runs that drain the queue, and end when it is empty."""

from contextlib import closing
from math import ceil

from prefect import flow, get_run_logger
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.deployments import run_deployment

from consume import BROKERS, Broker

AT_WORK = ["SCHEDULED", "PENDING", "RUNNING"]


@flow(flow_run_name="{broker}")
def autoscale(broker: Broker, each: int = 1000, most: int = 4) -> int:
    """Start runs of `drain`: one for every `each` waiting orders, but no more than `most`. No run is ever killed."""
    with closing(BROKERS[broker]()) as here:
        waiting = here.depth()
    drains = {"tags": {"all_": ["drain", broker]}, "state": {"type": {"any_": AT_WORK}}}
    with get_client(sync_client=True) as client:
        there = client.count_flow_runs(flow_run_filter=FlowRunFilter.model_validate(drains))
    missing = max(0, min(most, ceil(waiting / each)) - there)
    drain = {"broker": broker, "until_empty": True}
    for _ in range(missing):
        run_deployment("consume-orders/drain", parameters=drain, tags=["drain", broker], timeout=0, as_subflow=False)
    get_run_logger().info("%d wait, %d drain, %d more", waiting, there, missing)
    return missing
