"""Cancel the runs that were missed while nothing worked here. Asked for before a worker starts, none of them runs.

Only runs of a schedule, and only of deployments with the tag skip-missed. GRACE in seconds: later than that is missed.
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
    "state": {"type": "CANCELLED", "name": "Skipped", "message": "missed: nothing worked here when it was due"},
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
