"""The warehouse at WAREHOUSE_URL: a ClickHouse server, or chDB (ClickHouse inside this process)."""

import os
from collections.abc import Iterable
from functools import cache
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

import requests

os.environ.setdefault("CLICKHOUSE_DRIVER_LASY_DATE_LUT", "1")  # sic: else it writes down 400 years of days, in 25 MB
from clickhouse_driver import Client


class Warehouse(Protocol):
    def query(self, sql: str) -> list[tuple]: ...

    def insert(self, table: str, columns: str, rows: Iterable[bytes]) -> None: ...


class ClickHouse:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.login = {"user": parts.username or "default", "password": parts.password or ""}
        self.native = {"host": parts.hostname, "port": parts.port or 9000, "database": parts.path[1:] or "default"}
        self.http = f"http://{parts.hostname}:{parse_qs(parts.query).get('http_port', ['8123'])[0]}/"
        # The server makes it at its first start; killed in the middle of that, it never would.
        with Client(**(self.native | {"database": ""}), **self.login, connect_timeout=10) as client:
            client.execute(f"CREATE DATABASE IF NOT EXISTS {self.native['database']}")

    def query(self, sql: str) -> list[tuple]:
        with Client(**self.native, **self.login, connect_timeout=10, send_receive_timeout=300) as client:
            return client.execute(sql)

    def insert(self, table: str, columns: str, rows: Iterable[bytes]) -> None:
        """Stream rows of tab-separated text. An insert is not atomic: one that fails may leave some of its rows."""
        into = {"database": self.native["database"], "query": f"INSERT INTO {table} ({columns}) FORMAT TabSeparated"}
        answer = requests.post(self.http, params=into, data=rows, auth=tuple(self.login.values()), timeout=300)
        if answer.status_code != 200:  # the server's own words, which say more than a status code
            kind = requests.ConnectionError if answer.status_code == 503 else requests.HTTPError  # 503: it may pass
            raise kind(answer.text.strip()[:500], response=answer)


@cache
def open_warehouse() -> Warehouse:
    url = os.environ["WAREHOUSE_URL"]
    if url.startswith("chdb:"):
        from chdb_warehouse import ChDB  # a large library, which only host mode has

        return ChDB(urlsplit(url).path)
    return ClickHouse(url)
