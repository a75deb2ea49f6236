"""Checks of 05-migration's big data: rows that come late, and rows that differ. The databases are SQLite, no Docker is needed."""

import sqlite3
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from lab.checks.intro import output, running
from lab.checks.migration import PATIENCE, rows, run
from lab.checks.registry import Outcome, check

LONGEST = 80  # characters of a checksum
Row = tuple[int | str | None, ...]


def execute(database: Path, *statements: str) -> None:
    """Run statements in one transaction."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@check("05-migration/late-row", file="late_row.py")
def late_row(file: Path) -> Outcome:
    """Five loads: all, a late order, nothing new, a changed order, and one that is just late enough."""
    expected = (
        "the first load: 50 orders; an order 5 s late: 52; nothing new: 52; an order changed: 52, with its new amount; "
        "an order 55 s late, and the oldest left the shop: 53; none twice"
    )
    with tempfile.TemporaryDirectory() as folder:
        shop, warehouse = Path(folder, "shop.db"), Path(folder, "warehouse.db")
        for database in (shop, warehouse):
            execute(database, "CREATE TABLE orders (id INT, placed INT, amount INT)")
        execute(warehouse, "CREATE TABLE watermark (until INT)", "INSERT INTO watermark VALUES (0)")
        seen = "; ".join(f"{what}: {loaded(file, shop, warehouse, changes)}" for what, changes in LOADS.items())
        amounts = rows(warehouse, "SELECT amount FROM orders WHERE id = 52")
        ids = Counter(id for (id,) in rows(warehouse, "SELECT id FROM orders"))
    changed = (
        "with its new amount"
        if amounts == [(99,)]
        else f"with {', '.join(str(one) for (one,) in amounts) or 'no amount'}"
    )
    twice = sum(count > 1 for count in ids.values())
    seen = seen.replace("; an order 55", f", {changed}; an order 55") + f"; {twice or 'none'} twice"
    return Outcome.of(expected, seen)


LOADS = {  # what happens in the shop before each load
    "the first load": [f"INSERT INTO orders VALUES ({n}, {1000 + 10 * n}, 5)" for n in range(1, 51)],
    "an order 5 s late": ["INSERT INTO orders VALUES (51, 1495, 5), (52, 1510, 5)"],
    "nothing new": [],
    "an order changed": ["UPDATE orders SET amount = 99 WHERE id = 52"],
    "an order 55 s late, and the oldest left the shop": [
        "INSERT INTO orders VALUES (53, 1455, 5)",
        "DELETE FROM orders WHERE id <= 10",
    ],
}


def loaded(file: Path, shop: Path, warehouse: Path, changes: Iterable[str]) -> str:
    """Load after these changes; how many orders the warehouse has, or what the program complains of."""
    try:
        execute(shop, *changes)
    except sqlite3.DatabaseError as error:
        return f"the shop is broken: {error}"
    complaint = run(file, shop, warehouse)
    [[count]] = rows(warehouse, "SELECT COUNT(*) FROM orders") or [(0,)]
    return complaint or (f"{count} orders" if count == 50 else f"{count}")


LAMP, RUG, MUG = (1, "lamp", "old", 20), (2, "rug", "", 30), (3, "mug", "green", 7)
REST = [(n, "chair", "oak", 90) for n in (4, 5, 6)]
SHOP: list[Row] = [LAMP, RUG, MUG, *REST]
OTHERS: dict[str, tuple[list[Row], list[Row]]] = {  # two databases that differ
    "two prices swapped": (SHOP, [(1, "lamp", "old", 30), (2, "rug", "", 20), MUG, *REST]),
    "NULL for an empty note": (SHOP, [LAMP, (2, "rug", None, 30), MUG, *REST]),
    "NULL for the note 'None'": ([(2, "rug", "None", 30)], [(2, "rug", None, 30)]),
    "a letter moved from name to note": (SHOP, [LAMP, RUG, (3, "mu", "ggreen", 7), *REST]),
    "a comma moved": ([(3, "mug", "a, b", 7)], [(3, "mug, a", "b", 7)]),
    "one doubled, one lost": (SHOP, [LAMP, LAMP, MUG, *REST]),
    "another one tripled": ([LAMP, LAMP, LAMP, RUG], [LAMP, RUG, RUG, RUG]),
}


@check("05-migration/checksum", file="checksum.py")
def checksum(file: Path) -> Outcome:
    """The same products in another order give the same line; each of seven differences gives another one."""
    expected = f"the same line for the same products in another order; {len(OTHERS)} of {len(OTHERS)} differences seen"
    try:
        return Outcome.of(expected, fault(file) or expected)
    except NoLine as complaint:  # else an error that comes for NULL alone would pass as another line
        return Outcome(False, expected, f"it prints no line: {complaint}")


def fault(file: Path) -> str:
    """What is wrong with the lines of a program: they differ for the same products, or do not for others. Raises NoLine."""
    first = line_of(file, SHOP)
    if (second := line_of(file, SHOP[::-1])) != first:
        return f"the same products in another order: {first!r} and {second!r}"
    missed = [
        what
        for what, (one, other) in OTHERS.items()
        if line_of(file, other) == (first if one is SHOP else line_of(file, one))
    ]
    if missed:
        return f"{first!r}; no difference seen: {', '.join(missed)}"
    return f"a line of {len(first)} characters" if len(first) > LONGEST else ""


class NoLine(Exception):
    """A program has printed nothing; what it complains of."""


def line_of(file: Path, products: list[Row]) -> str:
    """What the program prints of a database with these products. Raises NoLine when it prints nothing."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "products.db")
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute("CREATE TABLE products (id INT, name TEXT, note TEXT, price INT)")
            connection.executemany("INSERT INTO products VALUES (?, ?, ?, ?)", products)
        with running(file, database, stdout=subprocess.PIPE) as program:
            lines = list(output(program, PATIENCE))
            program.process.wait(PATIENCE)
            if not lines:
                raise NoLine(program.complaint() or "it complains of nothing")
            return lines[0]
