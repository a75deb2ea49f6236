"""Checks of the queues of 05-migration: poison among orders, and a visibility timeout. No Docker is needed."""

import json
import sqlite3
import subprocess
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path

from lab.checks.intro import output, running
from lab.checks.migration import PATIENCE, rows, run
from lab.checks.registry import Outcome, check
from lab.checks.runner import pause

GOOD = {f"{n}.json": json.dumps({"id": f"order-{n}", "product": n, "quantity": 1}) for n in (1, 3, 5)}
POISON = {"2.json": '{"id": "order-2", "product', "4.json": '{"id": "order-4", "product": 4}'}


@check("05-migration/poison", file="poison.py")
def poison(file: Path) -> Outcome:
    """Five messages, two of them no orders; the shop is locked at first, which makes no order a dead letter."""
    expected = "with a locked shop: 0 orders dead; then: 3 rows, 2 dead with a reason, none left in the queue"
    with tempfile.TemporaryDirectory() as folder:
        queue, dead, shop = Path(folder, "queue"), Path(folder, "dead"), Path(folder, "shop.db")
        queue.mkdir()
        dead.mkdir()
        run(file, queue, dead, shop)  # so that its table is there
        for name, body in (GOOD | POISON).items():
            (queue / name).write_text(body)
        with closing(sqlite3.connect(shop)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            run(file, queue, dead, shop)  # it may fail, and be started again
        innocent = sum((dead / name).exists() for name in GOOD)
        complaint = run(file, queue, dead, shop)
        there = len(set(rows(shop, "SELECT id FROM orders")))
        told = sum((dead / name).exists() and said(dead / f"{name}.reason") for name in POISON)
        left = len(list(queue.glob("*.json")))
    seen = (
        f"with a locked shop: {innocent} orders dead; then: {there} rows, {told} dead with a reason, "
        f"{left or 'none'} left in the queue"
    )
    return Outcome(seen == expected, expected, complaint or seen)


def said(reason: Path) -> bool:
    """Whether a file is there and has a word in it."""
    return reason.exists() and bool(reason.read_text(errors="replace").strip())


class Queue:
    """The learner's queue, with messages a, b, c and d, and whoever asks it."""

    def __init__(self, file: Path, folder: str) -> None:
        """Make the database in a folder."""
        self.file, self.database, self.took = file, Path(folder, "queue.db"), 1.0
        with closing(sqlite3.connect(self.database)) as database:
            database.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT, visible_at INT DEFAULT 0)")
            database.executemany("INSERT INTO messages (body) VALUES (?)", ["a", "b", "c", "d"])
            database.commit()

    def receive(self, now: int) -> list[str]:
        """The id and the body of the message that somebody gets at a second, or nothing."""
        began = time.monotonic()
        with running(self.file, self.database, "receive", str(now), stdout=subprocess.PIPE) as program:
            told = " ".join(output(program, PATIENCE)).split()
            self.took = time.monotonic() - began
            return told or program.complaint().split()[:1]

    def two_at_once(self, now: int) -> list[list[str]]:
        """What two get that ask while the database lets nobody write yet."""
        words = (self.database, "receive", str(now))
        with ExitStack() as stack, closing(sqlite3.connect(self.database)) as lock:
            lock.execute("BEGIN IMMEDIATE")
            both = [stack.enter_context(running(self.file, *words, stdout=subprocess.PIPE)) for _ in range(2)]
            pause(max(1, 3 * self.took))  # until both have looked
            lock.rollback()
            return [" ".join(output(program, PATIENCE)).split() for program in both]

    def delete(self, message: list[str]) -> str:
        """Somebody is done with a message; what the program complains of."""
        return run(self.file, self.database, "delete", message[0]) if message else ""


def bodies(*messages: list[str]) -> str:
    """The bodies of messages, for people."""
    return " and ".join(message[-1] if message else "nothing" for message in messages)


@check("05-migration/hidden", file="hidden.py")
def hidden(file: Path) -> Outcome:
    """One message is done, one in the hands of a consumer that is killed, and two are asked for at the same time."""
    expected = "at second 0: a and b; two at once: c and d; at 29: nothing; at 30: b; at 90: c"
    with tempfile.TemporaryDirectory() as folder:
        queue = Queue(file, folder)
        first, second = queue.receive(0), queue.receive(0)
        complaint = queue.delete(first)
        both = sorted(queue.two_at_once(10), key=bodies)
        early, late = queue.receive(29), queue.receive(30)
        complaint = complaint or queue.delete(late)
        last = queue.receive(90)
    seen = (
        f"at second 0: {bodies(first, second)}; two at once: {bodies(*both)}; at 29: {bodies(early)}; "
        f"at 30: {bodies(late)}; at 90: {bodies(last)}"
    )
    return Outcome(seen == expected, expected, complaint or seen)
