"""How flows reach what they work on: each by its variable of the environment, so that each can be elsewhere."""

import os
from urllib.parse import urlsplit

import boto3
import pika
import psycopg2
import pymysql
from botocore.client import BaseClient


def shop() -> pymysql.Connection:
    """The shop, in MariaDB. A transaction is committed by whoever began it."""
    url = urlsplit(os.environ["SHOP_URL"])
    login = {"host": url.hostname, "port": url.port or 3306, "user": url.username, "password": url.password or ""}
    return pymysql.connect(**login, database=url.path.strip("/"))


def warehouse() -> psycopg2.extensions.connection:
    """The warehouse, in Redshift or in PostgreSQL."""
    return psycopg2.connect(os.environ["REDSHIFT_DSN"])


def rabbitmq() -> pika.BlockingConnection:
    """RabbitMQ."""
    return pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"]))


def sqs() -> BaseClient:
    """Amazon's SQS, or what speaks its protocol."""
    return boto3.client("sqs", endpoint_url=os.environ["SQS_ENDPOINT_URL"])
