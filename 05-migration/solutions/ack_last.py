"""A worker. Its queue is a folder with a file for each message: to delete the file is to acknowledge the message.

Usage: ack_last.py QUEUE SHOP.db
"""

import json
import sqlite3
import sys
from pathlib import Path

queue = Path(sys.argv[1])
shop = sqlite3.connect(sys.argv[2], timeout=60)
shop.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, product INT, quantity INT)")

for file in sorted(queue.glob("*.json")):
    order = json.loads(file.read_text())
    print("at work on", order["id"], flush=True)
    shop.execute("INSERT INTO orders VALUES (:id, :product, :quantity) ON CONFLICT DO NOTHING", order)
    shop.commit()
    file.unlink()
