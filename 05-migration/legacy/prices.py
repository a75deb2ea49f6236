"""Take the prices of today from the supplier's feed."""

import csv
import os
from decimal import Decimal
from urllib.request import urlopen

import shop

with urlopen(os.environ["FEED_URL"] + "/prices.csv") as answer:
    rows = list(csv.DictReader(answer.read().decode().splitlines()))
cursor = shop.connect().cursor()
for row in rows:
    cursor.execute("SELECT price FROM products WHERE id = %s", [row["product"]])
    (old,) = cursor.fetchone()
    if old != Decimal(row["price"]):
        cursor.execute("UPDATE products SET price = %s WHERE id = %s", [row["price"], row["product"]])
        cursor.execute(
            "INSERT INTO price_changes (product, old_price, new_price) VALUES (%s, %s, %s)",
            [row["product"], old, row["price"]],
        )
