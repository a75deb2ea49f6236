"""Add the orders of the last week to the warehouse, five hundred at a time."""

import os

import psycopg2

import shop

source = shop.connect().cursor()
warehouse = psycopg2.connect(os.environ["REDSHIFT_DSN"])
target = warehouse.cursor()
source.execute(
    "SELECT id, product, quantity, amount, status, note, placed_at FROM orders"
    " WHERE placed_at >= CURRENT_DATE - INTERVAL 7 DAY AND placed_at < CURRENT_DATE ORDER BY id"
)
while rows := source.fetchmany(500):
    target.executemany("INSERT INTO orders VALUES (%s, %s, %s, %s, %s, %s, %s)", rows)
    warehouse.commit()
    print(len(rows), "orders", flush=True)
