"""Flows and tasks that do nothing: what is measured with them is what Prefect itself costs."""

import time

from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner


@flow
def empty() -> None:
    """As the flows of the lesson are: a plain function."""


@flow
async def empty_async() -> None:
    """The same as a coroutine."""


@task
def nothing(number: int) -> int:
    """One task."""
    return number


# Timed inside the flow: a plain function's flow ends at the next beat of its heartbeat, up to a second later.
@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
def tasks(count: int) -> dict[str, float]:
    """Seconds for one task, in each of the three ways to call it."""
    start = time.perf_counter()
    for number in range(count):
        nothing(number)
    called = time.perf_counter()
    for future in [nothing.submit(number) for number in range(count)]:
        future.result()
    submitted = time.perf_counter()
    nothing.map(range(count)).result()
    mapped = time.perf_counter()
    moments = {"called": called - start, "submitted": submitted - called, "mapped": mapped - submitted}
    return {way: seconds / count for way, seconds in moments.items()}
