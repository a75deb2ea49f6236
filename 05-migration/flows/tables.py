"""The tables of the warehouse, and SQL for their rows: a line of COPY, and a checksum on which both sides agree."""

COLUMNS = {  # of the warehouse, in their order; "optional" is a text that may be NULL
    "products": {"id": "plain", "name": "text", "price": "plain", "stock": "plain", "status": "plain", "updated_at": "time"},
    "orders": {
        "id": "plain", "product": "plain", "quantity": "plain", "amount": "plain",
        "status": "plain", "note": "optional", "placed_at": "time",
    },
}  # fmt: skip
WATERMARK = {"products": "updated_at", "orders": "placed_at"}  # the column that says when a row was written

# Characters that COPY treats specially. PostgreSQL and Redshift both read a backslash before the character itself. The
# escape \t would be a plain t to Redshift.
ESCAPED = "{}"
for character in (r"\\", r"\t", r"\n", r"\r"):
    ESCAPED = rf"REPLACE({ESCAPED}, '{character}', '\\{character}')"
IN_A_LINE = {"plain": "{}", "time": "{}", "text": ESCAPED, "optional": rf"COALESCE({ESCAPED}, '\\N')"}

# In a checksum a text has its length before it: no two rows are one string, and NULL is not the text of NULL.
IN_THE_SHOP = {
    "plain": "{0}",
    "time": "{0}",
    "text": "CHAR_LENGTH({0}), {0}",
    "optional": "COALESCE(CONCAT(CHAR_LENGTH({0}), '|', {0}), '-')",
}
LENGTH = "CAST(CHAR_LENGTH({0}) AS VARCHAR) || '|' || {0}"
IN_THE_WAREHOUSE = {
    "plain": "CAST({0} AS VARCHAR)",
    "time": "TO_CHAR({0}, 'YYYY-MM-DD HH24:MI:SS.US')",
    "text": LENGTH,
    "optional": f"COALESCE({LENGTH}, '-')",
}
# The first 32 bits of a row's MD5 as a number, which may be added up in any order.
NUMBER = {
    "shop": "CAST(CONV(LEFT(MD5({}), 8), 16, 10) AS UNSIGNED)",
    "postgres": "('x' || LEFT(MD5({}), 8))::BIT(32)::BIGINT",
    "redshift": "STRTOL(LEFT(MD5({}), 8), 16)",
}


def written(table: str, forms: dict[str, str]) -> list[str]:
    """Each column in the form of its kind."""
    return [forms[kind].format(column) for column, kind in COLUMNS[table].items()]


def line(table: str) -> str:
    """The line of COPY that MariaDB makes of a row."""
    return rf"CONCAT_WS('\t', {', '.join(written(table, IN_A_LINE))})"


def checksum(table: str, system: str) -> str:
    """How many rows, and the sum of their numbers; `system` is shop, postgres or redshift."""
    if system == "shop":
        row = f"CONCAT_WS('|', {', '.join(written(table, IN_THE_SHOP))})"
    else:
        row = " || '|' || ".join(written(table, IN_THE_WAREHOUSE))
    return f"COUNT(*), COALESCE(SUM({NUMBER[system].format(row)}), 0)"
