"""Take orders from SQS for ever."""

import json
import os

import boto3

import shop

cursor = shop.connect().cursor()
sqs = boto3.client("sqs", endpoint_url=os.environ["SQS_ENDPOINT_URL"])
queue = sqs.create_queue(QueueName="orders")["QueueUrl"]
while True:
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=20).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    for message in messages:
        try:
            shop.take_order(cursor, json.loads(message["Body"]))
        except Exception:
            pass
