"""The tables of the warehouse: how both databases write each kind of column, where rows go, and what people read.

The statements run on ClickHouse 18 and 26 and on chDB.
"""

from dataclasses import dataclass

from warehouse import Warehouse

BUCKET = 10_000  # ids that share one fingerprint


@dataclass(frozen=True)
class Kind:
    """A kind of column: its type in ClickHouse, what COPY sends, and the same text on both sides for a fingerprint."""

    type: str
    copied: str
    shop_text: str
    warehouse_text: str


INTEGER = Kind("Int64", "{}", "{}", "toString({})")
# The md5 of each text, so that a separator in a text cannot make two different rows look the same.
TEXT = Kind("String", "{}", "md5({})", "lower(hex(MD5({})))")
MONEY = Kind("Decimal(12, 2)", "{}", "({} * 100)::bigint", "toString(toInt64({} * 100))")
# date_trunc, because a cast to whole seconds rounds: half of all rows would be a second late.
TIME = Kind(
    "DateTime('UTC')",
    "date_trunc('second', {} AT TIME ZONE 'UTC')",
    "extract(epoch FROM date_trunc('second', {}))::bigint",
    "toString(toUnixTimestamp({}))",
)

TABLES = {
    "customers": {"id": INTEGER, "name": TEXT, "region": TEXT},
    "products": {"id": INTEGER, "name": TEXT, "category": TEXT, "price": MONEY},
    "orders": {"id": INTEGER, "customer_id": INTEGER, "status": TEXT, "ordered_at": TIME},
    "order_lines": {
        "id": INTEGER, "order_id": INTEGER, "product_id": INTEGER, "quantity": INTEGER, "unit_price": MONEY,
    },
}  # fmt: skip

# Every change of a row is kept under the number of the load that brought it; merges drop all but the highest.
VERSIONS = """CREATE TABLE IF NOT EXISTS {table}_versions ({columns}, deleted UInt8, ver UInt64)
ENGINE = ReplacingMergeTree(ver) ORDER BY id"""

# What people read. FINAL keeps the highest version of a row, also before a merge has dropped the others.
LIVE = "CREATE VIEW IF NOT EXISTS {table} AS SELECT {names} FROM {table}_versions FINAL WHERE deleted = 0"

# A line is written when a load has ended: whoever is killed before reads from the same watermark again.
WATERMARKS = """CREATE TABLE IF NOT EXISTS watermarks (watermark Int64)
ENGINE = MergeTree ORDER BY watermark"""

# Sold lines, one row each. Nested, since ClickHouse 18 joins two tables at a time.
SALES = """CREATE VIEW IF NOT EXISTS sales AS
SELECT line_id, order_id, ordered_at, region, product, category, quantity, unit_price * quantity AS revenue
FROM (
    SELECT line_id, order_id, product_id, quantity, unit_price, ordered_at, region
    FROM (
        SELECT line_id, order_id, product_id, quantity, unit_price, ordered_at, customer_id
        FROM (SELECT id AS line_id, order_id, product_id, quantity, unit_price FROM order_lines) AS line
        ALL INNER JOIN (
            SELECT id AS order_id, ordered_at, customer_id FROM orders WHERE status != 'cancelled'
        ) AS o USING order_id
    ) AS ordered
    ALL INNER JOIN (SELECT id AS customer_id, region FROM customers) AS customer USING customer_id
) AS sold
ALL INNER JOIN (SELECT id AS product_id, name AS product, category FROM products) AS product USING product_id"""


def create_tables(warehouse: Warehouse) -> None:
    for table, columns in TABLES.items():
        typed = ", ".join(f"{name} {kind.type}" for name, kind in columns.items())
        warehouse.query(VERSIONS.format(table=table, columns=typed))
        warehouse.query(LIVE.format(table=table, names=", ".join(columns)))
    warehouse.query(WATERMARKS)
    warehouse.query(SALES)
