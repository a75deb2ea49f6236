"""Ask the shop, the warehouse and RabbitMQ. When one of them has stopped, this run fails."""

from uuid import uuid4

from pika import BasicProperties
from prefect import flow, task

from systems import rabbitmq, shop, warehouse

QUEUE = "probes"


@task
def ask_shop() -> int:
    """How many orders the shop has taken in the last hour."""
    with shop() as database, database.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM orders WHERE placed_at > NOW(6) - INTERVAL 1 HOUR")
        (count,) = cursor.fetchone()
    return count


@task
def ask_warehouse() -> int:
    """How many orders the warehouse has."""
    with warehouse() as database, database.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM orders")
        (count,) = cursor.fetchone()
    return count


@task
def through_queue(seconds: float = 10) -> None:
    """Send a message and take it again; raise TimeoutError when it does not come."""
    sent = str(uuid4())
    connection = rabbitmq()
    channel = connection.channel()
    channel.queue_declare(QUEUE, durable=True)
    channel.confirm_delivery()
    channel.basic_publish("", QUEUE, b"is anybody there?", BasicProperties(message_id=sent, delivery_mode=2))
    for method, properties, _ in channel.consume(QUEUE, inactivity_timeout=seconds):
        if method is None:
            raise TimeoutError(f"{sent} did not come back in {seconds:g} s")
        channel.basic_ack(method.delivery_tag)
        if properties.message_id == sent:  # what an earlier probe has left is thrown away
            break
    connection.close()


@flow
def probe() -> dict[str, int]:
    """Ask the shop and the warehouse, and send a message through RabbitMQ."""
    counts = {"shop": ask_shop(), "warehouse": ask_warehouse()}
    through_queue()
    return counts
