"""Kill the worker of a queue at its work, more than once, and count the orders that never became a row."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import boto3
import pika

from look import arrived, orders, pids, until

KILLS = 4
LOG = Path("/srv/shop/log/worker-rabbitmq.log")


def wake(send: Callable[[list[str]], None]) -> None:
    """Send an order, and another one when it is lost: a broker may not know yet that the worker before is dead."""
    for _ in range(20):
        probe = orders(1)
        send(list(probe.values()))
        with suppress(TimeoutError):
            return until(lambda ids=list(probe): arrived(ids) == 1, "a worker takes orders", seconds=9)
    raise TimeoutError("no worker takes orders")


def kill_at_work(program: str, send: Callable[[list[str]], None], depth: Callable[[], int], batch: int) -> list[str]:
    """Send a batch, kill the worker when it has done some, and so on; then let it end. Return the ids of all."""
    ids: list[str] = []
    for _ in range(KILLS):
        wake(send)
        new = orders(batch)
        ids += new
        send(list(new.values()))
        until(lambda new=new: arrived(list(new)) >= batch // 20, "the worker is at work")
        os.kill(pids(program)[0], signal.SIGKILL)
        until(lambda: bool(pids(program)), "supervisor starts the worker again")
    wake(send)  # when this one has arrived, those before it have too, or never will
    until(lambda: depth() == 0, "the queue is empty")
    until(settled(ids), "the last orders have arrived")
    return ids


def settled(ids: list[str]) -> Callable[[], bool]:
    """Whether nothing has arrived for two seconds."""
    seen = [arrived(ids), time.monotonic()]

    def asked() -> bool:
        if (now := arrived(ids)) != seen[0]:
            seen[:] = [now, time.monotonic()]
        return time.monotonic() - seen[1] > 2

    return asked


def rabbitmq() -> list[tuple[str, str, bool]]:
    """A worker that acknowledges as it receives has in its memory what the queue no longer has."""
    channel = pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"])).channel()
    channel.confirm_delivery()

    def send(bodies: list[str]) -> None:
        for body in bodies:
            channel.basic_publish("", "orders", body.encode())

    def depth() -> int:
        return int(channel.queue_declare("orders", durable=True).method.message_count)

    ids = kill_at_work("legacy/worker_rabbitmq.py", send, depth, 500)
    lost = len(ids) - arrived(ids)
    written = LOG.stat().st_size
    send(["{broken"] * 20 + list((last := orders(1)).values()))
    until(lambda: arrived(list(last)) == 1, "the order after them has arrived")
    vanished, said = 20 - depth(), LOG.stat().st_size - written
    words = f"{vanished} vanished, {said} bytes in the log"
    return [
        (f"RabbitMQ: worker killed {KILLS} times, {len(ids)} orders sent", f"{lost} lost", 0 < lost < len(ids)),
        ("RabbitMQ: 20 messages that nobody can read", words, (vanished, said) == (20, 0)),
    ]


def sqs() -> list[tuple[str, str, bool]]:
    """A worker that deletes before it works loses what it had in hand."""
    client = boto3.client("sqs", endpoint_url=os.environ["SQS_ENDPOINT_URL"])
    queue = client.create_queue(QueueName="orders")["QueueUrl"]
    waiting = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def send(bodies: list[str]) -> None:
        for first in range(0, len(bodies), 10):
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[first : first + 10])]
            client.send_message_batch(QueueUrl=queue, Entries=entries)

    def depth() -> int:
        told = client.get_queue_attributes(QueueUrl=queue, AttributeNames=waiting)["Attributes"]
        return sum(int(told[name]) for name in waiting)

    ids = kill_at_work("legacy/worker_sqs.py", send, depth, 100)
    lost = len(ids) - arrived(ids)
    return [(f"SQS: worker killed {KILLS} times, {len(ids)} orders sent", f"{lost} lost", 0 < lost < len(ids))]
