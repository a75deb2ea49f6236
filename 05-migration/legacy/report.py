"""Print what was sold yesterday, product by product, as CSV."""

import csv
import sys

import shop

cursor = shop.connect().cursor()
cursor.execute(
    "SELECT product, SUM(quantity), SUM(amount) FROM orders"
    " WHERE status = 'paid' AND DATE(placed_at) = CURRENT_DATE - INTERVAL 1 DAY GROUP BY product ORDER BY product"
)
csv.writer(sys.stdout).writerows([("product", "sold", "revenue"), *cursor.fetchall()])
