# mypy: ignore-errors
"""In the deployer of lesson 05: a hundred deploys about the ticks of a schedule, and what was planned, printed as JSON.

Three deployments: as the lesson deploys them, without planning anew, and without a slug. The last two show what is lost,
and what is planned twice. Their pool has no worker: this program takes the runs as a worker does that has no slot free
before they are due, and never starts them.
"""

import json
import runpy
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import get_client

EVERY = 6  # seconds
DEPLOYS, TICKS, PATIENCE = 100, 3, 600  # a quick machine makes a hundred deploys in two ticks
plan_anew = runpy.run_path("deploy_changed.py")["plan_anew"]
client = get_client(sync_client=True)
began = datetime.now(UTC)


def ask(path: str, body: Any, method: str = "POST") -> Any:
    """The answer of the API."""
    return json.loads(client.request(method, path, json=body).content or "null")


def deploy(name: str) -> None:
    """Send what `prefect deploy` sends for a deployment that is there, and plan anew where the lesson does."""
    before = datetime.now(UTC)
    ask(f"/deployments/{ids[name]}", {"schedules": schedules(name)}, "PATCH")
    if name != "not-anew":
        plan_anew(client, {name}, before)


def schedules(name: str) -> list[dict[str, Any]]:
    every = {"schedule": {"interval": EVERY, "anchor_date": "2026-01-01T00:00:00Z"}}
    return [every if name == "no-slug" else every | {"slug": "often"}]


def take() -> None:
    """Take the runs that are due within a second: a deploy removes none of them any more."""
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    for run in ask("/work_pools/taken/get_scheduled_flow_runs", {"scheduled_before": soon}):
        ask(f"/flow_runs/{run['flow_run']['id']}/set_state", {"state": {"type": "PENDING"}})


def planned(name: str) -> dict[str, int]:
    """How many times of the schedule, between the first deploy and now, are planned more than once, and not at all."""
    wanted = {"deployments": {"name": {"any_": [name]}}, "sort": "EXPECTED_START_TIME_ASC", "limit": 200}
    runs = ask("/flow_runs/filter", wanted)
    seen = Counter(round(datetime.fromisoformat(run["expected_start_time"]).timestamp()) for run in runs)
    first = (int(began.timestamp()) // EVERY + 2) * EVERY
    ticks = range(first, int(time.time()), EVERY)
    twice = sum(count > 1 for count in seen.values())
    return {"ticks": len(ticks), "twice": twice, "missing": sum(tick not in seen for tick in ticks)}


ask("/work_pools/", {"name": "taken", "type": "process"})
[like] = ask("/deployments/filter", {"deployments": {"name": {"any_": ["hourly"]}}})
ids = {}
for name in ("as-deployed", "not-anew", "no-slug"):
    body = {"name": name, "flow_id": like["flow_id"], "entrypoint": like["entrypoint"], "work_pool_name": "taken"}
    ids[name] = ask("/deployments/", body | {"schedules": schedules(name)})["id"]
began = datetime.now(UTC)
for name in ids:
    deploy(name)
count, deadline = 1, time.monotonic() + PATIENCE
controls = {"not-anew": "missing", "no-slug": "twice"}  # what goes wrong there; once it has, that one is left alone
while (count < DEPLOYS or controls or planned("as-deployed")["ticks"] < TICKS) and time.monotonic() < deadline:
    take()
    for name in ("as-deployed", *controls):
        deploy(name)
    count += 1
    controls = {name: harm for name, harm in controls.items() if not planned(name)[harm]}
print(json.dumps({"deploys": count} | {name: planned(name) for name in ids}))
for number in ids.values():
    ask(f"/deployments/{number}", None, "DELETE")
