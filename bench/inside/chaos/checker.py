"""What proves a run of chaos: a reader that looks for rows that are there twice, and a comparison of both sides.

`python -m bench.inside.chaos.checker read`, until SIGTERM, or `compare`.
"""

import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC
from typing import Any

from bench.inside.chaos.connections import COLUMNS, PREFIX, say, shop, warehouse

Row = tuple[Any, ...]
EXAMPLES = 9  # of rows that are wrong, at most


def read() -> None:
    """Read every view, again and again, until SIGTERM: how often was a row there twice?"""
    counts, ending = Counter[str](), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    views = {PREFIX + table: "id" for table in COLUMNS} | ({} if PREFIX else {"sales": "line_id"})
    client = None
    while not ending.is_set():
        for view, key in views.items():
            began = time.monotonic()
            try:
                client = client or warehouse()
                rows, different = client.execute(f"SELECT count(), uniqExact({key}) FROM {view}")[0]
                counts["reads"] += 1
                counts[f"reads of {view}"] += 1
                counts["duplicates"] += rows != different
            except Exception as error:  # it is killed now and then; before the first load there is no view
                counts["no answer"] += 1
                counts[f"no answer: {type(error).__name__}"] += 1
                client = None
                ending.wait(0.5)
            ending.wait(max(0.05, 3 * (time.monotonic() - began)))  # a quarter of a core at most
    say(**counts)


def compare() -> None:
    """Walk both sides in the order of their ids, value by value, and print how many rows agree and how many do not."""
    counts, examples = Counter[str](), list[str]()
    for table, columns in COLUMNS.items():
        names = ", ".join(columns)
        with shop() as connection, connection.cursor(f"all_{table}") as cursor:
            cursor.itersize = 50_000
            cursor.execute(f"SELECT {names} FROM {table} ORDER BY id")
            rows = warehouse().execute_iter(
                f"SELECT {names} FROM {PREFIX}{table} ORDER BY id", {"max_block_size": 50_000}
            )
            for verdict, example in verdicts(iter(cursor), rows):
                counts[verdict] += 1
                if example and len(examples) < EXAMPLES:
                    examples.append(f"{table}: {example}")
    say(**{name: counts[name] for name in ("rows", "lost", "doubled", "different", "extra")}, examples=examples)


def verdicts(shop: Iterator[Row], warehouse: Iterator[Row]) -> Iterator[tuple[str, str]]:
    """What is to be said of each row of two sorted sides: a name of `compare`, and an example of what is wrong.

    A row that both have is one of "rows", also when it is "different".
    """
    left, right, last = next(shop, None), next(warehouse, None), None
    while left or right:
        if right and right[0] == last:
            yield "doubled", ""
            right = next(warehouse, None)
        elif right is None or (left and left[0] < right[0]):
            yield "lost", f"{left} is lost"
            left = next(shop, None)
        elif left is None or right[0] < left[0]:
            yield "extra", ""
            last, right = right[0], next(warehouse, None)
        else:
            yield "rows", ""
            if plain(left) != plain(right):
                yield "different", f"{left} is {right}"
            last, left, right = right[0], next(shop, None), next(warehouse, None)


def plain(row: Row) -> list[Any]:
    """A row without what the warehouse does not keep: parts of seconds."""
    return [v.astimezone(UTC).replace(microsecond=0) if hasattr(v, "astimezone") else v for v in row]


if __name__ == "__main__":
    [role] = sys.argv[1:]
    {"read": read, "compare": compare}[role]()
