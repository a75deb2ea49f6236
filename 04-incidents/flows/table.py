"""A CSV file that is always whole: one writer at a time, no row twice, never half a line."""

import csv
import fcntl
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Counts(NamedTuple):
    new: int
    changed: int


@contextmanager
def one_collector(folder: Path, seconds: float = 60) -> Iterator[None]:
    """Keep other collectors out of a folder. The kernel frees the lock of one that was killed.

    It is held from the first question to the last row, so that no older answer replaces a newer one.
    Raises TimeoutError when another one still has it after so many seconds.
    """
    folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + seconds
    with (folder / ".lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise TimeoutError(f"another collector has had {folder} for {seconds:.0f} s") from None
                time.sleep(0.1)
        yield


def merge(path: Path, header: list[str], rows: dict[str, list[str]], gone: Collection[str] = ()) -> Counts:
    """Put rows into a file by their first column: replace what is there, append what is new, remove what is `gone`.

    Old lines stream past, only the new rows are in memory. The new file replaces the old one in one step, after it has
    reached the disk: who is killed before that leaves the old one as it was.
    """
    left = dict(rows)
    changed = 0
    new_file = path.with_name(f".{path.name}.new")  # in the same folder: only there is a replacement one step
    with new_file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        for old in lines(path, header):
            row = left.pop(old[0], old)
            changed += row != old
            if old[0] not in gone:
                writer.writerow(row)
        writer.writerows(left.values())
        out.flush()
        os.fsync(out.fileno())
    new_file.replace(path)
    return Counts(len(left), changed)


def lines(path: Path, header: list[str]) -> Iterator[list[str]]:
    """The rows of a file, one at a time; none if there is no file. Raises ValueError when its columns are others."""
    if not path.exists():
        return
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        if (found := next(reader, None)) != header:
            raise ValueError(f"{path} has the columns {found}, not {header}: move it away")
        yield from reader


def oldest_open(path: Path, header: list[str]) -> str | None:
    """When the oldest incident began that the file has as open."""
    begins, status = header.index("begins"), header.index("status")
    return min((row[begins] for row in lines(path, header) if row[status] == "ABERTO"), default=None)
