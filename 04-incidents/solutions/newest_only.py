"""The traffic map of the moment. After an outage one run is enough: that of the newest time that was missed."""

from datetime import UTC, datetime, timedelta

from prefect import State, flow, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, FlowRunFilter
from prefect.states import Cancelled


def newer_is_due() -> bool:
    """Whether a newer run of this deployment's schedule is due already, whatever has become of it."""
    mine = runtime.flow_run.scheduled_start_time
    newer = FlowRunFilter(
        tags={"all_": ["auto-scheduled"]},
        expected_start_time={"after_": mine + timedelta(seconds=1), "before_": datetime.now(UTC)},
    )
    this = DeploymentFilter(id={"any_": [runtime.deployment.id]})
    with get_client(sync_client=True) as client:
        return bool(client.read_flow_runs(deployment_filter=this, flow_run_filter=newer, limit=1))


@flow
def traffic_map() -> State | None:
    if "auto-scheduled" in runtime.flow_run.tags and newer_is_due():
        return Cancelled(message="a newer run is due")
    print(f"map of {runtime.flow_run.scheduled_start_time:%H:%M}")
    return None


if __name__ == "__main__":
    traffic_map()
