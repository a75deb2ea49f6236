"""Write orders to the shop, each once, however often its message comes. Find messages that are not orders."""

import json
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pymysql
import requests

CHECK_URL = os.environ.get("CHECK_URL")  # a service that is asked whether it can deliver, before an order is taken
CONSUMER = os.uname().nodename  # of a container, its id
supplier = requests.Session()
Dead = tuple["Message", str]  # a message that is not an order, and the reason


class Poison(Exception):
    """This message can never become an order."""


@dataclass(frozen=True)
class Message:
    """A message of a broker. `receipt` acknowledges it."""

    id: str
    body: str | bytes
    sent: float  # seconds since 1970
    receipt: Any
    headers: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """An order, and when its message was sent."""

    id: str
    product: int
    quantity: int
    sent: datetime


def read(message: Message) -> Order:
    """The order of a message. Raises Poison, or OSError when the supplier does not answer."""
    try:
        told, sent = json.loads(message.body), datetime.fromtimestamp(message.sent, UTC)
        order = Order(str(told["id"]), int(told["product"]), int(told["quantity"]), sent)
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError) as error:
        raise Poison(f"unreadable: {type(error).__name__}: {error}") from error
    plain = re.fullmatch(r"[0-9a-z-]{1,36}", order.id)  # to the shop, A is a, and a blank at the end is none
    if not (plain and 0 < order.quantity < 1000):
        raise Poison(f"unlikely: id {order.id!r}, quantity {order.quantity}")
    if CHECK_URL:
        answer = supplier.get(CHECK_URL, params={"product": order.product}, timeout=5)
        if answer.status_code == 404:
            raise Poison(f"the supplier has no product {order.product}")
        answer.raise_for_status()
    return order


def prices(database: pymysql.Connection, products: set[int]) -> dict[int, Any]:
    """The prices of these products; those that the shop lacks are left out."""
    with database.cursor() as cursor:
        cursor.execute("SELECT id, price FROM products WHERE id IN %s", [products or {0}])
        return dict(cursor.fetchall())


def take(database: pymysql.Connection, messages: list[Message]) -> tuple[int, list[Dead]]:
    """Write a batch in one transaction. Return how many orders are new, and the messages that are not orders.

    Raises pymysql.Error: IntegrityError when another consumer wrote one of them meanwhile. Then nothing is written.
    """
    orders: list[tuple[Message, Order]] = []
    dead: list[Dead] = []
    for message in messages:
        try:
            orders.append((message, read(message)))
        except Poison as why:
            dead.append((message, str(why)[:200]))  # it becomes a header
    database.query("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")  # REPEATABLE READ fails on a row changed since
    known = prices(database, {order.product for _, order in orders})
    dead += [(message, f"no product {order.product}") for message, order in orders if order.product not in known]
    return write(database, {order.id: order for _, order in orders if order.product in known}, known), dead


def write(database: pymysql.Connection, orders: dict[str, Order], known: dict[int, Any]) -> int:
    """Write inbox, orders and stock, and commit. Return how many orders were new."""
    with database.cursor() as cursor:
        cursor.execute("SELECT message_id FROM inbox WHERE message_id IN %s", [list(orders) or [""]])
        new = [orders[id] for id in sorted(orders.keys() - {id for (id,) in cursor.fetchall()})]
        inbox = [(one.id, CONSUMER, one.sent) for one in new]
        cursor.executemany("INSERT INTO inbox (message_id, consumer, sent_at) VALUES (%s, %s, %s)", inbox)
        rows = [(one.id, one.product, one.quantity, known[one.product] * one.quantity) for one in new]
        insert = "INSERT INTO orders (message_id, product, quantity, amount, status) VALUES (%s, %s, %s, %s, 'paid')"
        cursor.executemany(insert, rows)
        sold = sorted((one.product, one.quantity) for one in new)  # rows locked in one order: no deadlock
        cursor.executemany("UPDATE products SET stock = stock - %s WHERE id = %s", [(n, id) for id, n in sold])
    database.commit()
    return len(new)
