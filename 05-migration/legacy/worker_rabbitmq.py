"""Take orders from RabbitMQ for ever."""

import json
import os

import pika

import shop

cursor = shop.connect().cursor()
channel = pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"])).channel()
channel.queue_declare("orders", durable=True)
for _, _, body in channel.consume("orders", auto_ack=True):
    try:
        shop.take_order(cursor, json.loads(body))
    except Exception:
        pass
