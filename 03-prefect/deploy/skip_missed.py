"""Skip all runs that were missed while no worker was there. Run before a worker starts, so that it starts none of them.

Missed: a run of the schedule that is more than GRACE seconds late, of a deployment with the tag skip-missed.
The same policy for one run, when it starts: skip_missed() in flows/policies.py.
"""

import os
from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import get_client

GRACE = timedelta(seconds=float(os.environ.get("GRACE", "60")))
MISSED = {
    "flow_runs": {
        "state": {"name": {"any_": ["Scheduled", "Late"]}},
        "tags": {"all_": ["auto-scheduled", "skip-missed"]},
        "next_scheduled_start_time": {"before_": (datetime.now(UTC) - GRACE).isoformat()},
    },
    "state": {"type": "CANCELLED", "name": "Skipped", "message": "missed: no worker was there when it was due"},
}

skipped = 0
with get_client(sync_client=True) as client:
    while True:  # the server changes at most fifty at a time
        results = client.request("POST", "/flow_runs/bulk_set_state", json=MISSED).json()["results"]
        accepted = sum(result["status"] == "ACCEPT" for result in results)
        skipped += accepted
        if not accepted:
            break
print(f"skipped {skipped} missed runs")
