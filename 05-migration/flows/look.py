"""A look at the legacy system, by one flow for each pool: what Prefect can see of it before anything is moved."""

from typing import Any

from prefect import flow, get_run_logger

from systems import rabbitmq, shop, sqs, warehouse

ORDERS = """
SELECT CAST(placed_at AS DATE), COUNT(*), SUM(amount) FROM orders
WHERE placed_at < CURRENT_DATE GROUP BY 1 ORDER BY 1"""


@flow
def new_products() -> int:
    """How many products wait for a place in the search index, and how many words are there twice."""
    with shop() as database, database.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM products WHERE status = 'new'")
        (new,) = cursor.fetchone()
        cursor.execute("SELECT COUNT(*) - COUNT(DISTINCT product, word) FROM search_words")
        (doubled,) = cursor.fetchone()
    get_run_logger().info("%d new products, %d words twice in the index", new, doubled)
    return new


@flow
def queue_depth() -> dict[str, int]:
    """How many orders wait in each of the two queues."""
    connection = rabbitmq()
    waiting = {"rabbitmq": connection.channel().queue_declare("orders", durable=True).method.message_count}
    connection.close()
    client = sqs()
    queue = client.create_queue(QueueName="orders")["QueueUrl"]
    told = client.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])
    waiting["sqs"] = int(told["Attributes"]["ApproximateNumberOfMessages"])
    get_run_logger().info("waiting: %s", waiting)
    return waiting


@flow
def compare_orders() -> int:
    """On how many days count or sum of the warehouse's orders is not that of the shop's; the log names the last ones."""
    days: list[dict[Any, Any]] = []
    for database in (shop(), warehouse()):
        with database.cursor() as cursor:
            cursor.execute(ORDERS)
            days.append({day: told for day, *told in cursor.fetchall()})
        database.close()
    source, target = days
    differ = [day for day in source if source[day] != target.get(day, [0, None])]
    for day in differ[-3:]:
        get_run_logger().info("%s: shop %s, warehouse %s", day, source[day], target.get(day, [0, None]))
    get_run_logger().info("%d of %d days differ", len(differ), len(source))
    return len(differ)
