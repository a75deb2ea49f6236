"""Make the pools, or bring them up to date: what may run at once differs, so each has workers of its own."""

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate

AT_ONCE = {"scheduler": 1, "queues": None, "bigdata": 2, "shadow": None}  # None: as much as there are workers for

with get_client(sync_client=True) as client:
    for name, limit in AT_ONCE.items():
        client.create_work_pool(WorkPoolCreate(name=name, type="process", concurrency_limit=limit), overwrite=True)
        print(f"pool {name}: {limit or 'any number of'} at once")
