"""Load the orders of a week into the warehouse, day by day.

Usage: batch_again.py SHOP.db WAREHOUSE.db MONDAY
"""

import sqlite3
import sys
from datetime import date, timedelta

shop, warehouse = (sqlite3.connect(name) for name in sys.argv[1:3])
monday = date.fromisoformat(sys.argv[3])

for day in (monday + timedelta(days=n) for n in range(7)):
    rows = shop.execute("SELECT id, day, amount FROM orders WHERE day = ?", [f"{day}"]).fetchall()
    # TODO: a batch that failed half-way, or that ran already, may be started again
    warehouse.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
    warehouse.commit()
