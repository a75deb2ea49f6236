"""Bring what is new in the shop to the warehouse.

Usage: late_row.py SHOP.db WAREHOUSE.db
"""

import sqlite3
import sys

shop, warehouse = (sqlite3.connect(name) for name in sys.argv[1:3])

[until] = warehouse.execute("SELECT until FROM watermark").fetchone()  # in seconds, as `placed`
new = shop.execute("SELECT id, placed, amount FROM orders WHERE placed > ?", [until]).fetchall()
# TODO: also load an order placed before the watermark and visible only after it; no order may be there twice
with warehouse:
    warehouse.executemany("INSERT INTO orders VALUES (?, ?, ?)", new)
    if new:
        warehouse.execute("UPDATE watermark SET until = ?", [max(placed for _, placed, _ in new)])
