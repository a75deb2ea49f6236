"""Two routes of `make bench-migration` in Python: `python -m bench.inside.migration.loads load|legacy ROWS`.

It imports no more than the lesson's load does, since its memory is measured.
"""

import sys

from lines import Lines, driver, snapshot
from tables import line
from target import load, transaction

COLUMNS = "id, product, quantity, amount, status, note, placed_at"
ROWS = "FROM orders WHERE id <= {}"


def bring(rows: int) -> None:
    """What the lesson's flows do with a partition, for so many rows."""
    with transaction() as warehouse, snapshot() as shop:
        lines = Lines(shop, f"SELECT {line('orders')} {ROWS.format(rows)} ORDER BY id")
        load(warehouse, "orders", lines, "bench")


def legacy(rows: int) -> None:
    """What legacy/weekly_batch.py does: five hundred rows at a time, each an INSERT."""
    with transaction() as warehouse:
        shop = driver.connect(host="shop", user="shop", password="beyond-cron", database="shop")
        cursor = shop.cursor()
        cursor.execute(f"SELECT {COLUMNS} {ROWS.format(rows)} ORDER BY id")
        while some := cursor.fetchmany(500):
            warehouse.executemany("INSERT INTO orders VALUES (%s, %s, %s, %s, %s, %s, %s)", some)
            warehouse.connection.commit()


if __name__ == "__main__":
    {"load": bring, "legacy": legacy}[sys.argv[1]](int(sys.argv[2]))
