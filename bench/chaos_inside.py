# mypy: ignore-errors
"""What chaos.py runs in containers of the lesson's image, beside the databases: seed, write, read, compare.

Nothing of the lesson is imported: what compares the two sides must not share its mistakes. Answers are lines of JSON.
"""

import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC
from urllib.parse import urlsplit

import psycopg2
from clickhouse_driver import Client

COLUMNS = {
    "customers": ["id", "name", "region"],
    "products": ["id", "name", "category", "price"],
    "orders": ["id", "customer_id", "status", "ordered_at"],
    "order_lines": ["id", "order_id", "product_id", "quantity", "unit_price"],
}
PREFIX = os.environ.get("TARGET_PREFIX", "")  # of the tables that are compared and looked at
LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)


def say(**facts):
    """A line for chaos.py."""
    print(json.dumps(facts), flush=True)


def shop():
    """A connection as the shop's owner."""
    return psycopg2.connect(os.environ["SHOP_URL"], connect_timeout=5, options="-c TimeZone=UTC")


def warehouse():
    """A client of ClickHouse, which connects at its first question."""
    url = urlsplit(os.environ["WAREHOUSE_URL"])
    return Client(url.hostname, user=url.username, password=url.password, database=url.path[1:], connect_timeout=5)


def seed(lines):
    """Orders of four lines each, so many lines in all."""
    with shop() as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # neither triggers nor foreign keys: five times faster
        cursor.execute(
            """INSERT INTO orders (customer_id, status, ordered_at, updated_at)
            SELECT 1 + i %% 300, 'shipped', now() - i * interval '1 s', clock_timestamp()
            FROM generate_series(1, %s / 4) AS i""",
            [lines],
        )
        cursor.execute(
            """INSERT INTO order_lines (order_id, product_id, quantity, unit_price, updated_at)
            SELECT id, 1 + id %% 60, 1 + n, 9.99 + n, clock_timestamp()
            FROM (SELECT id FROM orders ORDER BY id DESC LIMIT %s / 4) AS o, generate_series(1, 4) AS n""",
            [lines],
        )
    with shop() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM order_lines")
        say(lines=cursor.fetchone()[0])


CUSTOMER = "(SELECT 1 + floor(random() * 300))"
CHANGES = {  # statement → how often; {id} is that of a random order, {line} of a random line, {text} a nasty one
    f"""WITH o AS (INSERT INTO orders (customer_id, status, ordered_at)
        VALUES ({CUSTOMER}, 'placed', now() - random() * interval '300 days') RETURNING id)
        INSERT INTO order_lines (order_id, product_id, quantity, unit_price)
        SELECT o.id, 1 + floor(random() * 60), n, 10 * random() FROM o, generate_series(1, 3) AS n""": 30,
    "UPDATE order_lines SET quantity = quantity %% 1000 + 1 WHERE id = {line}": 30,
    "UPDATE orders SET status = 'cancelled' WHERE id = {id}": 8,
    "UPDATE orders SET status = 'paid' WHERE id = {id}": 10,
    "DELETE FROM order_lines WHERE id = {line}": 8,
    "DELETE FROM orders WHERE id = {id}": 4,  # its lines go with it
    "INSERT INTO customers (name, region) VALUES ({text}, {text})": 3,
    f"UPDATE customers SET name = {{text}} WHERE id = {CUSTOMER}": 3,
    "UPDATE products SET price = price + 0.01, name = {text} WHERE id = 1 + floor(random() * 60)": 2,
}
TEXTS = ["a\tb", "a\nb", "back\\slash", "\\N", "", "it's", 'a "quote"', "a|b", "🍳 ção", "  ", "x" * 5000]


