"""The load of `make chaos-etl NAIVE=1`: what a script under cron usually does. It loses rows, and doubles others."""

from bench.inside.chaos.connections import COLUMNS, shop, warehouse

TEXT, MONEY = "String", "Decimal(12, 2)"
TYPES = {"name": TEXT, "region": TEXT, "category": TEXT, "status": TEXT, "price": MONEY, "unit_price": MONEY}
TYPES["ordered_at"] = "DateTime('UTC')"


def main() -> None:
    """Make the tables, and copy what is newer than the newest row of each; runner.py waits for what is printed."""
    client = warehouse()
    for table, columns in COLUMNS.items():
        typed = ", ".join(f"{name} {TYPES.get(name, 'Int64')}" for name in columns)
        client.execute(
            f"CREATE TABLE IF NOT EXISTS naive_{table} ({typed}, updated_at DateTime('UTC')) "
            "ENGINE = MergeTree ORDER BY id"
        )
    print("plan", flush=True)
    for table, columns in COLUMNS.items():
        [(watermark,)] = client.execute(f"SELECT max(updated_at) FROM naive_{table}")
        with shop() as connection, connection.cursor("new") as cursor:
            cursor.itersize = 20_000
            cursor.execute(f"SELECT {', '.join(columns)}, updated_at FROM {table} WHERE updated_at > %s", [watermark])
            while rows := cursor.fetchmany(20_000):
                client.execute(f"INSERT INTO naive_{table} VALUES", rows)
        print("copied", table, flush=True)


if __name__ == "__main__":
    main()
