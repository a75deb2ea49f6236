"""How the jobs and the workers reach the shop."""

import os
from urllib.parse import urlsplit

import pymysql


def connect() -> pymysql.Connection:
    """A connection that commits each statement by itself."""
    url = urlsplit(os.environ["SHOP_URL"])
    return pymysql.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.path.strip("/"),
        autocommit=True,
    )


def take_order(cursor: pymysql.cursors.Cursor, order: dict) -> None:
    """Write an order of a queue down, at the price of the product, and take it from the stock."""
    cursor.execute("SELECT price FROM products WHERE id = %s", [order["product"]])
    (price,) = cursor.fetchone()
    cursor.execute(
        "INSERT INTO orders (message_id, product, quantity, amount, status) VALUES (%s, %s, %s, %s, 'paid')",
        [order["id"], order["product"], order["quantity"], price * order["quantity"]],
    )
    cursor.execute("UPDATE products SET stock = stock - %s WHERE id = %s", [order["quantity"], order["product"]])
