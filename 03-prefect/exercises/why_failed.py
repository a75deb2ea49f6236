"""Print why runs failed: for each run that failed or crashed its name, a colon, and the message of its state."""

from prefect.client.orchestration import get_client

with get_client(sync_client=True) as client:
    # TODO: this lists all runs and no reason. Let the server choose: read_flow_runs takes a flow_run_filter, which is
    # a FlowRunFilter of prefect.client.schemas.filters.
    for run in client.read_flow_runs():
        print(run.name)
