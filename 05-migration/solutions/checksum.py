"""Print how many products a database has, and a checksum of them: the same line for the same products.

Usage: checksum.py DATABASE.db
"""

import hashlib
import sqlite3
import sys

database = sqlite3.connect(sys.argv[1])
count = total = 0
for row in database.execute("SELECT id, name, note, price FROM products"):
    count += 1
    # repr() tells NULL from a text, and one column from the next. A sum ignores order, and counts each row.
    total += int(hashlib.md5(repr(row).encode()).hexdigest()[:8], 16)
print(count, total)
