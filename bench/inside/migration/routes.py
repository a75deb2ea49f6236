"""The part of `make bench-migration` that fills the shop, and brings the orders over by one route after the other.

`python -m bench.inside.migration.routes '{"fill": 100000}'` fills the shop, and
`'{"rows": 100000, "routes": ["load"], "repeat": 3, "seconds": 600}'` measures: it prints one JSON object for each run on
standard output, and its progress on standard error.
"""

import json
import os
import sys
from typing import Any

import boto3
import pymysql

from bench.inside.migration.loads import COLUMNS, ROWS
from bench.inside.watch import batches, measure, say, spaced
from lines import ask, snapshot
from tables import checksum
from target import transaction

BUCKET = "bench"
# As in shop/seed.sql, and one note in fifty has what COPY must not take for the end of a field or of a row.
FILL = r"""
INSERT INTO orders (id, message_id, product, quantity, amount, status, note, placed_at)
SELECT seq, CONCAT('bench-', LPAD(seq, 30, '0')), 1 + (seq * 7919) MOD 400, 1 + seq MOD 4, (seq * 104729) MOD 90000 / 100,
       ELT(1 + seq MOD 3, 'paid', 'paid', 'unpaid'),
       IF(seq MOD 50, ELT(1 + seq MOD 4, NULL, '', 'gift', 'não tocar'), 'a\tb\\c\nd'),
       '2026-01-01' + INTERVAL seq * 5 SECOND
FROM seq_{}_to_{}"""
MORE_PRODUCTS = """
INSERT IGNORE INTO products (id, name, price, stock)
SELECT seq, CONCAT(ELT(1 + seq MOD 5, 'red', 'green', 'oak', 'small', 'wild'), ' ',
                   ELT(1 + seq MOD 7, 'lamp', 'chair', 'kettle', 'rug', 'shelf', 'clock', 'mug'), ' ', seq), 5, 1
FROM seq_401_to_1600"""
MODULE = ("python", "-P", "-m", "bench.inside.migration.loads")
CLIENT = "mariadb --batch --quick --skip-column-names --host shop --user shop --password=beyond-cron shop"


def by_hand(rows: int) -> str:
    """The client's dump, piped into COPY; it cannot tell NULL from the text 'NULL'."""
    select = f"SELECT {COLUMNS} {ROWS.format(rows)} ORDER BY id"
    return (
        f"""{CLIENT} -e "{select}" | psql --no-psqlrc -q "$REDSHIFT_DSN" -c "COPY orders FROM STDIN (NULL 'NULL')" """
    )


def command(route: str, rows: int) -> list[str]:
    """The command of a route."""
    ours = [*MODULE, "load", str(rows)]
    flow = f"from weekly import weekly; weekly('bench', {max(rows // 25, 1000)})"
    return {
        "hand": ["bash", "-o", "pipefail", "-c", by_hand(rows)],
        "load": ours,
        "pymysql": ["env", "SHOP_DRIVER=pymysql", *ours],
        "bucket": ["env", f"STAGING_BUCKET={BUCKET}", *ours],
        "weekly": ["python", "-P", "-c", flow],
        "legacy": ["env", "SHOP_DRIVER=pymysql", *MODULE, "legacy", str(rows)],
    }[route]


def fill(rows: int) -> None:
    """Bring the orders of the shop to so many: to fewer, too, since the whole flow copies all there are."""
    login = {"host": "shop", "user": "root", "password": "beyond-cron", "database": "shop", "autocommit": True}
    with pymysql.connect(**login) as shop, shop.cursor() as cursor:
        cursor.execute("DELETE FROM orders WHERE message_id LIKE 'seed-%%' OR id > %s", [rows])
        cursor.execute(MORE_PRODUCTS)
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM orders")
        [[have]] = cursor.fetchall()
        for first, last in batches(have, rows, 250_000):
            cursor.execute(FILL.format(first, last))


def shop_sum(rows: int) -> list[int]:
    """Count and checksum of so many orders in the shop."""
    with snapshot() as shop:
        return [int(number) for number in ask(shop, f"SELECT {checksum('orders', 'shop')} {ROWS.format(rows)}")]


def warehouse_sum() -> list[int]:
    """Count and checksum of all orders in the warehouse."""
    with transaction() as warehouse:
        warehouse.execute(f"SELECT {checksum('orders', 'postgres')} FROM orders")
        return [int(number) for number in warehouse.fetchone()]


def empty() -> None:
    """Empty the warehouse."""
    with transaction() as warehouse:
        warehouse.execute("TRUNCATE orders, products, migrated, watermarks")


def rounds(rows: int, routes: list[str], repeat: int, seconds: float) -> None:
    """Run the routes in turn, each time another one first; one that does not work is not run again."""
    expected = shop_sum(rows)
    for turn in range(repeat):
        first = turn % max(len(routes), 1)
        for route in [*routes[first:], *routes[:first]]:
            empty()
            say(f"{spaced(rows)} orders, round {turn + 1} of {repeat}: {route} … ", "")
            result = {"route": route, "wrong": "", **measure(command(route, rows), seconds)}
            if result["trouble"]:
                routes = [other for other in routes if other != route]
            elif (seen := warehouse_sum()) != expected:
                result["wrong"] = f"{seen} instead of {expected}"
            say(f"{result['seconds']:.2f} s, {result['mb']:.0f} MB {result['trouble'] or result['wrong']}")
            print(json.dumps(result), flush=True)
    empty()


def main(task: dict[str, Any]) -> None:
    """Fill the shop, or measure."""
    if "fill" in task:
        fill(task["fill"])
        boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT_URL"]).create_bucket(Bucket=BUCKET)
    else:
        rounds(**task)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
