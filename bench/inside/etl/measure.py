"""The part of `make bench-etl` that runs next to the clients: fills the shop, measures the routes, checks what arrived.

`python -m bench.inside.etl.measure '{"fill": 100000}'` fills the shop, and
`'{"rows": 100000, "routes": ["load"], "repeat": 3, "seconds": 600}'` measures: it prints one JSON object for each run on
standard output, and its progress on standard error.
"""

import json
import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from clickhouse_driver.errors import ServerException

from bench.inside.etl.routes import OWN, command
from bench.inside.watch import batches, measure, say, spaced
from fingerprint import Fingerprint, of_shop, of_warehouse, size
from source import snapshot
from tables import TABLES, create_tables
from warehouse import open_warehouse

OTHER_TABLES = """DROP INDEX order_lines_of_an_order, order_lines_updated_at;
INSERT INTO customers SELECT n, 'customer ' || n, 'region ' || n % 5 FROM generate_series(1, 100) AS n;
INSERT INTO products SELECT n, 'product ' || n, 'category ' || n % 9, n FROM generate_series(1, 1024) AS n;
INSERT INTO orders SELECT n, 1 + n % 100, 'paid', now() - n * interval '4 minutes'
    FROM generate_series(1, 10000) AS n"""
MERGE_DEADLINE = 600  # seconds
WAREHOUSE = open_warehouse()
TABLES[OWN] = TABLES["order_lines"]  # a table of theirs is checked as ours is
FILL = """INSERT INTO order_lines (id, order_id, product_id, quantity, unit_price, updated_at)
SELECT n, 1 + n % 10000, 1 + (hashint8(n) & 1023), 1 + (hashint8(n + 7) & 7),
    (1 + (hashint8(n + 13) & 1048575)) / 100.0, clock_timestamp() FROM generate_series({}::bigint, {}::bigint) AS n"""


def fill(rows: int) -> None:
    """Bring order_lines to so many rows, the quick way: no trigger, no index but that of the primary key."""
    with closing(psycopg2.connect(os.environ["SHOP_URL"])) as shop, shop.cursor() as cursor:
        shop.autocommit = True
        cursor.execute("SELECT to_regclass('order_lines') IS NULL")
        if cursor.fetchone() == (True,):
            cursor.execute(Path("/lesson/shop/schema.sql").read_text())
            cursor.execute(OTHER_TABLES)
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SELECT coalesce(max(id), 0) FROM order_lines")
        [[have]] = cursor.fetchall()
        for first, last in batches(have, rows, 1_000_000):
            cursor.execute(FILL.format(first, last))
        cursor.execute("VACUUM ANALYZE order_lines")
        cursor.execute("CHECKPOINT")


def empty() -> None:
    """Empty the warehouse, and wait until its merges have ended. Ends the program when they do not."""
    WAREHOUSE.query(f"DROP TABLE IF EXISTS {OWN}")
    for table in [*(f"{table}_versions" for table in TABLES if table != OWN), "watermarks"]:
        WAREHOUSE.query(f"TRUNCATE TABLE {table}")
    deadline = time.monotonic() + MERGE_DEADLINE
    while WAREHOUSE.query("SELECT count() FROM system.merges WHERE database = currentDatabase()") != [(0,)]:
        if time.monotonic() > deadline:
            raise SystemExit(f"ClickHouse still merges after {MERGE_DEADLINE} s")
        time.sleep(0.1)


def difference(expected: Fingerprint) -> str:
    """How the warehouse differs from the shop; nothing when count() and fingerprints are equal."""
    own = WAREHOUSE.query(f"SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = '{OWN}'")
    table = OWN if own else "order_lines_versions"
    [(rows,)] = WAREHOUSE.query(f"SELECT count() FROM {table}")
    if rows != size(expected):
        return f"{spaced(rows)} rows instead of {spaced(size(expected))}"
    try:
        return "" if of_warehouse(WAREHOUSE, table) == expected else "as many rows, but not the same"
    except ServerException as error:  # a tool's own table, with types that say something else
        return f"the fingerprint cannot be taken: {error.message.split('Stack trace')[0][:200]}"


def rounds(rows: int, routes: list[str], repeat: int, seconds: float) -> None:
    """Run the routes in turn, each time another one first; one that does not work is not run again."""
    create_tables(WAREHOUSE)
    with snapshot() as shop:
        expected = of_shop(shop, "order_lines")
    assert size(expected) == rows, f"the shop has {size(expected)} rows"
    for turn in range(repeat):
        first = turn % max(len(routes), 1)
        for route in [*routes[first:], *routes[:first]]:
            empty()
            say(f"{spaced(rows)} rows, round {turn + 1} of {repeat}: {route} … ", "")
            result = {"route": route, "wrong": "", **measure(command(route), seconds)}
            if result["trouble"]:
                routes = [other for other in routes if other != route]
            else:
                result["wrong"] = difference(expected)
            done = f"{result['seconds']:.2f} s, {result['mb']:.0f} MB"
            say(result["trouble"] or f"{done}{', WRONG: ' if result['wrong'] else ''}{result['wrong']}")
            print(json.dumps(result), flush=True)
    empty()


if __name__ == "__main__":
    task: dict[str, Any] = json.loads(sys.argv[1])
    if "fill" in task:
        fill(task["fill"])
    else:
        rounds(**task)
