"""What is new since the last load. The watermark is the newest time that was seen; the warehouse has one per table.

A row gets its time when it is written, and is seen when its transaction ends. A row whose transaction was open during
the last load is older than the watermark now. So each load begins some minutes before the watermark. This overlap must
be longer than the longest transaction of the shop.
"""

from datetime import datetime, timedelta

from lines import Lines, ask, snapshot
from tables import WATERMARK, line
from target import Cursor, load, lock, transaction

REPLACE = """
DELETE FROM {table} USING incoming WHERE {table}.id = incoming.id;
INSERT INTO {table} SELECT * FROM incoming"""
NOTE = """
DELETE FROM watermarks WHERE table_name = %(table)s;
INSERT INTO watermarks VALUES (%(table)s, %(until)s)"""


def bring(table: str, overlap: timedelta) -> tuple[int, datetime | None]:
    """Replace what is new since the watermark, and move it, in one transaction. Return rows read, and since when."""
    column = WATERMARK[table]
    with transaction() as warehouse:
        lock(warehouse, table)
        since = watermark(warehouse, table)
        since = since and since - overlap
        with snapshot() as shop:
            [until] = ask(shop, f"SELECT MAX({column}) FROM {table}")
            new = f"WHERE {column} >= '{since}'" if since else ""
            warehouse.execute(f"CREATE TEMP TABLE incoming (LIKE {table})")
            lines = Lines(shop, f"SELECT {line(table)} FROM {table} {new}")
            count = load(warehouse, "incoming", lines, f"incremental/{table}")
        warehouse.execute(REPLACE.format(table=table))
        if until:
            warehouse.execute(NOTE, {"table": table, "until": until.decode()})
    return count, since


def watermark(warehouse: Cursor, table: str) -> datetime | None:
    """The newest time that was seen; None before the first load."""
    warehouse.execute("SELECT until FROM watermarks WHERE table_name = %s", [table])
    row = warehouse.fetchone()
    return row and row[0]
