"""Load what is new in the shop into the warehouse, again and again, with late rows and some changed rows."""

from datetime import timedelta

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

import watermark
from tables import WATERMARK


@flow
def incremental(overlap_minutes: int = 60) -> dict[str, int]:
    """Bring the new rows of each table; return how many were read."""
    return {table: bring(table, timedelta(minutes=overlap_minutes)) for table in WATERMARK}


@task(retries=3, retry_delay_seconds=[2, 10, 60], cache_policy=NO_CACHE, task_run_name="{table}")
def bring(table: str, overlap: timedelta) -> int:
    """The rows of a table that were written since the last time, less an overlap."""
    count, since = watermark.bring(table, overlap)
    get_run_logger().info("%s: %d rows since %s", table, count, since or "the beginning")
    return count


if __name__ == "__main__":
    incremental()
