"""The tasks of sales_etl, in their order."""

from contextlib import closing
from datetime import UTC, datetime

from prefect import get_run_logger

from fingerprint import Fingerprint, differences, of_shop, of_warehouse, size
from load import load
from patient import patient_task
from schema import create_tables
from shop import connect, snapshot
from warehouse import open_warehouse
from watermark import changed, last_watermark, next_watermark, save_watermark


def microseconds(moment: datetime) -> int:
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000)


@patient_task
def plan(start: datetime | None, end: datetime | None, full: bool) -> tuple[str, int | None]:
    """The condition for the rows to load, and the watermark to save at the end: none if a part was asked for."""
    create_tables(warehouse := open_warehouse())
    if start or end:
        return changed(*(moment and microseconds(moment) for moment in (start, end))), None
    with closing(connect()) as shop:
        watermark = next_watermark(shop)
    return changed(None if full else last_watermark(warehouse), None), watermark


@patient_task(task_run_name="copy-{table}")
def copy_table(table: str, where: str) -> tuple[str, int, Fingerprint]:
    """Extract, transform and load in one stream; return what the check needs, taken from the same snapshot."""
    with snapshot() as shop:
        version = load(shop, open_warehouse(), table, where)
        return table, version, of_shop(shop, table, where)


@patient_task(task_run_name="check-{copied[0]}")
def check_table(copied: tuple[str, int, Fingerprint]) -> int:
    """Return the number of rows that arrived; raise ValueError when they are not those that were sent."""
    table, version, sent = copied
    arrived = of_warehouse(open_warehouse(), f"{table}_versions", f"ver = {version}")
    if wrong := differences(sent, arrived):
        raise ValueError(f"{table}: sent {size(sent)} rows, {size(arrived)} arrived; buckets that differ: {wrong[:9]}")
    get_run_logger().info("%s: %s rows, fingerprints equal", table, size(sent))
    return size(sent)


@patient_task
def save(watermark: int | None) -> None:
    if watermark is not None:
        save_watermark(open_warehouse(), watermark)
