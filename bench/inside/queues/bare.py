"""A consumer without Prefect: the queue, the batches and the transaction of the lesson, no flow run and no task run."""

from on_rabbitmq import Rabbitmq
from orders import take
from systems import shop

here = Rabbitmq()
while True:
    if messages := here.batch():
        with shop() as database:
            _, dead = take(database, messages)
        for message, reason in dead:
            here.bury(message, reason)
        here.acknowledge(messages)
