"""A delivery limit of 5, and a consumer that is killed again and again with 50 of 60 messages in its buffer.

How many of them are dead letters then?
"""

import os
import signal
import subprocess
import sys

import pika

from systems import rabbitmq

MESSAGES, BUFFER, LIMIT, MOST_KILLS = 60, 50, 5, 7
channel = rabbitmq().channel()


def make_queues() -> None:
    """A queue with a low limit, and one for what exceeds it; both empty."""
    for name, arguments in {"low.dead": {}, "low": {"x-delivery-limit": LIMIT, "x-dead-letter-exchange": ""}}.items():
        channel.queue_delete(name)
        arguments |= {"x-queue-type": "quorum"} | ({"x-dead-letter-routing-key": "low.dead"} if arguments else {})
        channel.queue_declare(name, durable=True, arguments=arguments)


def killed_at_work() -> None:
    """Fill the buffer, acknowledge nothing, and end as if by kill -9."""
    channel.basic_qos(prefetch_count=BUFFER)
    for number, _ in enumerate(channel.consume("low"), 1):
        if number == BUFFER:
            os.kill(os.getpid(), signal.SIGKILL)


def dead() -> int:
    """How many messages the broker has given up."""
    return int(channel.queue_declare("low.dead", passive=True).method.message_count)


if sys.argv[1:]:
    killed_at_work()
make_queues()
channel.confirm_delivery()
for _ in range(MESSAGES):
    channel.basic_publish("", "low", b"an order like any other", pika.BasicProperties(delivery_mode=2))
kills = 0
while kills < MOST_KILLS:
    kills += 1
    try:
        subprocess.run([sys.executable, __file__, "killed"], timeout=10)
    except subprocess.TimeoutExpired:
        break  # fewer than BUFFER messages are left; `run` has killed the consumer that waited for more
print(f"{MESSAGES} messages, none of them poison; {kills} kills: {dead()} in the queue of dead letters")
