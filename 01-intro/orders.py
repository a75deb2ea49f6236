"""A shop that sells all the time: write an order every hundredth of a second. Usage: orders.py SHOP"""

import sqlite3
import sys
import time

shop = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)  # each order is committed at once
shop.execute("PRAGMA journal_mode = WAL")  # others can read while this process writes
shop.execute("CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, amount REAL, created_at REAL)")

next_due = time.monotonic()
while True:
    shop.execute("INSERT INTO orders (amount, created_at) VALUES (?, ?)", (9.99, time.time()))
    next_due += 0.01
    time.sleep(max(0, next_due - time.monotonic()))
