"""What all defects need: a number from the shop, a process by its program, and patience that ends."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import shop


def number(query: str, *values: Any) -> int:
    """The one number that a query gives."""
    with shop.connect() as database, database.cursor() as cursor:
        cursor.execute(query, values)
        return int(cursor.fetchone()[0])


def change(query: str) -> None:
    """Do what a statement says, in the shop."""
    with shop.connect() as database, database.cursor() as cursor:
        cursor.execute(query)


def pids(program: str) -> list[int]:
    """The processes whose command line ends with a program."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().split(b"\0")
        except OSError:  # it has ended since
            continue
        if words[1:2] == [program.encode()]:
            found.append(int(file.parent.name))
    return found


def until(done: Callable[[], bool], seconds: float = 180) -> None:
    """Ask again until it is so. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(done)
        time.sleep(0.02)
