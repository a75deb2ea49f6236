"""Addresses of the databases: those that are given, else of the embedded PostgreSQL and of chDB."""

import os
import subprocess
import sys
from contextlib import closing

import embedded
import psycopg2
from settings import LESSON, STATE


def for_prefect() -> None:
    if "PREFECT_SERVER_DATABASE_CONNECTION_URL" not in os.environ:
        embedded.start()
        url = embedded.url("prefect").replace("postgresql:", "postgresql+asyncpg:")
        os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = url


def as_etl(url: str) -> str:
    """The same database for the role etl, which only reads."""
    return "postgresql://etl:beyond-cron@" + url.partition("@")[2]


def generate(*options: str) -> None:
    """Run the generator until it ends; what it says when it cannot is enough."""
    generator = [sys.executable, LESSON / "shop/generator.py", *options]
    if code := subprocess.run(generator, stdout=subprocess.DEVNULL, check=False).returncode:
        sys.exit(code)


def filled(shop: str) -> bool:
    """Whether the shop has its tables; all of them and their rows come in one transaction. Raises psycopg2.Error."""
    with closing(psycopg2.connect(shop, connect_timeout=5)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('order_lines') IS NOT NULL")
        return bool(cursor.fetchone()[0])


def for_flows() -> None:
    """The shop, filled if it is ours, and the warehouse."""
    if "SOURCE_URL" not in os.environ:
        embedded.start()
        os.environ["SHOP_URL"] = embedded.url("shop")
        # schema.sql waits for changes that are open, and later changes wait for it. A generator at work has both, one
        # after the other, so neither of the two would ever go on: tables that are there are left alone.
        if not filled(os.environ["SHOP_URL"]):
            generate("--seed-only")
        os.environ["SOURCE_URL"] = as_etl(os.environ["SHOP_URL"])
    os.environ.setdefault("WAREHOUSE_URL", f"chdb://{STATE}/warehouse")
