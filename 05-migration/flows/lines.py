"""Rows of the shop as the bytes that COPY reads. MariaDB writes the lines; Python moves them, a few at a time."""

import importlib
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

# Compiled, by the image. PyMySQL, which is Python alone, knows the same words: SHOP_DRIVER=pymysql.
driver = importlib.import_module(os.environ.get("SHOP_DRIVER", "MySQLdb"))
cursors, converters = (importlib.import_module(f"{driver.__name__}.{part}") for part in ("cursors", "converters"))
# Values in SQL are converted as usual; results stay bytes.
AS_BYTES = {kind: how for kind, how in converters.conversions.items() if not isinstance(kind, int)}
AT_ONCE = 2_000  # rows in memory


@contextmanager
def snapshot() -> Iterator[Any]:
    """A cursor on the shop as it is now, whatever is written meanwhile; rows stay there until they are asked for."""
    url = urlsplit(os.environ["SHOP_URL"])
    login = {"host": url.hostname, "port": url.port or 3306, "user": url.username, "password": url.password or ""}
    login |= {"database": url.path.strip("/"), "charset": "utf8mb4"}
    with closing(driver.connect(**login, conv=AS_BYTES, use_unicode=False)) as connection:
        cursor = connection.cursor(cursors.SSCursor)
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield cursor


def ask(cursor: Any, query: str) -> Any:
    """The only row of a query's result."""
    cursor.execute(query)
    [row] = cursor.fetchall()
    return row


class Lines:
    """The rows of a query of one column, as a file that COPY can read."""

    def __init__(self, cursor: Any, query: str) -> None:
        cursor.execute(query)
        self.cursor = cursor

    def read(self, _size: int = -1) -> bytes:
        """Some whole lines, nothing at the end."""
        rows = self.cursor.fetchmany(AT_ONCE)
        return b"\n".join([*(line for (line,) in rows), b""]) if rows else b""
