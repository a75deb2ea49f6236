"""Orders in RabbitMQ: an exchange, a queue behind it, and a queue for dead letters."""

import time

import pika

from orders import Message
from systems import rabbitmq

EXCHANGE, WORK, DEAD = "orders", "orders.work", "orders.dead"
WAIT = 1.0  # seconds to wait for a batch to fill
NET = 20  # failed deliveries after which the broker itself gives up: for a message that kills its consumer


def declare(channel: pika.adapters.blocking_connection.BlockingChannel) -> None:
    """Declare what is missing. An existing queue keeps its arguments: other arguments need a queue with a new name."""
    for name, arguments in {
        WORK: {"x-delivery-limit": NET, "x-dead-letter-exchange": DEAD, "x-dead-letter-strategy": "at-least-once",
               "x-overflow": "reject-publish"},
        DEAD: {"x-delivery-limit": -1},
    }.items():  # fmt: skip
        channel.exchange_declare(EXCHANGE if name == WORK else DEAD, "fanout", durable=True)
        channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"} | arguments)
        channel.queue_bind(name, EXCHANGE if name == WORK else DEAD)


class Rabbitmq:
    """A queue of RabbitMQ. What is taken and not acknowledged goes back when the connection ends."""

    DEAD_LETTERS = DEAD

    def __init__(self, queue: str = "", size: int = 100) -> None:
        """Without `queue`, use the queue of the orders. A batch has at most `size` messages."""
        self.queue, self.size = queue or WORK, size
        self.connection = rabbitmq()
        self.channel = self.connection.channel()
        declare(self.channel)
        self.channel.confirm_delivery()
        # One batch at work, one on its way. After a kill, each message in this buffer has one more delivery.
        self.channel.basic_qos(prefetch_count=0 if self.queue == DEAD else 2 * size)

    def batch(self) -> list[Message]:
        """Up to `size` messages that arrive within about a second; empty when none do."""
        messages: list[Message] = []
        deadline = time.monotonic() + WAIT
        for method, properties, body in self.channel.consume(self.queue, inactivity_timeout=WAIT):
            if method:
                headers = properties.headers or {}
                sent = float(headers.get("sent", time.time()))
                messages.append(Message(properties.message_id or "", body, sent, method.delivery_tag, headers))
            if not method or len(messages) == self.size or time.monotonic() > deadline:
                break
        return messages

    def acknowledge(self, messages: list[Message]) -> None:
        """These are done: the broker may forget them."""
        for message in messages:
            self.channel.basic_ack(message.receipt)

    def send(self, message: Message, exchange: str, **headers: object) -> None:
        """Publish a message, and wait until the broker has it on disk. Raises a pika error when it refuses."""
        properties = pika.BasicProperties(
            message_id=message.id, delivery_mode=2, headers={"sent": str(message.sent)} | headers
        )
        self.channel.basic_publish(exchange, "", message.body, properties, mandatory=True)

    def bury(self, message: Message, reason: str) -> None:
        """Put a message into the queue of dead letters, with the reason."""
        self.send(message, DEAD, **{"x-reason": reason})

    def revive(self, message: Message) -> None:
        """Put a dead letter back among the orders."""
        self.send(message, EXCHANGE)

    def depth(self) -> int:
        """How many messages wait; those that a consumer has in hand are not among them."""
        return int(self.channel.queue_declare(self.queue, passive=True).method.message_count)

    def close(self) -> None:
        """Give back what is not acknowledged."""
        if self.connection.is_open:
            self.connection.close()
