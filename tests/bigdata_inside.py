"""Runs in a container of lesson 05, beside its flows: what these bring to the warehouse, compared row by row.

`python - WORD` with this text on standard input calls the function of that name, and prints its answer as JSON.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import boto3

import bucket
from partitions import Part, equal, forget, partitions, replace
from systems import shop
from target import lock, transaction
from watermark import bring

NOTES = [
    *(
        "a\tb\\c\nd\r\n",
        "\\N",
        "NULL",
        "-",
        "~",
        "ção 😀",
        "",
        "\\",
        "\\.",
        "\n\\.\n",
        "1|x",
        "x|y",
        " ",
        "'; --",
        None,
    ),
]
COLUMNS = "id, product, quantity, amount, status, note, placed_at"
CHANGES = [
    *("note = ''", "note = NULL", "note = '-'", "note = 'x' || note", "amount = amount + 0.01", "status = 'unpaid'"),
    *("product = product + 1", "placed_at = placed_at + INTERVAL '1 microsecond'", "id = id + 1"),
]
INSERT = "INSERT INTO orders (message_id, product, quantity, amount, status, note) VALUES ('', 1, 1, 2, 'paid', %s)"
MINUTE = timedelta(minutes=1)


def in_shop(statement: str, *values: object) -> list[Any]:
    """Run a statement in the shop, and commit; what it gives."""
    with closing(shop()) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        connection.commit()
        return list(cursor.fetchall())


def in_warehouse(statement: str) -> list[Any]:
    """The same in the warehouse."""
    with transaction() as warehouse:
        warehouse.execute(statement)
        return warehouse.fetchall() if warehouse.description else []


def same() -> bool:
    """Whether both sides have the same orders, column by column, each once."""
    query = f"SELECT {COLUMNS} FROM orders ORDER BY id"
    return [tuple(row) for row in in_shop(query)] == in_warehouse(query)


def orders() -> Part:
    """All orders, as one partition."""
    [part] = [part for part in partitions(100_000) if part.table == "orders"]
    return part


def mend(part: Part) -> int:
    """Copy a partition, whether it is noted or not."""
    forget("test", [part])
    return int(replace("test", part))


def texts() -> dict[str, Any]:
    """Notes of every kind arrive as they are; each change of a row in the warehouse is seen, and mended."""
    for note in NOTES:
        in_shop(INSERT, note)
    part = orders()
    told: dict[str, Any] = {"copied": mend(part), "same": same(), "again": replace("test", part), "missed": []}
    [[victim]] = in_shop("SELECT id FROM orders WHERE note = 'x|y'")
    for change in CHANGES:
        in_warehouse(f"UPDATE orders SET {change} WHERE id = {victim}")
        told["missed"] += [change] if equal(part) else []
        mend(part)
    in_warehouse(f"INSERT INTO orders SELECT * FROM orders WHERE id = {victim}")
    told["doubled is seen"] = not equal(part)
    mend(part)
    return told | {"equal": equal(part) and same()}


def late() -> dict[str, Any]:
    """An order whose transaction is under way during a load, one that changes, and loads at once: all by watermark."""
    mend(orders())
    told: dict[str, Any] = {"first": bring("orders", MINUTE)[0] >= 20_000}
    with closing(shop()) as slow, slow.cursor() as cursor:
        cursor.execute(INSERT, ["late"])  # it has its time, and nobody sees it
        in_shop(INSERT, "early")
        bring("orders", MINUTE)
        slow.commit()
    told["late is not there yet"] = not same()
    told["read again"] = 2 <= bring("orders", MINUTE)[0] < 20_000
    told["late is there"] = same()
    in_shop("UPDATE orders SET status = 'expired' WHERE note = 'early'")
    bring("orders", MINUTE)
    told["a change is there"] = same()
    at_once = [threading.Thread(target=bring, args=("orders", MINUTE)) for _ in range(3)]
    at_once += [threading.Thread(target=mend, args=(orders(),)) for _ in range(3)]
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join()
    told["six loads at once, none twice"] = same()
    return told


def old() -> dict[str, Any]:
    """What an incremental load cannot see: an old order that changes, and one that is deleted. The partition sees both."""
    mend(orders())
    in_shop("UPDATE orders SET status = 'expired' WHERE id = 5")
    in_shop("DELETE FROM orders WHERE id = 6")
    bring("orders", MINUTE)
    told = {"seen by watermark": same(), "seen by checksum": not equal(orders())}
    mend(orders())
    return told | {"mended": same()}


def half() -> dict[str, Any]:
    """A load that fails half-way has done nothing: no row, no note, no watermark."""
    mend(orders())
    before = in_warehouse(f"SELECT {COLUMNS} FROM orders ORDER BY id")
    state = "SELECT (SELECT COUNT(*) FROM migrated), (SELECT MAX(until) FROM watermarks)"
    noted = in_warehouse(state)
    in_shop(INSERT, "new")
    in_warehouse("ALTER TABLE orders ADD CONSTRAINT no_new CHECK (note IS DISTINCT FROM 'new') NOT VALID")
    failed = []
    loads: list[Callable[[], object]] = [lambda: replace("half", orders()), lambda: bring("orders", MINUTE)]
    for load in loads:
        try:
            load()
        except Exception as error:
            failed.append(type(error).__name__)
    told = {"failed": failed, "as before": before == in_warehouse(f"SELECT {COLUMNS} FROM orders ORDER BY id")}
    told["noted as before"] = noted == in_warehouse(state)
    in_warehouse("ALTER TABLE orders DROP CONSTRAINT no_new")
    return told


def held() -> dict[str, Any]:
    """A partition waits while the table is held, and then sees that somebody else has copied it."""
    part = orders()
    forget("test", [part])
    answers: list[int] = []
    with transaction() as warehouse:
        lock(warehouse, "orders")
        waiting = threading.Thread(target=lambda: answers.append(replace("test", part)))
        waiting.start()
        waiting.join(2)
        waited = waiting.is_alive()
        warehouse.execute("INSERT INTO migrated (week, table_name, low, high) VALUES ('test', %s, %s, %s)", [*part])
    waiting.join()
    return {"waited": waited, "copied": answers}


def by_bucket() -> dict[str, Any]:
    """By way of the bucket: how many objects there are during the load, and after it."""
    bucket.PART = 400_000  # some parts, of a megabyte in all
    client = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT_URL"])
    seen, put = [], bucket.put

    def counted(*words: Any) -> None:
        put(*words)
        seen.append(client.list_objects_v2(Bucket="stage")["KeyCount"])

    bucket.put = counted
    mend(orders())
    seen.append(client.list_objects_v2(Bucket="stage")["KeyCount"])
    return {"parts": seen, "same": same()}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]]()))
