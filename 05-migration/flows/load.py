"""Send orders: as fast as the broker confirms them (a burst), or at a rate (a steady load).

Usage: load.py rabbitmq|sqs COUNT [--rate N] [--poison CHANCE] [--seed N]. The same seed makes the same orders.
"""

import argparse
import json
import random
import sys
import time
import uuid
from collections.abc import Iterator
from itertools import batched

from flights import Flights
from on_rabbitmq import EXCHANGE, Rabbitmq
from on_sqs import AT_ONCE, Sqs

NO_PRODUCT = 4711


def orders(count: int, poison: float, seed: int) -> Iterator[tuple[str, str]]:
    """Yield `count` orders with their ids. `poison` is the chance that one is of an unknown product, or unreadable."""
    chance = random.Random(seed)
    for _ in range(count):
        id = str(uuid.UUID(int=chance.getrandbits(128)))
        order = {"id": id, "product": 1 + chance.randrange(400), "quantity": 1 + chance.randrange(3)}
        kind = chance.random()
        if kind < poison / 2:
            order["product"] = NO_PRODUCT
        yield id, json.dumps(order) if not poison / 2 <= kind < poison else f"{{broken {id}"


def to_rabbitmq(load: Iterator[tuple[str, str]], rate: float) -> int:
    """Send them to the exchange. Return how many were confirmed."""
    Rabbitmq().close()  # exchange and queues are there
    return Flights(EXCHANGE, load, rate).fly()


def to_sqs(load: Iterator[tuple[str, str]], rate: float) -> int:
    """Send them ten at a time. Return how many SQS accepted. Raises RuntimeError when it refuses one."""
    here, sent, began = Sqs(), 0, time.monotonic()
    for some in batched(load, AT_ONCE):
        time.sleep(max(0, began + sent / rate - time.monotonic()))
        entries = [
            {"Id": str(n), "MessageBody": body, "MessageAttributes": {"id": {"DataType": "String", "StringValue": id}}}
            for n, (id, body) in enumerate(some)
        ]
        if failed := here.client.send_message_batch(QueueUrl=here.work, Entries=entries).get("Failed"):
            raise RuntimeError(f"after {sent} orders, SQS refuses: {failed[0]}")
        sent += len(some)
    return sent


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("broker", choices=["rabbitmq", "sqs"])
    parser.add_argument("count", type=int)
    parser.add_argument("--rate", type=float, default="inf", help="orders a second; without it, a burst")
    parser.add_argument("--poison", type=float, default=0, help="chance of an order that nobody can take, 0 to 1")
    parser.add_argument("--seed", type=int, default=time.time_ns())
    given = parser.parse_args()
    began = time.monotonic()
    send = to_rabbitmq if given.broker == "rabbitmq" else to_sqs
    try:
        sent = send(orders(given.count, given.poison, given.seed), given.rate)
    except (ConnectionError, RuntimeError) as error:
        sys.exit(str(error))
    seconds = time.monotonic() - began
    print(f"{sent} orders sent and confirmed in {seconds:.1f} s, {sent / seconds:.0f}/s")
