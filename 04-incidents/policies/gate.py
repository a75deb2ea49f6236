"""The gate: before a worker starts, skip the missed runs of a deployment but for the newest ones.

python gate.py collect/every-20-minutes        # none of them will run
python gate.py collect/every-20-minutes 1      # the newest one
"""

import sys
from datetime import UTC, datetime

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import DeploymentFilter, FlowFilter, FlowRunFilter
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import Cancelled


def skip_missed(client: SyncPrefectClient, deployment: str, keep: int = 0) -> int:
    """Skip all missed runs of the schedule of FLOW/DEPLOYMENT but the newest `keep`; returns how many."""
    flow, name = deployment.split("/")
    missed = FlowRunFilter(
        state={"name": {"any_": ["Scheduled", "Late"]}},
        tags={"all_": ["auto-scheduled"]},  # not what a person asked for
        next_scheduled_start_time={"before_": datetime.now(UTC)},
    )
    skipped = 0
    while (
        runs := client.read_flow_runs(  # at most 200 at a time, those that are kept first
            flow_filter=FlowFilter(name={"any_": [flow]}),
            deployment_filter=DeploymentFilter(name={"any_": [name]}),
            flow_run_filter=missed,
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
        )[keep:]
    ):
        for run in runs:
            client.set_flow_run_state(run.id, Cancelled(name="Skipped", message="missed: no worker was there"))
        skipped += len(runs)
    return skipped


if __name__ == "__main__":
    with get_client(sync_client=True) as client:
        print(f"skipped {skip_missed(client, sys.argv[1], int((sys.argv[2:] or ['0'])[0]))} missed runs")
