"""What all defects need: orders, a number from the shop, a process by its program, and patience that ends."""

import json
import time
import uuid
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


def orders(how_many: int) -> dict[str, str]:
    """New orders as messages, by their ids."""
    made = [{"id": str(uuid.uuid4()), "product": 1 + n % 400, "quantity": 1 + n % 3} for n in range(how_many)]
    return {order["id"]: json.dumps(order) for order in made}


def arrived(ids: list[str]) -> int:
    """How many of these orders are a row in the shop."""
    return number("SELECT COUNT(DISTINCT message_id) FROM orders WHERE message_id IN %s", ids)


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


def until(done: Callable[[], bool], what: str, seconds: float = 180) -> None:
    """Ask again until it is so. Raises TimeoutError, with what did not come true."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.02)
