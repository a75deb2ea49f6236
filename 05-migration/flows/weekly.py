"""All products and orders into the warehouse, in partitions side by side, each compared before its commit.

When it is killed and started again in the same week, it copies only the partitions that are not done, or not equal.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from prefect import flow, get_run_logger, runtime, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

import partitions
from partitions import Part


@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def weekly(week: str = "", size: int = 200_000) -> int:
    """Migrate everything for `week`, or the week in which the run is due. Return how many partitions were copied."""
    week = week or f"{runtime.flow_run.scheduled_start_time or datetime.now(UTC):%G-W%V}"
    parts, noted = partitions.partitions(size), partitions.done(week)
    done = [part for part in parts if part in noted]
    equal = follow("compared", [compare.submit(*part) for part in done])
    differ = [part for part, same in zip(done, equal, strict=True) if not same]
    if differ:
        get_run_logger().warning("written meanwhile, or wrong: %s", differ)
        partitions.forget(week, differ)
    todo = [part for part in parts if part in differ or part not in noted]
    get_run_logger().info("%s: %d partitions are done, %d are left", week, len(parts) - len(todo), len(todo))
    follow("copied", [copy.submit(week, *part) for part in todo])
    return len(todo)


@task(retries=2, retry_delay_seconds=[2, 10], cache_policy=NO_CACHE, task_run_name="copy {table} {low}-{high}")
def copy(week: str, table: str, low: int, high: int) -> int:
    """Replace a partition, compared before its commit; return how many rows it has."""
    return partitions.replace(week, Part(table, low, high))


@task(retries=2, retry_delay_seconds=[2, 10], cache_policy=NO_CACHE, task_run_name="compare {table} {low}-{high}")
def compare(table: str, low: int, high: int) -> bool:
    """Whether a partition that is done is still equal on both sides."""
    return partitions.equal(Part(table, low, high))


def follow(what: str, futures: Iterable[PrefectFuture[Any]]) -> list[Any]:
    """Wait for the partitions, and show the progress on the run's page and in its log. Return their results."""
    results, futures = [], list(futures)
    progress = create_progress_artifact(0.0 if futures else 100.0, key="weekly", description=f"Partitions {what}")
    for number, future in enumerate(futures, 1):
        results.append(future.result())
        update_progress_artifact(progress, progress=100 * number / len(futures))
        get_run_logger().info("%s: %d of %d partitions", what, number, len(futures))
    return results


if __name__ == "__main__":
    weekly()
