"""What became of a load: `judge.py BROKER COUNT POISON SEED` prints the counts as JSON. It takes nothing from a queue."""

import json
import sys
from collections import Counter

import load
from on_rabbitmq import Rabbitmq
from on_sqs import Sqs
from systems import shop

# The stock that shop/seed.sql gave a product, less what orders took from it.
STOCK = """
SELECT COUNT(*) FROM products
LEFT JOIN (SELECT product, SUM(quantity) AS sold FROM orders WHERE message_id NOT LIKE 'seed-%' GROUP BY product) AS o
ON o.product = id WHERE id <= 400 AND (id * 31) MOD 60 - IFNULL(sold, 0) <> stock"""


def letters(broker: str) -> list[tuple[str, str]]:
    """The id and the reason of each dead letter; the connection that ends gives them back."""
    kind = {"rabbitmq": Rabbitmq, "sqs": Sqs}[broker]
    dead, found = kind(kind.DEAD_LETTERS), []
    while come := dead.batch():
        found += [(one.id, str(one.headers.get("x-reason", ""))) for one in come]
        if broker == "sqs":
            for one in come:  # seen by the next who looks, and not only after a minute
                seen.append(one.receipt)
    for receipt in seen:
        dead.client.change_message_visibility(QueueUrl=dead.queue, ReceiptHandle=receipt, VisibilityTimeout=0)
    dead.close()
    return found


seen: list[str] = []
broker, count, poison, seed = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
sent = dict(load.orders(count, poison, seed))
unreadable = {id for id, body in sent.items() if body.startswith("{broken")}
unknown = {id for id, body in sent.items() if f'"product": {load.NO_PRODUCT},' in body}
with shop() as database, database.cursor() as cursor:
    cursor.execute("SELECT message_id, COUNT(*) FROM orders WHERE message_id NOT LIKE 'seed-%' GROUP BY message_id")
    rows = dict(cursor.fetchall())
    cursor.execute(STOCK)
    ((wrong_stock,),) = cursor.fetchall()
dead = letters(broker)
reasons = Counter(reason.partition(":")[0] for _, reason in dead)
ids = {id for id, _ in dead}
print(
    json.dumps(
        {
            "sent": len(sent),
            "poison": len(unreadable | unknown),
            "orders in the shop": len(sent.keys() & rows.keys()),
            "lost": len(sent.keys() - unreadable - unknown - rows.keys()),
            "twice in the shop": sum(number > 1 for number in rows.values()),
            "products with a wrong stock": wrong_stock,
            "poison in the shop": len(unknown & rows.keys()),
            "unreadable": len(unreadable),
            "unknown": len(unknown),
            "dead letters": len(dead),
            "poison neither dead nor mended": len((unreadable | unknown) - ids - rows.keys()),
            "dead letters that are no poison": len(ids - unreadable - unknown),
            "dead letters without a reason": reasons[""],
        }
    )
)
