"""Print how many orders wait in RabbitMQ, with the time."""

import os
import time

import pika

channel = pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"])).channel()
print(f"{time.strftime('%F %T')},{channel.queue_declare('orders', durable=True).method.message_count}")