def write(number):
    """Short and long transactions, some of them taken back, until SIGTERM; waits for a database that is away."""
    chance, done, ending = random.Random(number), Counter(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    while not ending.is_set():
        try:
            connection = shop()
            cursor = connection.cursor()
            cursor.execute("SELECT max(id) FROM orders")
            orders = cursor.fetchone()[0]
            while not ending.is_set():
                changes = chance.choices(list(CHANGES), list(CHANGES.values()), k=chance.randint(1, 30))
                for change in changes:
                    text = chance.choice(TEXTS) + str(chance.randint(0, 99))
                    ids = {"id": chance.randint(1, orders), "line": chance.randint(1, orders * 3)}
                    names = change.replace("{text}", "%(text)s").replace("{id}", "%(id)s").replace("{line}", "%(line)s")
                    cursor.execute(names, ids | {"text": text})
                    done[change.split()[0].lower().replace("with", "insert")] += max(cursor.rowcount, 0)
                if chance.random() < 0.15:  # a slow commit: its rows were stamped long before others see them
                    ending.wait(chance.random() * chance.choice([1, 5]))
                if chance.random() < 0.05:
                    connection.rollback()
                    done["rolled back"] += 1
                else:
                    connection.commit()
                    done["committed"] += 1
                ending.wait(chance.random() * 0.2)
        except (*LOST, psycopg2.errors.DeadlockDetected, psycopg2.errors.ForeignKeyViolation) as error:
            done["taken back: " + type(error).__name__] += 1
            ending.wait(0.5)
    with suppress(*LOST):
        connection.close()
    say(**done)


def read():
    """Look at every view, again and again, until SIGTERM: how often was a row there twice?"""
    seen, ending = Counter(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    views = {PREFIX + table: "id" for table in COLUMNS} | ({} if PREFIX else {"sales": "line_id"})
    client = None
    while not ending.is_set():
        for view, key in views.items():
            began = time.monotonic()
            try:
                client = client or warehouse()
                rows, different = client.execute(f"SELECT count(), uniqExact({key}) FROM {view}")[0]
                seen["looks"] += 1
                seen[f"looks at {view}"] += 1
                seen["duplicates"] += rows != different
            except Exception as error:  # it is killed now and then; before the first load there is no view
                seen["no answer"] += 1
                seen[f"no answer: {type(error).__name__}"] += 1
                client = None
                ending.wait(0.5)
            ending.wait(max(0.05, 3 * (time.monotonic() - began)))  # a quarter of a core at most
    say(**seen)


def compare():
    """Walk both sides in the order of their ids, value by value."""
    result, examples = Counter(), []
    for table, columns in COLUMNS.items():
        names = ", ".join(columns)
        with shop() as connection, connection.cursor(f"all_{table}") as cursor:
            cursor.itersize = 50_000
            cursor.execute(f"SELECT {names} FROM {table} ORDER BY id")
            rows = warehouse().execute_iter(
                f"SELECT {names} FROM {PREFIX}{table} ORDER BY id", {"max_block_size": 50_000}
            )
            left, right, last = next(cursor, None), next(rows, None), None
            while left or right:
                if right and right[0] == last:
                    result["doubled"] += 1
                    right = next(rows, None)
                elif right is None or (left and left[0] < right[0]):
                    result["lost"] += 1
                    examples += [f"{table}: {left} is lost"] if len(examples) < 9 else []
                    left = next(cursor, None)
                elif left is None or right[0] < left[0]:
                    result["extra"] += 1
                    last, right = right[0], next(rows, None)
                else:
                    result["rows"] += 1
                    if plain(left) != plain(right):
                        result["different"] += 1
                        examples += [f"{table}: {left} is {right}"] if len(examples) < 9 else []
                    last, left, right = right[0], next(cursor, None), next(rows, None)
    say(**{name: result[name] for name in ("rows", "lost", "doubled", "different", "extra")}, examples=examples)


def plain(row):
    """A row without what the warehouse does not keep: parts of seconds."""
    return [v.astimezone(UTC).replace(microsecond=0) if hasattr(v, "astimezone") else v for v in row]


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    {"seed": seed, "write": write, "read": read, "compare": compare}[role](*map(int, rest))
