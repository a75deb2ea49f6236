"""The shop of chaos: its rows, and writers that change them in worse ways than the lesson's generator.

`python -m bench.inside.chaos.workload seed 60000`, or `write 1`, until SIGTERM.
"""

import random
import signal
import sys
import threading
from collections import Counter
from contextlib import suppress

import psycopg2
from psycopg2.extensions import cursor as Cursor

from bench.inside.chaos.connections import LOST, say, shop


def seed(lines: int) -> None:
    """Fill the shop with orders of four lines each, so many lines in all."""
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
        [[count]] = cursor.fetchall()
        say(lines=count)


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


def change(cursor: Cursor, chance: random.Random, orders: int) -> tuple[str, int]:
    """Make one change at random; return its first word, and how many rows it changed."""
    [statement] = chance.choices(list(CHANGES), list(CHANGES.values()))
    values = {
        "text": chance.choice(TEXTS) + str(chance.randint(0, 99)),
        "id": chance.randint(1, orders),
        "line": chance.randint(1, orders * 3),
    }
    named = statement
    for name in values:
        named = named.replace(f"{{{name}}}", f"%({name})s")
    cursor.execute(named, values)
    return statement.split()[0].lower().replace("with", "insert"), max(cursor.rowcount, 0)


def write(number: int) -> None:
    """Make short and long transactions, and roll some back, until SIGTERM; wait for a database that is away."""
    chance, done, ending = random.Random(number), Counter[str](), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    connection = None
    while not ending.is_set():
        try:
            connection = shop()
            cursor = connection.cursor()
            cursor.execute("SELECT max(id) FROM orders")
            [[orders]] = cursor.fetchall()
            while not ending.is_set():
                for _ in range(chance.randint(1, 30)):
                    kind, rows = change(cursor, chance, orders)
                    done[kind] += rows
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
        if connection:
            connection.close()
    say(**done)


if __name__ == "__main__":
    role, number = sys.argv[1:]
    {"seed": seed, "write": write}[role](int(number))
