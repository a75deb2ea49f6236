"""The real flows on the shop at SOURCE_URL: load, reconcile, and load again. Prints what each did, table by table."""

import sys

from prefect import Flow

from fingerprint import differences, of_shop, of_warehouse, size
from reconcile import reconcile
from sales_etl import sales_etl
from source import snapshot
from tables import TABLES, create_tables
from warehouse import Warehouse, open_warehouse


def versions(warehouse: Warehouse) -> dict[str, int]:
    """The highest version of each table, before a flow runs."""
    return {table: warehouse.query(f"SELECT max(ver) FROM {table}_versions")[0][0] for table in TABLES}


def rows_brought(warehouse: Warehouse, flow: Flow) -> dict[str, int]:
    """Run a flow; how many rows it wrote to each table."""
    before = versions(warehouse)
    flow()
    newer = {table: f"SELECT count() FROM {table}_versions WHERE ver > {ver}" for table, ver in before.items()}
    return {table: warehouse.query(sql)[0][0] for table, sql in newer.items()}


def main() -> bool:
    """Whether shop and warehouse are equal at the end."""
    create_tables(warehouse := open_warehouse())
    loaded, reconciled, again = (rows_brought(warehouse, flow) for flow in (sales_etl, reconcile, sales_etl))
    print(
        f"  {'table':12}{'in shop':>10}{'loaded':>10}{'reconciled':>12}{'again':>8}{'in warehouse':>14}  fingerprints"
    )
    wrong = 0
    with snapshot() as shop:
        for table in TABLES:
            source, target = of_shop(shop, table), of_warehouse(warehouse, table)
            differ = differences(source, target)
            wrong += len(differ)
            brought = f"{loaded[table]:10,}{reconciled[table]:12,}{again[table]:8,}"
            verdict = f"differ in {len(differ)} buckets" if differ else "equal"
            print(f"  {table:12}{size(source):10,}{brought}{size(target):14,}  {verdict}", flush=True)
    return not wrong


if __name__ == "__main__":
    try:
        sys.exit(0 if main() else 3)
    except Exception as error:  # etl.py shows this line, and where the log with all the rest is
        print(f"failed: {type(error).__name__}: {str(error).splitlines()[0]}", file=sys.stderr)
        sys.exit(1)
