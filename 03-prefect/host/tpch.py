"""Fill an empty shop with the orders of the TPC-H benchmark."""

import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2.extensions import cursor

SCHEMA = Path(__file__).parents[1] / "shop/schema.sql"
INTO_SHOP = """
INSERT INTO customers (id, name, region) SELECT c_custkey::bigint, c_name, r_name FROM customer
JOIN nation ON n_nationkey = c_nationkey JOIN region ON r_regionkey = n_regionkey;
INSERT INTO products (id, name, category, price)
SELECT p_partkey::bigint, p_name, p_mfgr, p_retailprice::numeric FROM part;
INSERT INTO orders (id, customer_id, status, ordered_at)
SELECT o_orderkey::bigint, o_custkey::bigint,
    CASE o_orderstatus WHEN 'O' THEN 'placed' WHEN 'P' THEN 'paid' ELSE 'shipped' END, o_orderdate::timestamptz
FROM tpch_orders;
INSERT INTO order_lines (id, order_id, product_id, quantity, unit_price)
SELECT l_orderkey::bigint * 8 + l_linenumber::int, l_orderkey::bigint, l_partkey::bigint, l_quantity::numeric::int,
    round(l_extendedprice::numeric / l_quantity::numeric, 2)
FROM lineitem"""  # an order has at most seven lines


def generate(shop: cursor, table: str, scale: str) -> None:
    """Copy a table of the benchmark into a temporary table of texts, as fast as it is generated."""
    command = ["tpchgen-cli", "csv", "--scale-factor", scale, "--tables", table, "--stdout"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as generator:
        names = generator.stdout.readline().decode().strip().split(",")
        into = "tpch_orders" if table == "orders" else table
        shop.execute(f"CREATE TEMP TABLE {into} ({', '.join(f'{name} text' for name in names)}) ON COMMIT DROP")
        shop.copy_expert(f"COPY {into} FROM STDIN CSV", generator.stdout)
    if generator.returncode:
        raise ChildProcessError(f"tpchgen-cli ended with exit code {generator.returncode}")


def fill(url: str, scale: str) -> None:
    """All in one transaction, unless it has been done. Raises ChildProcessError if the generator fails."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as shop:
        shop.execute(SCHEMA.read_text())
        shop.execute("SELECT 1 FROM orders LIMIT 1")
        if not shop.fetchone():
            for table in ("region", "nation", "customer", "part", "orders", "lineitem"):
                generate(shop, table, scale)
            shop.execute(INTO_SHOP)
