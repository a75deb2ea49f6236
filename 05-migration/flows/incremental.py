"""What is new in the shop since the last time, into the warehouse: by watermark, and some minutes before it once more.

A row gets its time when it is written, and is seen when its transaction ends. One that was under way at the last time
is older than the watermark by now: the overlap must be longer than the longest transaction.
"""

from datetime import datetime, timedelta

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from lines import Lines, ask, snapshot
from tables import WATERMARK, line
from target import Cursor, load, lock, transaction

REPLACE = """
DELETE FROM {table} USING incoming WHERE {table}.id = incoming.id;
INSERT INTO {table} SELECT * FROM incoming"""
NOTE = """
DELETE FROM watermarks WHERE table_name = %(table)s;
INSERT INTO watermarks VALUES (%(table)s, %(until)s)"""


@flow
def incremental(overlap_minutes: int = 60) -> dict[str, int]:
    """Bring the new rows of each table; return how many lines were read."""
    return {table: bring(table, timedelta(minutes=overlap_minutes)) for table in WATERMARK}


@task(retries=3, retry_delay_seconds=[2, 10, 60], cache_policy=NO_CACHE, task_run_name="{table}")
def bring(table: str, overlap: timedelta) -> int:
    """Replace what was written since the watermark, and move the watermark, in one transaction."""
    column = WATERMARK[table]
    with transaction() as warehouse:
        lock(warehouse, table)
        since = watermark(warehouse, table)
        with snapshot() as shop:
            [until] = ask(shop, f"SELECT MAX({column}) FROM {table}")
            new = f"WHERE {column} >= '{since - overlap}'" if since else ""
            warehouse.execute(f"CREATE TEMP TABLE incoming (LIKE {table})")
            lines = Lines(shop, f"SELECT {line(table)} FROM {table} {new}")
            count = load(warehouse, "incoming", lines, f"incremental/{table}")
        warehouse.execute(REPLACE.format(table=table))
        if until:
            warehouse.execute(NOTE, {"table": table, "until": until.decode()})
    get_run_logger().info("%s: %d rows since %s less %s", table, count, since or "the beginning", overlap)
    return count


def watermark(warehouse: Cursor, table: str) -> datetime | None:
    """The newest time that was there the last time; None before the first."""
    warehouse.execute("SELECT until FROM watermarks WHERE table_name = %s", [table])
    row = warehouse.fetchone()
    return row and row[0]


if __name__ == "__main__":
    incremental()
