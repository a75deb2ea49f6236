"""Equal or not, without moving the rows: one number for each bucket of ids, the same on both sides.

A row's number is the first 8 bytes of the md5 of its columns; a bucket's is the XOR of its rows'.
Two buckets that agree in rows and number are the same (chance of an error: 1 in 2**64).
"""

from psycopg2.extensions import connection

from source import query
from tables import BUCKET, TABLES
from warehouse import Warehouse

Fingerprint = dict[int, tuple[int, int]]  # bucket → rows, number


def of_shop(shop: connection, table: str, where: str = "true") -> Fingerprint:
    text = ", ".join(kind.shop_text.format(name) for name, kind in TABLES[table].items())
    number = f"bit_xor(('x' || left(md5(concat_ws('|', {text})), 16))::bit(64)::bigint)"
    buckets = query(shop, f"SELECT id / {BUCKET}, count(*), {number} FROM {table} WHERE {where} GROUP BY 1")
    return {bucket: (rows, number % 2**64) for bucket, rows, number in buckets}  # PostgreSQL's has a sign


def of_warehouse(warehouse: Warehouse, table: str, where: str = "1") -> Fingerprint:
    """Of a table as people see it; or of `…_versions`, with the condition that picks one version."""
    text = ", '|', ".join(kind.warehouse_text.format(name) for name, kind in TABLES[table.split("_ver")[0]].items())
    number = f"groupBitXor(reinterpretAsUInt64(reverse(substring(MD5(concat({text})), 1, 8))))"
    buckets = f"SELECT intDiv(id, {BUCKET}) AS b, count(), {number} FROM {table} WHERE {where} GROUP BY b"
    return {bucket: (rows, number) for bucket, rows, number in warehouse.query(buckets)}


def size(fingerprint: Fingerprint) -> int:
    return sum(rows for rows, _ in fingerprint.values())


def differences(left: Fingerprint, right: Fingerprint) -> list[int]:
    return sorted(bucket for bucket in left.keys() | right.keys() if left.get(bucket) != right.get(bucket))
