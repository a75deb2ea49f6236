"""The source: the shop's PostgreSQL at SOURCE_URL. Nothing here writes; the role of the lesson may not."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2.extensions import connection

# The timeouts are here and not on the tasks: Prefect cannot interrupt a thread that waits for a socket.
# A cut network ends a wait after half a minute, here and on the server, whose locks are freed by it.
CLIENT = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 4}
ALIVE = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4"
SERVER = f"-c TimeZone=UTC -c statement_timeout=15min {ALIVE}"
ETL_LOCK = 4713  # any number: the advisory lock that every load takes


def connect() -> connection:
    return psycopg2.connect(os.environ["SOURCE_URL"], options=SERVER, application_name="etl", **CLIENT)


@contextmanager
def one_load_at_a_time() -> Iterator[connection]:
    """Wait up to a minute for other loads. PostgreSQL frees the lock of one that was killed."""
    with closing(connect()) as shop, shop.cursor() as cursor:
        shop.autocommit = True  # a lock of the session: an open transaction would hold the watermark back
        cursor.execute("SET lock_timeout = '60s'")
        cursor.execute("SELECT pg_advisory_lock(%s)", [ETL_LOCK])
        yield shop


@contextmanager
def snapshot(of: connection | None = None) -> Iterator[connection]:
    """A connection whose queries all see the shop as it was at the first of them; or as another one sees it."""
    with closing(connect()) as shop:
        shop.set_session(isolation_level="REPEATABLE READ", readonly=True)
        if of:
            [exported] = query(of, "SELECT pg_export_snapshot()")
            shop.cursor().execute("SET TRANSACTION SNAPSHOT %s", exported)
        yield shop


def query(shop: connection, sql: str) -> list[tuple]:
    with shop.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()
