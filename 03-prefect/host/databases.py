"""Addresses of the databases: those that are given, else of the embedded PostgreSQL and of chDB."""

import os
import subprocess
import sys

from embedded import Postgres
from settings import LESSON


def for_prefect(postgres: Postgres) -> None:
    if "PREFECT_SERVER_DATABASE_CONNECTION_URL" not in os.environ:
        postgres.start()
        url = postgres.url("prefect").replace("postgresql:", "postgresql+asyncpg:")
        os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = url


def as_etl(url: str) -> str:
    """The same database for the role etl, which only reads."""
    return "postgresql://etl:beyond-cron@" + url.partition("@")[2]


def generate(*options: str) -> None:
    """Run the generator until it ends; what it says when it cannot is enough."""
    generator = [sys.executable, LESSON / "shop/generator.py", *options]
    if code := subprocess.run(generator, stdout=subprocess.DEVNULL, check=False).returncode:
        sys.exit(code)


def for_flows(postgres: Postgres) -> None:
    """The shop, filled if it is ours, and the warehouse."""
    if "SOURCE_URL" not in os.environ:
        postgres.start()
        os.environ["SHOP_URL"] = postgres.url("shop")
        generate("--seed-only")
        os.environ["SOURCE_URL"] = as_etl(os.environ["SHOP_URL"])
    os.environ.setdefault("WAREHOUSE_URL", f"chdb://{postgres.state}/warehouse")
