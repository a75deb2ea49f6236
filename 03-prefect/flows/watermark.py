"""Until when the warehouse has everything, in microseconds since 1970 by the shop's clock."""

from psycopg2.extensions import connection

from shop import query
from warehouse import Warehouse

# A transaction that is open now may commit rows that it has already stamped: never go past the start of the oldest.
# The second is for the moment between a row's stamp and its arrival in pg_stat_activity's eyes.
NEXT = """SELECT (extract(epoch FROM least(
    clock_timestamp(),
    (SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid())
) - interval '1 second') * 1000000)::bigint"""


def next_watermark(shop: connection) -> int:
    """Fix it before the snapshot of the load is taken: a row that commits in between is read twice, not never.

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
