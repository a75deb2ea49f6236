"""Bring what is new in the shop to the warehouse.

Usage: late_row.py SHOP.db WAREHOUSE.db
"""

import sqlite3
import sys

OVERLAP = 60  # seconds: no transaction of the shop takes longer
shop, warehouse = (sqlite3.connect(name) for name in sys.argv[1:3])

[until] = warehouse.execute("SELECT until FROM watermark").fetchone()  # in seconds, as `placed`
new = shop.execute("SELECT id, placed, amount FROM orders WHERE placed >= ?", [until - OVERLAP]).fetchall()
with warehouse:  # one transaction: what is read once more is replaced, and the watermark moves with it
    warehouse.executemany("DELETE FROM orders WHERE id = ?", [[id] for id, _, _ in new])
    warehouse.executemany("INSERT INTO orders VALUES (?, ?, ?)", new)
    if new:
        warehouse.execute("UPDATE watermark SET until = ?", [max(placed for _, placed, _ in new)])
