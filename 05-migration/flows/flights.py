"""Publish to RabbitMQ in flights: many messages are unconfirmed at once, and each is tracked until it is confirmed."""

import os
import time
from collections.abc import Iterator
from typing import Any

import pika

FLIGHT = 500  # messages on their way; one at a time is many times slower
TICK = 0.01  # seconds


class Flights:
    """A connection that publishes all messages of a load, and ends when the broker has confirmed the last one."""

    def __init__(self, exchange: str, load: Iterator[tuple[str, str]], rate: float) -> None:
        """`load` gives ids and bodies, `rate` is in messages a second."""
        self.exchange, self.load, self.rate = exchange, load, rate
        self.sent, self.flying, self.ended = 0, set[int](), False
        self.began = time.monotonic()

    def fly(self) -> int:
        """How many were sent. Raises ConnectionError when not all of them are confirmed."""
        self.connection = pika.SelectConnection(
            pika.URLParameters(os.environ["RABBITMQ_URL"]),
            on_open_callback=lambda connection: connection.channel(on_open_callback=self.ready),
            on_open_error_callback=self.closed,
            on_close_callback=self.closed,
        )
        self.connection.ioloop.start()
        if self.flying or not self.ended:
            raise ConnectionError(f"after {self.sent} messages, {len(self.flying)} not confirmed: {self.reason}")
        return self.sent

    def ready(self, channel: Any) -> None:
        """The channel is open: ask for confirms, and begin."""
        self.channel = channel
        channel.confirm_delivery(self.confirmed, callback=lambda _: self.tick())

    def tick(self) -> None:
        """A steady load goes on by the clock, a burst by its confirms."""
        self.more()
        if not self.ended:
            self.connection.ioloop.call_later(TICK, self.tick)

    def more(self) -> None:
        """Send what may be on its way now; after the last confirm, close."""
        due = (time.monotonic() - self.began) * self.rate
        while not self.ended and len(self.flying) < FLIGHT and self.sent < due:
            if not (message := next(self.load, None)):
                self.ended = True
                break
            self.sent += 1
            self.flying.add(self.sent)
            properties = pika.BasicProperties(
                message_id=message[0], delivery_mode=2, headers={"sent": str(time.time())}
            )
            self.channel.basic_publish(self.exchange, "", message[1], properties)
        if self.ended and not self.flying and self.connection.is_open:
            self.connection.close()

    def confirmed(self, frame: Any) -> None:
        """The broker has stored one message, or all up to it. If it refused one, `fly` raises at the end."""
        if isinstance(frame.method, pika.spec.Basic.Nack):
            self.ended = True
            return self.connection.close(reply_text="RabbitMQ refuses a message") if self.connection.is_open else None
        tag = frame.method.delivery_tag
        self.flying -= {one for one in self.flying if one <= tag} if frame.method.multiple else {tag}
        return self.more()

    def closed(self, connection: Any, reason: Exception) -> None:
        """The connection is closed, after success or failure."""
        self.reason = reason
        connection.ioloop.stop()
