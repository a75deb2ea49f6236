"""A queue in SQLite that works like SQS. The table `messages` has id, body, and the second when it shows.

Usage: hidden.py QUEUE.db receive NOW      prints the id and the body of a message, or nothing
       hidden.py QUEUE.db delete ID        the message is done
"""

import sqlite3
import sys

TIMEOUT = 30  # seconds for which nobody else gets a message that one has received

queue = sqlite3.connect(sys.argv[1], timeout=60)
if sys.argv[2] == "receive":
    now = int(sys.argv[3])
    found = queue.execute("SELECT id, body FROM messages WHERE visible_at <= ? ORDER BY id", [now]).fetchone()
    if found:
        print(*found)
        # TODO: a consumer may be killed after this: hide the message instead; two at once must not get the same one
        queue.execute("DELETE FROM messages WHERE id = ?", found[:1])
else:
    queue.execute("DELETE FROM messages WHERE id = ?", sys.argv[3:])
queue.commit()
