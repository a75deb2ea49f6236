"""Every two minutes: bring what has changed in the shop to the warehouse, prove it, and renew the report."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

from prefect import flow, get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from daily_report import daily_report, today
from fingerprint import Fingerprint, differences, of_shop, of_warehouse, size
from load import changed, last_watermark, load, next_watermark, save_watermark
from policies import retrying_task, skip_missed
from source import connect, one_load_at_a_time, snapshot
from tables import TABLES, create_tables
from warehouse import open_warehouse


@retrying_task
def plan(start: datetime | None, end: datetime | None, full: bool) -> tuple[str, int | None]:
    """The condition for the rows to load, and the watermark to save at the end: none if a part was asked for."""
    create_tables(warehouse := open_warehouse())
    if start or end:
        return changed(*(moment and microseconds(moment) for moment in (start, end))), None
    with closing(connect()) as shop:
        watermark = next_watermark(shop)
    return changed(None if full else last_watermark(warehouse), None), watermark


@retrying_task(task_run_name="copy-{table}")
def copy_table(table: str, where: str) -> tuple[str, int, Fingerprint]:
    """Extract, transform and load in one stream; beside it, take what the check needs from the same snapshot."""
    with snapshot() as shop, snapshot(of=shop) as same, ThreadPoolExecutor(1) as beside:
        sent = beside.submit(of_shop, same, table, where)
        version = load(shop, open_warehouse(), table, where)
        return table, version, sent.result()


@retrying_task(task_run_name="check-{copied[0]}")
def check_table(copied: tuple[str, int, Fingerprint]) -> int:
    """Return the number of rows that arrived; raise ValueError when they are not those that were sent."""
    table, version, sent = copied
    arrived = of_warehouse(open_warehouse(), f"{table}_versions", f"ver = {version}")
    if wrong := differences(sent, arrived):
        raise ValueError(f"{table}: sent {size(sent)} rows, {size(arrived)} arrived; buckets that differ: {wrong[:9]}")
    get_run_logger().info("%s: %s rows, fingerprints equal", table, size(sent))
    return size(sent)


@retrying_task
def save(watermark: int | None) -> None:
    if watermark is not None:
        save_watermark(open_warehouse(), watermark)


def microseconds(moment: datetime) -> int:
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000)


def run_name() -> str:
    given = {name: value for name, value in runtime.flow_run.parameters.items() if value}
    return "sales-" + ("-".join(f"{name}-{value}" for name, value in given.items()) or "changes")


# Two at a time: the shop has customers to serve.
@flow(flow_run_name=run_name, task_runner=ThreadPoolTaskRunner(max_workers=2), timeout_seconds=1800)
def sales_etl(start: datetime | None = None, end: datetime | None = None, full: bool = False) -> State:
    """Load the rows that changed since the last load; or from `start` to `end` (UTC if they say nothing); or all."""
    if skipped := skip_missed(timedelta(minutes=2)):  # the run after it brings the same rows
        return skipped
    with one_load_at_a_time():
        where, watermark = plan(start, end, full)
        copies = [copy_table.submit(table, where) for table in TABLES]
        checks = [check_table.submit(copy.result()) for copy in copies]  # result() raises what the task raised:
        rows = sum(check.result() for check in checks)  # a flow that does not ask succeeds although a task failed
        save(watermark)
    if not rows:
        return Completed(name="NothingNew", message="no report: nothing has changed")
    daily_report(today())
    return Completed(message=f"{rows} rows")


if __name__ == "__main__":
    sales_etl()
