"""Bring the orders to the warehouse: each one, once. Usage: lost_window.py SHOP WAREHOUSE"""

import os
import sqlite3
import sys
import time

MINUTE = float(os.environ.get("MINUTE", 60))  # seconds
SLEEP = float(os.environ.get("SLEEP", 2)) * MINUTE
WORK = float(os.environ.get("WORK", 0)) * MINUTE

shop = sqlite3.connect(sys.argv[1], timeout=30)
warehouse = sqlite3.connect(sys.argv[2], timeout=30)
warehouse.execute("CREATE TABLE IF NOT EXISTS sales (id INTEGER, amount REAL)")


def extract() -> list[tuple]:
    """Read the orders that the warehouse does not have yet."""
    # TODO: the window forgets. Read on from where the last run ended, also when this program was stopped in between.
    now = time.time()
    second_zero = now - now % MINUTE
    return shop.execute("SELECT id, amount FROM orders WHERE created_at >= ?", (second_zero,)).fetchall()


def transform(rows: list[tuple]) -> list[tuple]:
    """Take WORK seconds to convert the amounts to another currency."""
    end = time.monotonic() + WORK
    while True:
        converted = [(number, round(amount * 5.4, 2)) for number, amount in rows]
        if time.monotonic() >= end:
            return converted


while True:
    with warehouse:  # one transaction: all the rows of a run, or none
        warehouse.executemany("INSERT INTO sales VALUES (?, ?)", transform(extract()))
    time.sleep(SLEEP)
