"""The shop's PostgreSQL at SHOP_URL: connect, fill, wait for it to come back."""

import os
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection

LOST = (psycopg2.OperationalError, psycopg2.InterfaceError)  # what a statement raises when the database goes away


def connect() -> connection:
    return psycopg2.connect(os.environ["SHOP_URL"], connect_timeout=5, application_name="generator")


def fill() -> None:
    """Make the tables and a month of history, unless they are there. Exits with one line when it cannot."""
    try:
        with closing(connect()) as shop, shop, shop.cursor() as cursor:
            # schema.sql would wait for an order that another generator has open, and its next change for schema.sql.
            cursor.execute("SELECT to_regclass('order_lines') IS NOT NULL")
            if cursor.fetchone()[0]:
                return
            for file in ("schema.sql", "seed.sql"):
                cursor.execute(Path(__file__).with_name(file).read_text())
    except KeyError:
        sys.exit("SHOP_URL is not set: export SHOP_URL=postgresql://shop:beyond-cron@localhost:5432/shop")
    except psycopg2.Error as error:
        sys.exit(f"no shop can be used at SHOP_URL: {str(error).splitlines()[0]}")


def wait(end: float) -> None:
    """Wait for the database, until `end` at most, a time of the monotonic clock in seconds."""
    while time.monotonic() < end:
        time.sleep(1)
        with suppress(*LOST):
            return connect().close()
