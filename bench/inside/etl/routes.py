"""The routes of `make bench-etl`, each a program of its own: `python routes.py NAME` brings order_lines over once.

Each reads the same five columns of every row. Those that cannot write into the lesson's table make one of their own.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

SOURCE = os.environ["SOURCE_URL"]
TARGET = urlsplit(os.environ["WAREHOUSE_URL"])
NAMES = "id, order_id, product_id, quantity, unit_price"
INTO = f"INSERT INTO order_lines_versions ({NAMES}, deleted, ver)"
SELECT = f"SELECT {NAMES}, 0, 1 FROM order_lines WHERE true"  # what load() asks for, but for the version
OWN = "order_lines_of_a_tool"  # the table that some tools make for themselves
LOGIN = {"host": TARGET.hostname, "user": TARGET.username, "password": TARGET.password, "database": TARGET.path[1:]}


def load() -> None:
    """The lesson's load, as it is."""
    from load import load
    from source import snapshot
    from warehouse import open_warehouse

    with snapshot() as shop:
        load(shop, open_warehouse(), "order_lines", "true")


def checked() -> None:
    """The lesson's load with its check, as the tasks copy_table and check_table do it."""
    from concurrent.futures import ThreadPoolExecutor

    from fingerprint import differences, of_shop, of_warehouse
    from load import load
    from source import snapshot
    from warehouse import open_warehouse

    with snapshot() as shop, snapshot(of=shop) as same, ThreadPoolExecutor(1) as beside:
        sent = beside.submit(of_shop, same, "order_lines")
        version = load(shop, warehouse := open_warehouse(), "order_lines", "true")
    if wrong := differences(sent.result(), of_warehouse(warehouse, "order_lines_versions", f"ver = {version}")):
        raise ValueError(f"buckets that differ: {wrong[:9]}")


def naive() -> None:
    """Every row as Python objects, all at once."""
    import psycopg2
    from clickhouse_driver import Client

    with closing(psycopg2.connect(SOURCE)) as shop, shop.cursor() as cursor:
        cursor.execute(SELECT)
        Client(**LOGIN).execute(f"{INTO} VALUES", cursor.fetchall())


def insert_arrow(batches: Iterator[Any]) -> None:
    """Arrow batches as numpy columns, cents as integers into a table on the way: the driver has no numpy Decimal."""
    from clickhouse_driver import Client

    with Client(**LOGIN, settings={"use_numpy": True}) as client:
        typed = ", ".join(f"{name} Int64" for name in NAMES.split(", "))
        client.execute(f"CREATE TABLE {OWN} ({typed}) ENGINE = MergeTree ORDER BY tuple()")
        for batch in batches:
            columns = [column.to_numpy(zero_copy_only=False).astype("int64") for column in batch.columns]
            client.execute(f"INSERT INTO {OWN} VALUES", columns, columnar=True)
        price = "CAST(toDecimal64(unit_price, 2) / 100 AS Decimal(12, 2))"
        client.execute(f"{INTO} SELECT {NAMES.replace('unit_price', price)}, 0, 1 FROM {OWN}")
        client.execute(f"DROP TABLE {OWN}")


IN_CENTS = SELECT.replace("unit_price, 0, 1", "(unit_price * 100)::bigint AS unit_price")


def adbc() -> None:
    """ADBC reads Arrow batches out of PostgreSQL."""
    from adbc_driver_postgresql import dbapi

    with dbapi.connect(SOURCE) as shop, shop.cursor() as cursor:
        cursor.execute(IN_CENTS)
        insert_arrow(cursor.fetch_record_batch())


def connectorx() -> None:
    """ConnectorX does the same."""
    import connectorx

    batches = connectorx.read_sql(SOURCE, IN_CENTS, return_type="arrow_stream", batch_size=200_000)
    insert_arrow(batches)


def dlt() -> None:
    """dlt, with the fastest of its ways to read a table."""
    import dlt
    from dlt.sources.sql_database import sql_table

    http = {"http_port": 8123, "port": 9000, "secure": 0, "username": LOGIN["user"]}
    destination = dlt.destinations.clickhouse(
        credentials={**{name: LOGIN[name] for name in ("host", "password", "database")}, **http}
    )
    table = sql_table(
        SOURCE.replace("postgresql:", "postgresql+psycopg2:"),
        "order_lines",
        backend="pyarrow",
        chunk_size=100_000,
        included_columns=NAMES.split(", "),
        reflection_level="full_with_precision",
    )
    pipeline = dlt.pipeline("bench", destination=destination, dataset_name="", pipelines_dir="/tmp/dlt")
    pipeline.run(table, table_name=OWN, write_disposition="replace")


LIBRARY = {"load": load, "checked": checked, "naive": naive, "connectorx": connectorx, "adbc": adbc, "dlt": dlt}


def programs() -> dict[str, list[str]]:
    """The routes that are no Python of ours: name → command."""
    client = "clickhouse-client " + " ".join(f"--{option} {value}" for option, value in LOGIN.items())
    copy = f'psql --no-psqlrc "$SOURCE_URL" --command "COPY ({SELECT}) TO STDOUT"'
    target = TARGET._replace(path="", query="http_port=8123&secure=0").geturl()
    # It is given a query, because a table would bring the column updated_at too.
    ingest = ["ingest", "--source-uri", SOURCE, "--source-table", f"query:SELECT {NAMES} FROM order_lines", "--yes"]
    ingest += ["--dest-uri", target, "--dest-table", f"{LOGIN['database']}.{OWN}", "--progress", "log"]
    shell = ["bash", "-o", "pipefail", "-c"]
    return {
        "pipe": [*shell, f'{copy} | {client} --query "{INTO} FORMAT TabSeparated"'],
        "flow": ["python", "/lesson/flows/sales_etl.py"],
        "own": [*shell, f"CLIENT='{client}' SELECT='{SELECT}' INTO='{INTO}'; {os.environ.get('OWN')}"],
        "ingestr": ["/opt/tools/bin/ingestr", *ingest],
        "ingestr-0.15": ["/opt/ingestr-0.15/bin/ingestr", *ingest],
    }


def command(route: str) -> list[str]:
    """The command that runs a route; the lesson's own and the naive one need no more than the lesson's image has."""
    python = "python" if route in ("load", "checked", "naive") else "/opt/tools/bin/python"
    return programs().get(route) or [python, "-P", __file__, route]  # -P: no module of this folder hides a library


def first_cause(error: BaseException) -> BaseException:
    """What went wrong first."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


if __name__ == "__main__":
    try:
        LIBRARY[sys.argv[1]]()
    except Exception as error:
        cause = first_cause(error)
        raise SystemExit(f"{type(cause).__name__}: {' '.join(str(cause).split())}") from None
