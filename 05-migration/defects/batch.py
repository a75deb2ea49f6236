"""Kill the weekly batch between two of its parts, start it again, and count."""

import os
import subprocess
import sys

import psycopg2

from look import number, until

WEEK = "FROM orders WHERE placed_at >= CURRENT_DATE - INTERVAL 7 DAY AND placed_at < CURRENT_DATE"


def killed() -> list[tuple[str, str, bool]]:
    """What was committed before the kill is loaded again, and nothing forbids it."""
    warehouse = psycopg2.connect(os.environ["REDSHIFT_DSN"])
    warehouse.autocommit = True
    cursor = warehouse.cursor()
    cursor.execute("TRUNCATE orders")

    def loaded(what: str) -> int:
        cursor.execute(f"SELECT {what} FROM orders")
        return int(cursor.fetchone()[0])

    command = [sys.executable, "legacy/weekly_batch.py"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as first:
        until(lambda: loaded("COUNT(*)") > 0, "the batch loads orders")
        first.kill()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    week, rows, twice = number(f"SELECT COUNT(*) {WEEK}"), loaded("COUNT(*)"), loaded("COUNT(*) - COUNT(DISTINCT id)")
    harm = twice > 0 and twice % 500 == 0 and rows == week + twice
    return [(f"batch: killed once and started again, {week} orders", f"{rows} rows, {twice} twice", harm)]
