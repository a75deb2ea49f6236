"""Keep the shop at SHOP_URL busy: make its tables and a month of history if it is empty, then change after change."""

import argparse
import os
import random
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection

from changes import make_one

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


def work(rate: float, end: float) -> None:
    """Make `rate` changes a second until `end`, a time of the monotonic clock in seconds. Raises one of LOST."""
    with closing(connect()) as quick, closing(connect()) as slow:
        quick.autocommit = True
        print(f"the shop is open: {rate:g} changes a second", flush=True)
        while time.monotonic() < end:
            make_one(quick, slow)
            time.sleep(random.expovariate(rate))
        slow.commit()


def wait(end: float) -> None:
    """Wait for the database, until `end` at most, a time of the monotonic clock in seconds."""
    while time.monotonic() < end:
        time.sleep(1)
        with suppress(*LOST):
            return connect().close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed-only", action="store_true", help="end after the history")
    parser.add_argument("--for", type=float, default="inf", metavar="SECONDS", dest="seconds", help="end after so long")
    parser.add_argument("--rate", type=float, default=os.environ.get("RATE", "5"), help="changes a second; or set RATE")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    fill()
    while not options.seed_only and time.monotonic() < end:
        try:
            work(options.rate, end)
        except LOST as error:
            print(f"the shop's database is away, waiting for it: {str(error).splitlines()[0]}", flush=True)
            wait(end)


if __name__ == "__main__":
    main()
