"""Print how many products a database has, and a checksum of them: the same line for the same products.

Usage: checksum.py DATABASE.db
"""

import sqlite3
import sys

database = sqlite3.connect(sys.argv[1])
count = total = 0
for row in database.execute("SELECT id, name, note, price FROM products"):
    count += 1
    total += row[3]  # TODO: any difference in a row must give another number
print(count, total)
