"""Rows from the shop to the warehouse: which ones (the watermark), under which version, in one stream.

COPY pushes the rows and an HTTP client pulls them; the pipe between the two makes the faster one wait.
Times are microseconds since 1970 by the shop's clock.
"""

import os
import threading
from collections.abc import Generator
from contextlib import closing

from psycopg2.extensions import connection

from source import query
from tables import TABLES
from warehouse import Warehouse

# A transaction that is open now may commit rows that it has already stamped: never go past the start of the oldest.
# The second is for the moment between a row's stamp and its arrival in pg_stat_activity's eyes.
NEXT = """SELECT (extract(epoch FROM least(
    clock_timestamp(),
    (SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
) - interval '1 second') * 1000000)::bigint"""
# When the transaction began, which is just before its snapshot; and this moment.
CLOCK = "SELECT extract(epoch FROM now()) * 1000000, extract(epoch FROM clock_timestamp()) * 1000000"


def next_watermark(shop: connection) -> int:
    """Until when everything will be loaded. Read before the snapshot: what commits in between is read twice, not never.

    Raises PermissionError when the role may not see the transactions of others, whose rows would be lost.
    """
    [(sees_all,)] = query(shop, "SELECT pg_has_role('pg_read_all_stats', 'USAGE')")
    if not sees_all:
        raise PermissionError("this role cannot see open transactions: GRANT pg_read_all_stats TO it")
    [(watermark,)] = query(shop, NEXT)
    return watermark


def last_watermark(warehouse: Warehouse) -> int:
    """0 before the first load."""
    [(watermark,)] = warehouse.query("SELECT max(watermark) FROM watermarks")
    return watermark


def save_watermark(warehouse: Warehouse, watermark: int) -> None:
    warehouse.query(f"INSERT INTO watermarks (watermark) SELECT toInt64({watermark})")


def changed(start: int | None, end: int | None) -> str:
    """The condition for rows that changed at `start` or later and before `end`; None leaves that side open."""
    moment = "updated_at {} timestamptz 'epoch' + {} * interval '1 microsecond'"
    sides = [moment.format(sign, at) for sign, at in ((">=", start), ("<", end)) if at is not None]
    return " AND ".join(sides) or "true"


def load(shop: connection, warehouse: Warehouse, table: str, where: str) -> int:
    """Bring the rows that match, as the snapshot has them, under a new version; return the version.

    The older snapshot loses, whichever load is faster. Each attempt has a snapshot and so a version of its own: rows
    that a killed attempt still sends lose against the next.
    """
    began, now = map(int, query(shop, CLOCK)[0])
    [(highest,)] = warehouse.query(f"SELECT max(ver) FROM {table}_versions")
    version = began if highest < now else highest + 1  # the shop's clock went back since the last load
    copied = ", ".join(kind.copied.format(name) for name, kind in TABLES[table].items())
    # Closed, because an insert that fails leaves rows unread, and a thread that reads from the shop's connection.
    with closing(stream(shop, f"SELECT {copied}, 0, {version} FROM {table} WHERE {where}")) as rows:
        warehouse.insert(f"{table}_versions", f"{', '.join(TABLES[table])}, deleted, ver", rows)
    return version


def stream(shop: connection, select: str) -> Generator[bytes, None, None]:
    """The rows of a query as tab-separated text, in pieces of at most 128 KB: constant memory.

    Raises what COPY raised, at the end; without it, half a copy would pass for a whole one.
    """
    read_end, write_end = os.pipe()
    errors: list[BaseException] = []

    def push() -> None:
        try:
            with os.fdopen(write_end, "wb", 1 << 20) as pipe, shop.cursor() as cursor:
                cursor.copy_expert(f"COPY ({select}) TO STDOUT", pipe)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=push, daemon=True)
    thread.start()
    try:
        with os.fdopen(read_end, "rb", 0) as pipe:
            while piece := pipe.read(1 << 17):
                yield piece
    finally:
        thread.join()
    if errors:
        raise errors[0]
