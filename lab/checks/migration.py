"""Checks of 05-migration: the learner's worker is killed at its work, the learner's batch fails half-way. No Docker is needed."""

import json
import random
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

from lab.checks.intro import ended, output, running
from lab.checks.registry import Outcome, check

PATIENCE = 30  # seconds for a program, on a busy machine
MONDAY = "2026-11-23"


def put(queue: Path, ids: list[int]) -> None:
    """Put an order for each id into a queue, or put it there again."""
    for id in ids:
        order = {"id": f"order-{id}", "product": id % 400, "quantity": 1 + id % 3}
        (queue / f"{id}.json").write_text(json.dumps(order))


def run(file: Path, *arguments: str | Path) -> str:
    """Run a program to its end; return what it complains of, if it failed."""
    with running(file, *arguments) as program:
        ended(program, PATIENCE)
        code = program.process.poll()
        if code is None:
            return f"still running after {PATIENCE} s"
        return program.complaint() or f"exit code {code}" if code else ""


def kill_at_work(file: Path, queue: Path, shop: Path) -> None:
    """Kill a worker while its commit waits for somebody who reads, with an order in its hand."""
    with closing(sqlite3.connect(shop)) as reader:
        with running(file, queue, shop) as program:  # so that its tables are there
            ended(program, PATIENCE)
        put(queue, [1, 2, 3])
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_master").fetchall()
        with running(file, queue, shop, stdout=subprocess.PIPE) as program:
            next(output(program, seconds=5), "")  # "at work on"
            ended(program, seconds=0.5)  # it comes to its commit, and no further


@check(
    "05-migration/ack-last",
    file="ack_last.py",
)
def ack_last(file: Path) -> Outcome:
    """Killed with the first of three orders in hand, started again; then two of them are delivered once more."""
    expected = "killed at the 1st of 3 orders, started again: 3 rows; 2 delivered again: 3 rows, none left in the queue"
    with tempfile.TemporaryDirectory() as folder:
        queue, shop = Path(folder, "queue"), Path(folder, "shop.db")
        queue.mkdir()
        kill_at_work(file, queue, shop)
        complaint = run(file, queue, shop)
        once = rows(shop, "SELECT id FROM orders")
        put(queue, [1, 3])
        complaint = complaint or run(file, queue, shop)
        twice = rows(shop, "SELECT id FROM orders")
        left = len(list(queue.iterdir()))
    told = f"{left or 'none'} left in the queue"
    seen = (
        f"killed at the 1st of 3 orders, started again: {len(once)} rows; 2 delivered again: {len(twice)} rows, {told}"
    )
    return Outcome(seen == expected and len(set(twice)) == 3, expected, complaint or seen)


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    """What a query gives; nothing where the table, or the database, is not there any more."""
    with closing(sqlite3.connect(database)) as connection:
        try:
            return connection.execute(query).fetchall()
        except sqlite3.DatabaseError:
            return []


def fill(shop: Path, warehouse: Path) -> int:
    """Fourteen days of orders in the shop, one of them without an amount; in the warehouse the first seven. Return the id."""
    days = [f"2026-11-{day}" for day in range(16, 30)]
    orders = [(n, days[n % 14], n % 50 + 1) for n in range(280)]
    broken = random.choice([id for id, day, _ in orders if day == "2026-11-26"])
    with closing(sqlite3.connect(shop)) as database:
        database.execute("CREATE TABLE orders (id INT, day TEXT, amount INT)")
        database.executemany("INSERT INTO orders VALUES (?, ?, ?)", orders)
        database.execute("UPDATE orders SET amount = NULL WHERE id = ?", [broken])
        database.commit()
    with closing(sqlite3.connect(warehouse)) as database:
        database.execute("CREATE TABLE orders (id INT, day TEXT, amount INT NOT NULL)")
        database.executemany("INSERT INTO orders VALUES (?, ?, ?)", [order for order in orders if order[1] < MONDAY])
        database.commit()
    return broken


@check(
    "05-migration/batch-again",
    file="batch_again.py",
)
def batch_again(file: Path) -> Outcome:
    """It fails on a Thursday, is started again when that is mended, and once more though all is well."""
    expected = "failed on Thursday; started again: 280 orders, 0 twice; and again: 280 orders, 0 twice"
    with tempfile.TemporaryDirectory() as folder:
        shop, warehouse = Path(folder, "shop.db"), Path(folder, "warehouse.db")
        broken = fill(shop, warehouse)
        first = run(file, shop, warehouse, MONDAY)
        with closing(sqlite3.connect(shop)) as database:
            database.execute("UPDATE orders SET amount = 7 WHERE id = ?", [broken])
            database.commit()
        seen = "failed on Thursday" if "NOT NULL" in first else first or "did not fail on Thursday"
        for again in ("started again", "and again"):
            complaint = run(file, shop, warehouse, MONDAY)
            ids = rows(warehouse, "SELECT id FROM orders")
            seen += f"; {again}: {complaint or f'{len(ids)} orders, {len(ids) - len(set(ids))} twice'}"
    return Outcome.of(expected, seen)
