"""A table in partitions of so many ids. Each is replaced, and recorded in the table `migrated`, in one transaction.

So a partition is complete or unchanged, and a run after a kill knows which ones are done.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from lines import Lines, ask, snapshot
from tables import COLUMNS, checksum, line
from target import Cursor, load, lock, system, transaction

OF_WEEK = "SELECT table_name, low, high FROM migrated WHERE week = %s"
NOTE = "INSERT INTO migrated (week, table_name, low, high, copied) VALUES (%s, %s, %s, %s, %s)"
FORGET = "DELETE FROM migrated WHERE week = %s AND table_name = %s AND low = %s AND high = %s"


class Part(NamedTuple):
    """A partition: rows with an id above `low`, up to `high`."""

    table: str
    low: int
    high: int

    @property
    def rows(self) -> str:
        """FROM and WHERE."""
        return f"FROM {self.table} WHERE id > {self.low} AND id <= {self.high}"


def partitions(size: int) -> list[Part]:
    """Partitions of `size` ids for everything in the shop or the warehouse."""
    parts = []
    for table in COLUMNS:
        highest = f"SELECT COALESCE(MAX(id), 0) FROM {table}"
        with snapshot() as shop, transaction() as warehouse:
            warehouse.execute(highest)
            last = max(int(ask(shop, highest)[0]), *warehouse.fetchone())
        parts += [Part(table, low, min(low + size, last)) for low in range(0, last, size)]
    return parts


def done(week: str) -> set[Part]:
    """The partitions that are recorded for a week."""
    with transaction() as warehouse:
        return noted(warehouse, week)


def noted(warehouse: Cursor, week: str) -> set[Part]:
    """The same, in a transaction that is there already."""
    warehouse.execute(OF_WEEK, [week])
    return {Part(*row) for row in warehouse.fetchall()}


def replace(week: str, part: Part) -> int:
    """Replace a partition in the warehouse by that of the shop, and compare both before the commit. Return its rows.

    Raises ValueError when they differ. Then all is as it was.
    """
    with transaction() as warehouse:
        lock(warehouse, part.table, part.low)
        if part in noted(warehouse, week):  # another run did it while this one waited for the lock
            return 0
        warehouse.execute(f"DELETE {part.rows}")
        with snapshot() as shop:
            expected = of_shop(shop, part)
            lines = Lines(shop, f"SELECT {line(part.table)} {part.rows} ORDER BY id")
            count = load(warehouse, part.table, lines, f"{week}/{part.table}/{part.low}")
        if of_warehouse(warehouse, part) != expected:
            raise ValueError(f"{part} is not what the shop had")
        warehouse.execute(NOTE, [week, *part, count])
    return count


def equal(part: Part) -> bool:
    """Whether shop and warehouse have as many rows of a partition, with equal checksums."""
    with snapshot() as shop, transaction() as warehouse:
        return of_shop(shop, part) == of_warehouse(warehouse, part)


def of_shop(shop: Any, part: Part) -> list[int]:
    """Count and checksum of a partition in the shop."""
    return [int(number) for number in ask(shop, f"SELECT {checksum(part.table, 'shop')} {part.rows}")]


def of_warehouse(warehouse: Cursor, part: Part) -> list[int]:
    """The same in the warehouse."""
    warehouse.execute(f"SELECT {checksum(part.table, system(warehouse))} {part.rows}")
    return [int(number) for number in warehouse.fetchone()]


def forget(week: str, parts: Iterable[Part]) -> None:
    """Record these partitions as not done."""
    with transaction() as warehouse:
        for part in parts:
            warehouse.execute(FORGET, [week, *part])
