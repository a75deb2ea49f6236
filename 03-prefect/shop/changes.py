"""What happens in the shop. Orders that change are recent ones, as in real life."""

import random

from psycopg2.extensions import connection

ORDER = """WITH o AS (INSERT INTO orders (customer_id, status, ordered_at)
    SELECT id, 'placed', now() - interval '{ago}' FROM customers ORDER BY random() LIMIT 1 RETURNING id)
    INSERT INTO order_lines (order_id, product_id, quantity, unit_price)
    SELECT o.id, p.id, ceil(random() * 3), p.price
    FROM o, (SELECT * FROM products ORDER BY random() LIMIT {lines}) AS p"""
STATUS = """UPDATE orders SET status = '{new}' WHERE id = (SELECT id FROM orders WHERE status = '{old}'
    AND id > (SELECT max(id) - 1000 FROM orders) ORDER BY random() LIMIT 1)"""
LINE = "id = (SELECT id FROM order_lines WHERE id > (SELECT max(id) - 1000 FROM order_lines) ORDER BY random() LIMIT 1)"

CHANGES = {  # statement → how often, in a hundred changes or so
    **{ORDER.format(ago="0", lines=lines): 10 for lines in (1, 2, 3, 4)},
    STATUS.format(old="placed", new="paid"): 25,
    STATUS.format(old="paid", new="shipped"): 20,
    STATUS.format(old="placed", new="cancelled"): 4,
    f"UPDATE order_lines SET quantity = ceil(random() * 3) WHERE {LINE}": 6,
    "UPDATE products SET price = round(price * 1.01, 2) WHERE id = (SELECT 1 + floor(random() * 60))": 1,
    "UPDATE customers SET region = 'South' WHERE id = (SELECT 1 + floor(random() * 300))": 1,
    ORDER.format(ago="5 hours", lines=2): 3,  # from a market stall that had no network
    f"DELETE FROM order_lines WHERE {LINE}": 0.5,  # a mistake, removed as if it had never been
}


def make_one(quick: connection, slow: connection) -> None:
    """Make a change. One in a hundred brings one order more, in a transaction open for some twenty changes."""
    quick.cursor().execute(*random.choices(list(CHANGES), list(CHANGES.values())))
    if random.random() < 0.01:
        slow.cursor().execute(ORDER.format(ago="0", lines=2))
    elif random.random() < 0.05:
        slow.commit()
