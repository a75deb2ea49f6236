"""The warehouse, in PostgreSQL or Redshift. All differences between the two are in this file.

The statements for Redshift were never run there, for want of an account; a test parses them.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2.extensions import cursor as Cursor

from lines import Lines

FROM_CLIENT = "COPY {table} FROM STDIN"  # Redshift has no such thing
FROM_BUCKET = r"""
COPY {table} FROM '{manifest}' IAM_ROLE DEFAULT MANIFEST DELIMITER '\t' ESCAPE NULL AS '\\N' TIMEFORMAT 'auto'"""
LOCK_REDSHIFT = "LOCK {table}"
# Other partitions may load. A second load of this partition waits, and so does an incremental load.
LOCK_PART = """
LOCK TABLE {table} IN ROW EXCLUSIVE MODE;
SELECT pg_advisory_xact_lock(hashtextextended('{table}', {low}))"""
LOCK_ALL = "LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"


@contextmanager
def transaction() -> Iterator[Cursor]:
    """A transaction in the warehouse: commit the block, or roll it back."""
    with closing(psycopg2.connect(os.environ["REDSHIFT_DSN"])) as connection, connection, connection.cursor() as cursor:
        yield cursor


def system(cursor: Cursor) -> str:
    """Redshift or PostgreSQL; Redshift says that it is PostgreSQL 8.0.2."""
    return "redshift" if cursor.connection.server_version < 90000 else "postgres"


def lock(cursor: Cursor, table: str, low: int | None = None) -> None:
    """Wait until nobody else replaces rows of the partition that begins at `low`, or of any."""
    if system(cursor) == "redshift":
        cursor.execute(LOCK_REDSHIFT.format(table=table))
    else:
        cursor.execute((LOCK_ALL if low is None else LOCK_PART).format(table=table, low=low))


def load(cursor: Cursor, table: str, lines: Lines, key: str) -> int:
    """Add lines to a table, by way of the bucket where one is set; return how many. `key` is their place in it."""
    bucket = os.environ.get("STAGING_BUCKET")
    if not bucket:
        if system(cursor) == "redshift":
            raise RuntimeError("Redshift reads from a bucket only: set STAGING_BUCKET to the name of one")
        cursor.copy_expert(FROM_CLIENT.format(table=table), lines)
        return cursor.rowcount
    from bucket import objects, staged  # boto3 takes 20 MB and a second: import it only when needed

    with staged(bucket, key, lines) as manifest:
        if system(cursor) == "redshift":
            cursor.execute(FROM_BUCKET.format(table=table, manifest=manifest))
            cursor.execute("SELECT PG_LAST_COPY_COUNT()")
            return cursor.fetchone()[0]
        count = 0
        for body in objects(manifest):
            cursor.copy_expert(FROM_CLIENT.format(table=table), body, size=1 << 20)
            count += cursor.rowcount
    return count
