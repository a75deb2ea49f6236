"""Bring some rows of a table to the warehouse: what both loads share."""

from contextlib import closing

from psycopg2.extensions import connection

from shop import query
from stream import copy
from tables import TABLES
from warehouse import Warehouse

# Microseconds since 1970 by the shop's clock: when the transaction began, just before its snapshot; and this moment.
CLOCK = "SELECT extract(epoch FROM now()) * 1000000, extract(epoch FROM clock_timestamp()) * 1000000"


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
    with closing(copy(shop, f"SELECT {copied}, 0, {version} FROM {table} WHERE {where}")) as rows:
        warehouse.insert(f"{table}_versions", f"{', '.join(TABLES[table])}, deleted, ver", rows)
    return version
