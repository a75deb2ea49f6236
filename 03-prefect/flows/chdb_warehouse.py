"""chDB in the place of a ClickHouse server: the same SQL, in this process, its tables in a folder."""

import atexit
import fcntl
import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from chdb.session import Session


class ChDB:
    """One process at a time may open the folder: the next one waits until this one has ended."""

    def __init__(self, folder: str) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        fcntl.flock(os.open(f"{folder}/one-process.lock", os.O_CREAT | os.O_RDWR), fcntl.LOCK_EX)
        self.session = Session(folder)
        atexit.register(self.session.close)
        self.session.query("CREATE DATABASE IF NOT EXISTS shop")
        self.session.query("USE shop")

    def query(self, sql: str) -> list[tuple]:
        answer = self.session.query(sql, "JSONCompactEachRow")
        return [tuple(json.loads(line)) for line in str(answer).splitlines()]

    def insert(self, table: str, columns: str, rows: Iterable[bytes]) -> None:
        """Let chDB read the rows from a pipe, which it takes for a file."""
        read_end, write_end = os.pipe()
        errors: list[BaseException] = []

        def push() -> None:
            try:
                with os.fdopen(write_end, "wb") as pipe:
                    pipe.writelines(rows)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=push, daemon=True)
        thread.start()
        try:
            source = f"file('/dev/fd/{read_end}', 'TabSeparated')"
            self.session.query(f"INSERT INTO {table} ({columns}) SELECT * FROM {source}")
        finally:
            os.close(read_end)
            thread.join()
        if errors:
            raise errors[0]
