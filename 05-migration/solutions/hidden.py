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
    first = "SELECT id FROM messages WHERE visible_at <= ? ORDER BY id LIMIT 1"
    hide = f"UPDATE messages SET visible_at = ? WHERE id = ({first}) RETURNING id, body"
    for found in queue.execute(hide, [now + TIMEOUT, now]).fetchall():
        print(*found)
else:
    queue.execute("DELETE FROM messages WHERE id = ?", sys.argv[3:])
queue.commit()
