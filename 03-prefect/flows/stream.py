"""Rows on their way from PostgreSQL to ClickHouse, in constant memory."""

import os
import threading
from collections.abc import Generator

from psycopg2.extensions import connection


def copy(shop: connection, select: str) -> Generator[bytes, None, None]:
    """The rows of a query as tab-separated text, in pieces of at most 128 KB.

    COPY pushes and an HTTP client pulls: the pipe between them makes the faster one wait.
    Raises what COPY raised, at the end; without it, half a copy would pass for a whole one.
    """
    read_end, write_end = os.pipe()
    errors: list[BaseException] = []

    def push() -> None:
        try:
            with os.fdopen(write_end, "wb", 1 << 20) as pipe, shop.cursor() as cursor:
                cursor.copy_expert(f"COPY ({select}) TO STDOUT", pipe)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=push, daemon=True)
    thread.start()
    try:
        with os.fdopen(read_end, "rb", 0) as pipe:
            while piece := pipe.read(1 << 17):
                yield piece
    finally:
        thread.join()
    if errors:
        raise errors[0]
