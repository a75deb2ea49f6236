"""Was: flow.executor = DaskExecutor(cluster_kwargs={"n_workers": 2}); the tasks stay as they were."""

import os

from prefect import flow, task
from prefect_dask import DaskTaskRunner


@task
def fetch(pop: int) -> int:
    if pop == 13:
        raise ValueError(f"no POP {pop}")
    return os.getpid()


cluster = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}


@flow(task_runner=DaskTaskRunner(cluster_kwargs=cluster), flow_run_name="pops-{pops[0]}")
def incidents(pops: list[int]) -> set[int]:
    return set(fetch.map(pops).result())


if __name__ == "__main__":
    workers = incidents(list(range(8)))
    print(f"{len(workers)} workers, this process among them: {os.getpid() in workers}")
    print(incidents([11, 12, 13, 14], return_state=True).name)
