"""What is brought to the warehouse, and how PostgreSQL and ClickHouse write each kind of column."""

from dataclasses import dataclass

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
