"""Was: flow.executor = LocalExecutor(), LocalDaskExecutor() or DaskExecutor()."""

import threading

from prefect import flow, task
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner

together = threading.Barrier(3)


@task
def fetch(pop: int) -> int:
    return pop * pop


@task
def meet() -> None:
    together.wait(timeout=30)  # seconds; nobody passes before all three are here


@flow
def one_by_one() -> list[int]:
    return [fetch(pop) for pop in range(3)]  # a call: as LocalExecutor did it


@flow(task_runner=ThreadPoolTaskRunner(max_workers=3))
def in_threads() -> None:
    for future in [meet.submit() for _ in range(3)]:
        future.result()


@flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
def in_processes() -> list[int]:
    return fetch.map(range(3)).result()


if __name__ == "__main__":
    print(one_by_one(), in_processes())
    in_threads()
    print("three at once")
