"""Print why runs failed: for each run that failed or crashed its name, a colon, and the message of its state."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter

with get_client(sync_client=True) as client:
    unlucky = FlowRunFilter(state={"type": {"any_": ["FAILED", "CRASHED"]}})
    for run in client.read_flow_runs(flow_run_filter=unlucky):
        print(f"{run.name}: {run.state.message}")
