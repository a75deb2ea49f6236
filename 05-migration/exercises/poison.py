"""A worker. Its queue is a folder with a file for each message; one that it cannot read stops it, again and again.

Usage: poison.py QUEUE DEAD SHOP.db
"""

import json
import sqlite3
import sys
from pathlib import Path

queue, dead = Path(sys.argv[1]), Path(sys.argv[2])
shop = sqlite3.connect(sys.argv[3], timeout=0.5)
shop.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, product INT, quantity INT)")

for file in sorted(queue.glob("*.json")):
    # TODO: move what is not an order to DEAD, with the reason in 7.json.reason; a locked shop is not such a reason
    order = json.loads(file.read_text())
    with shop:
        row = (order["id"], order["product"], order["quantity"])
        shop.execute("INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
    file.unlink()
