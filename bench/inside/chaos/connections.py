"""What the programs of chaos share: the two databases, the columns that are compared, and answers as lines of JSON.

Nothing of the lesson is imported: what compares the two sides must not share its mistakes.
"""

import json
import os
from urllib.parse import urlsplit

import psycopg2
from clickhouse_driver import Client
from psycopg2.extensions import connection

COLUMNS = {
    "customers": ["id", "name", "region"],
    "products": ["id", "name", "category", "price"],
    "orders": ["id", "customer_id", "status", "ordered_at"],
    "order_lines": ["id", "order_id", "product_id", "quantity", "unit_price"],
}
PREFIX = os.environ.get("TARGET_PREFIX", "")  # of the tables in the warehouse that are compared and read
LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)  # what a statement raises when the shop goes away


def say(**facts: object) -> None:
    """Print a line for bench.chaos_stack."""
    print(json.dumps(facts), flush=True)


def shop() -> connection:
    """A connection as the shop's owner."""
    return psycopg2.connect(os.environ["SHOP_URL"], connect_timeout=5, options="-c TimeZone=UTC")


def warehouse() -> Client:
    """A client of ClickHouse, which connects at its first query."""
    url = urlsplit(os.environ["WAREHOUSE_URL"])
    return Client(url.hostname, user=url.username, password=url.password, database=url.path[1:], connect_timeout=5)
