"""Orders in SQS: a queue, and another one for dead letters."""

import json
import time

from orders import Message
from systems import sqs

WORK, DEAD = "orders-work", "orders-dead"
WAIT = 1  # seconds to wait for a batch to fill
VISIBILITY = 60  # seconds for which a received message is hidden. A slower batch comes again; the inbox ignores it
NET = 20  # deliveries after which the queue itself gives up: for a message that kills its consumer
AT_ONCE = 10  # the most that one call to SQS can send, receive or delete


class Sqs:
    """A queue of SQS. What is taken and not deleted is seen by others again after VISIBILITY seconds."""

    DEAD_LETTERS = DEAD

    def __init__(self, queue: str = "", size: int = 100) -> None:
        """Without `queue`, use the queue of the orders. A batch has at most `size` messages."""
        self.client, self.size = sqs(), size
        self.dead = self.client.create_queue(QueueName=DEAD)["QueueUrl"]
        self.work = self.client.create_queue(QueueName=WORK)["QueueUrl"]
        arn = self.client.get_queue_attributes(QueueUrl=self.dead, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        net = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": NET})
        self.client.set_queue_attributes(QueueUrl=self.work, Attributes={"RedrivePolicy": net})
        self.queue = self.client.get_queue_url(QueueName=queue)["QueueUrl"] if queue else self.work

    def batch(self) -> list[Message]:
        """Up to `size` messages that arrive within about a second; empty when none do."""
        messages: list[Message] = []
        deadline = time.monotonic() + WAIT
        while len(messages) < self.size and time.monotonic() <= deadline:
            told = self.client.receive_message(
                QueueUrl=self.queue, MaxNumberOfMessages=min(AT_ONCE, self.size - len(messages)), WaitTimeSeconds=WAIT,
                VisibilityTimeout=VISIBILITY, AttributeNames=["SentTimestamp"], MessageAttributeNames=["All"],
            )  # fmt: skip
            if not (come := told.get("Messages", [])):
                break
            messages += [self.message(one) for one in come]
        return messages

    def message(self, told: dict) -> Message:
        """Convert a message of SQS. A replayed message keeps its id and its time in attributes."""
        headers = {name: value["StringValue"] for name, value in told.get("MessageAttributes", {}).items()}
        sent = float(headers.get("sent") or int(told["Attributes"]["SentTimestamp"]) / 1000)
        return Message(headers.get("id") or told["MessageId"], told["Body"], sent, told["ReceiptHandle"], headers)

    def acknowledge(self, messages: list[Message]) -> None:
        """Delete these messages. If SQS fails to delete one, it comes again, and the inbox ignores it."""
        for first in range(0, len(messages), AT_ONCE):
            some = enumerate(messages[first : first + AT_ONCE])
            entries = [{"Id": str(n), "ReceiptHandle": message.receipt} for n, message in some]
            self.client.delete_message_batch(QueueUrl=self.queue, Entries=entries)

    def send(self, message: Message, queue: str, **headers: str) -> None:
        """Send a message to a queue, and wait until SQS has it."""
        headers |= {"id": message.id, "sent": str(message.sent)}
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in headers.items()}
        self.client.send_message(QueueUrl=queue, MessageBody=message.body, MessageAttributes=attributes)

    def bury(self, message: Message, reason: str) -> None:
        """Put a message into the queue of dead letters, with the reason."""
        self.send(message, self.dead, **{"x-reason": reason})

    def revive(self, message: Message) -> None:
        """Put a dead letter back among the orders."""
        self.send(message, self.work)

    def depth(self) -> int:
        """About how many messages wait; those that a consumer has in hand are not among them."""
        told = self.client.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["ApproximateNumberOfMessages"])
        return int(told["Attributes"]["ApproximateNumberOfMessages"])

    def close(self) -> None:
        """Nothing is given back early: the visibility timeout does it."""
