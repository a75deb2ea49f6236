"""Every night: compare fingerprints, and repair what a watermark cannot see, such as rows that were removed."""

from datetime import timedelta

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from fingerprint import differences, of_shop, of_warehouse
from load import load
from policies import retrying_task, skip_missed
from source import one_load_at_a_time, snapshot
from tables import BUCKET, TABLES, create_tables
from warehouse import open_warehouse

# A row that this load did not bring is not in the shop any more: its tombstone is a newer version that says so.
TOMBSTONES = """INSERT INTO {table}_versions ({names}, deleted, ver) SELECT {names}, 1, toUInt64({version})
FROM {table}_versions FINAL WHERE deleted = 0 AND ver < {version} AND intDiv(id, {bucket}) IN ({buckets})"""


@retrying_task(task_run_name="repair-{table}")
def repair(table: str) -> int:
    """Load the buckets that differ again, and compare; return how many. Raises ValueError if they still differ."""
    create_tables(warehouse := open_warehouse())
    with snapshot() as shop:
        in_shop = of_shop(shop, table)
        wrong = differences(in_shop, of_warehouse(warehouse, table))
        if wrong:
            buckets = ", ".join(map(str, wrong))
            version = load(shop, warehouse, table, f"id / {BUCKET} IN ({buckets})")
            names = ", ".join(TABLES[table])
            warehouse.query(
                TOMBSTONES.format(table=table, names=names, version=version, bucket=BUCKET, buckets=buckets)
            )
    if still := differences(in_shop, of_warehouse(warehouse, table)):
        raise ValueError(f"{table}: shop and warehouse differ in the buckets {still[:9]}, also after a load")
    return len(wrong)


@flow(flow_run_name="reconcile", timeout_seconds=7200, retries=2, retry_delay_seconds=60)
def reconcile() -> State:
    if skipped := skip_missed(timedelta(hours=6)):
        return skipped
    with one_load_at_a_time():
        repaired = {table: repair(table) for table in TABLES}
    return Completed(message="buckets loaded again: " + ", ".join(f"{table} {n}" for table, n in repaired.items()))


if __name__ == "__main__":
    reconcile()
