"""A worker. Its queue is a folder with a file for each message; one that it cannot read goes to another folder.

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
    try:
        order = json.loads(file.read_text())
        row = (order["id"], order["product"], order["quantity"])
    except (ValueError, KeyError, TypeError) as error:
        (dead / f"{file.name}.reason").write_text(repr(error))
        file.rename(dead / file.name)
        continue
    with shop:
        shop.execute("INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT DO NOTHING", row)
    file.unlink()
