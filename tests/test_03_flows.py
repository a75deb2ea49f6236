"""The flows of 03-prefect against a real PostgreSQL and a real ClickHouse: what may happen to a row, and to a run."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.docker import docker

pytestmark = pytest.mark.stack
LESSON = Path(__file__).parents[1] / "03-prefect"
INSIDE = Path(__file__).with_name("flows_inside.py")
MARGIN = 1.2  # seconds, a little longer than what the watermark stays behind the clock
DOWN = ("down", "--volumes", "--remove-orphans", "--timeout", "1")
PROJECT = f"flows-test-{os.getpid()}"
# The harness keeps its runs in SQLite, where a run waits 2 s whenever the server writes by itself: it need not, here.
QUIET = (
    *("SERVER_SERVICES_TASK_RUN_RECORDER", "SERVER_SERVICES_EVENT_PERSISTER", "SERVER_SERVICES_TRIGGERS"),
    "LOGGING_TO_API",
)
KINDS = {  # what each column is compared as
    "customers": {"id": "number", "name": "text", "region": "text"},
    "products": {"id": "number", "name": "text", "category": "text", "price": "number"},
    "orders": {"id": "number", "customer_id": "number", "status": "text", "ordered_at": "time"},
    "order_lines": dict.fromkeys(("id", "order_id", "product_id", "quantity", "unit_price"), "number"),
}
IN_SHOP = {"number": "{}", "text": "encode(convert_to({}, 'UTF8'), 'hex')", "time": "floor(extract(epoch FROM {}))"}
IN_WAREHOUSE = {"number": "{}", "text": "lower(hex({}))", "time": "toUnixTimestamp({})"}


def compose(*words: str) -> None:
    docker("compose", "--project-name", PROJECT, *words, cwd=LESSON)


class Stack:
    """The lesson's two databases, and Python with its flows in a container beside them."""

    def __init__(self) -> None:
        compose("up", "--detach", "shop", "warehouse")
        apart = ["--env=PREFECT_API_URL=", "--env=PREFECT_API_AUTH_STRING=", f"--volume={INSIDE}:/inside.py:ro"]
        apart += [f"--env=PREFECT_{part}_ENABLED=false" for part in QUIET]
        command = ["docker", "compose", "--project-name", PROJECT, "run", "--rm", "--no-deps", "--no-TTY", *apart]
        self.box = subprocess.Popen(
            [*command, "worker", "python", "-B", "/inside.py"],
            cwd=LESSON,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        compose("up", "--detach", "--wait", "shop", "warehouse")
        assert self.box.stdout and self.box.stdout.readline() == '"ready"\n'
        self.busy = False

    def begin(self, expression: str) -> None:
        """Have the box evaluate something; `end` waits for it and returns the value."""
        assert self.box.stdin
        self.box.stdin.write(json.dumps(expression) + "\n")
        self.box.stdin.flush()
        self.busy = True

    def end(self) -> Any:
        assert self.box.stdout
        answer = json.loads(self.box.stdout.readline())
        self.busy = False
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def ask(self, expression: str) -> Any:
        self.begin(expression)
        return self.end()

    def shop(self, sql: str) -> list[list[str]]:
        return self.rows("shop", "psql", "-U", "shop", "-qAt", "-F\t", "-v", "ON_ERROR_STOP=1", sql=sql)

    def warehouse(self, sql: str) -> list[list[str]]:
        return self.rows("warehouse", "clickhouse-client", "--database=shop", "--multiquery", sql=sql)

    @staticmethod
    def rows(service: str, *command: str, sql: str) -> list[list[str]]:
        done = subprocess.run(
            ["docker", "exec", "--interactive", f"{PROJECT}-{service}-1", *command],
            input=sql,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    @contextmanager
    def transaction(self, *statements: str) -> Iterator[None]:
        """A session of its own whose transaction stays open during the block, and is committed at its end."""
        command = ["docker", "exec", "--interactive", f"{PROJECT}-shop-1", "psql", "-U", "shop", "-qAt"]
        with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as psql:
            assert psql.stdin and psql.stdout
            print("BEGIN;", *(f"{statement};" for statement in statements), r"\echo open", file=psql.stdin, flush=True)
            while psql.stdout.readline() not in ("open\n", ""):
                pass
            yield
            with suppress(BrokenPipeError):  # the database was killed in the meantime
                print("COMMIT;", file=psql.stdin, flush=True)
            psql.communicate(timeout=60)

    def until(self, condition: str) -> None:
        """Wait for a condition on the shop, in SQL."""
        deadline = time.monotonic() + 120
        while self.shop(f"SELECT {condition}") != [["t"]]:
            assert time.monotonic() < deadline, condition
            time.sleep(0.1)

    def differing(self) -> int:
        """Rows that one side has and the other has not, each column compared by value; not with the flows' own code."""
        count = 0
        for table, columns in KINDS.items():
            wanted = ", ".join(IN_SHOP[kind].format(name) for name, kind in columns.items())
            present = ", ".join(IN_WAREHOUSE[kind].format(name) for name, kind in columns.items())
            sides = self.shop(f"SELECT {wanted} FROM {table}"), self.warehouse(f"SELECT {present} FROM {table}")
            left, right = (
                [
                    tuple(Decimal(v) if kind != "text" else v for v, kind in zip(row, columns.values(), strict=True))
                    for row in side
                ]
                for side in sides
            )
            assert len(right) == len(set(right)), "the warehouse shows a row twice"
            count += len(set(left) ^ set(right))
        return count


@pytest.fixture(scope="module")
def running() -> Iterator[Stack]:
    try:
        stack = Stack()
        with stack.box:
            yield stack
            compose(*DOWN)  # the box too: it ends, whatever it is doing
    finally:
        compose(*DOWN)


@pytest.fixture
def stack(running: Stack) -> Stack:
    """A shop with one customer, two products, three orders of one line each; an empty warehouse."""
    if running.busy:  # with the run of a test that failed
        running.end()
    running.shop("""TRUNCATE customers, products, orders, order_lines;
        INSERT INTO customers (id, name, region) VALUES (1, 'Ana', 'North');
        INSERT INTO products (id, name, category, price) VALUES (1, 'Pan', 'Kitchen', 20), (2, 'Jug', 'Kitchen', 10);
        INSERT INTO orders (id, customer_id, status, ordered_at)
        SELECT i, 1, 'paid', now() FROM generate_series(1, 3) AS i;
        INSERT INTO order_lines (id, order_id, product_id, quantity, unit_price)
        SELECT i, i, 1, i, 20 FROM generate_series(1, 3) AS i""")
    running.warehouse("DROP DATABASE IF EXISTS shop; CREATE DATABASE shop")
    running.ask("as_shipped()")
    return running


def passed(answer: dict[str, Any]) -> bool:
    return bool(answer["type"] == "COMPLETED")


def retries(answer: dict[str, Any]) -> int:
    return sum("Retry" in line for line in answer["log"])


def literal(text: str) -> str:
    """A text for SQL in which nothing can be misread."""
    return f"convert_from(decode('{text.encode().hex()}', 'hex'), 'UTF8')"


TEXTS = [
    "", " ", "  both  ", "a\tb", "a\nb", "a\r\nb", "back\\slash", "\\", "\\\\", "\\t", "\\N", "\\.", "NULL",
    "it's", 'a "quote"', "a|b", "|", "a,b;c", "ç ã ü ß", "日本", "🍳🇧🇷", "e\u0301", "\u00a0", "\b\f\v\x01\x7f",
    "x" * 100_000,
]  # fmt: skip
MONEY = ["0", "0.01", "0.10", "-0.01", "1.005", "4.999", "9999999999.99", "-9999999999.99"]
# ClickHouse's DateTime counts seconds from 1970 in 32 bits; version 18 stops reading dates at the end of 2105.
TIMES = ["1970-01-01 00:00:00+00", "1970-01-01 00:00:00.5+00", "2026-02-14 23:59:59.5+00",
         "2026-02-14 23:59:59.999999+00", "2026-10-25 01:30:00+02", "2105-12-31 23:59:59.999+00"]  # fmt: skip
NUMBERS = [-(2**63), -10_001, -10_000, -1, 0, 2**53 + 1, 2**63 - 1]


def insert(stack: Stack, table: str, rows: list[str]) -> None:
    """Rows as SQL, without their ids, which are counted from 100 on."""
    columns = ", ".join(KINDS[table])
    values = ", ".join(f"({number}, {row})" for number, row in enumerate(rows, 100))
    stack.shop(f"INSERT INTO {table} ({columns}) VALUES {values}")


def test_every_value_arrives_as_it_was(stack: Stack) -> None:
    insert(stack, "customers", [f"{literal(text)}, {literal(text[::-1])}" for text in TEXTS])
    insert(stack, "products", [f"'p', 'c', {price}" for price in MONEY])
    insert(stack, "orders", [f"1, 'paid', '{time}'" for time in TIMES])
    insert(stack, "order_lines", [f"1, 1, {2**31 - 1}, 9.99", "1, 1, 1, -9999999999.99"])
    stack.shop(f"INSERT INTO order_lines SELECT unnest(ARRAY{NUMBERS}), 1, 1, 1, 0, now()")
    assert passed(stack.ask("run('sales_etl')"))
    assert stack.differing() == 0
    assert stack.warehouse("SELECT ordered_at FROM orders WHERE id = 102") == [["2026-02-14 23:59:59"]]  # not rounded
    assert passed(stack.ask("run('reconcile')"))
    assert stack.differing() == 0


@pytest.mark.parametrize("moment", ["1969-12-31 23:59:59.9+00", "2106-02-07 06:28:16+00", "12000-01-01", "infinity"])
def test_a_time_that_clickhouse_cannot_hold_fails_loudly(stack: Stack, moment: str) -> None:
    insert(stack, "orders", [f"1, 'paid', '{moment}'"])
    answer = stack.ask("run('sales_etl')")
    assert answer["type"] == "FAILED" and ("orders: sent" in answer["message"] or "ordered_at" in answer["message"])
    assert stack.warehouse("SELECT count() FROM watermarks") == [["0"]]
    assert retries(answer) == 0


@pytest.mark.parametrize("shipped", [True, False])
def test_a_transaction_that_stays_open_across_a_load(stack: Stack, shipped: bool) -> None:
    """Its rows bear a stamp older than the load; with the watermark read inside the snapshot they are lost."""
    if not shipped:
        stack.ask("watermark_inside_the_snapshot()")
    with stack.transaction("UPDATE order_lines SET quantity = 7 WHERE id = 1"):
        stack.shop("UPDATE order_lines SET quantity = 8 WHERE id = 2")
        time.sleep(MARGIN)
        assert passed(stack.ask("run('sales_etl')"))
        time.sleep(MARGIN)
    assert passed(stack.ask("run('sales_etl')"))
    assert stack.warehouse("SELECT id, quantity FROM order_lines ORDER BY id")[0][1] == ("7" if shipped else "1")
    assert stack.differing() == (0 if shipped else 2)


def test_the_transaction_that_began_first_commits_last(stack: Stack) -> None:
    """With now() in place of clock_timestamp() the row's stamp would go back, and a load between be its last."""
    with stack.transaction("SELECT now()", "UPDATE customers SET region = 'x'"):
        stack.shop("UPDATE order_lines SET quantity = 111 WHERE id = 1")
        assert passed(stack.ask("run('sales_etl')"))
        time.sleep(MARGIN)
        stack.shop("UPDATE order_lines SET quantity = 222 WHERE id = 1")
    assert passed(stack.ask("run('sales_etl')"))
    assert stack.differing() == 0


def test_a_stamp_that_went_backwards_is_repaired_at_night(stack: Stack) -> None:
    time.sleep(MARGIN)
    assert passed(stack.ask("run('sales_etl')"))
    stack.shop("SET session_replication_role = replica; UPDATE order_lines SET quantity = 9, updated_at = 'yesterday'")
    assert stack.ask("run('sales_etl')")["name"] == "NothingNew"
    assert stack.differing() == 6  # three rows, each as it is here and as it is there
    assert "order_lines 1" in stack.ask("run('reconcile')")["message"]
    assert stack.differing() == 0


def test_rows_removed_from_the_shop_get_a_tombstone_at_night(stack: Stack) -> None:
    stack.shop("INSERT INTO order_lines SELECT i * 10000, 1, 1, 1, 5, now() FROM generate_series(1, 9) AS i")
    assert passed(stack.ask("run('sales_etl')"))
    stack.shop("DELETE FROM orders WHERE id = 2; DELETE FROM order_lines WHERE id IN (3, 50000)")
    stack.ask("run('sales_etl')")
    assert stack.differing() == 4  # the order, its line, and two lines: hard deletes leave no stamp
    assert "orders 1, order_lines 2" in stack.ask("run('reconcile')")["message"]
    assert stack.differing() == 0
    assert "orders 0, order_lines 0" in stack.ask("run('reconcile')")["message"]
    stack.shop("INSERT INTO order_lines VALUES (3, 1, 1, 1, 5, now())")  # it comes back
    assert passed(stack.ask("run('sales_etl')"))
    assert stack.differing() == 0


def test_an_emptied_shop_empties_the_warehouse(stack: Stack) -> None:
    assert passed(stack.ask("run('sales_etl')"))
    stack.shop("TRUNCATE customers, products, orders, order_lines")
    assert passed(stack.ask("run('reconcile')"))
    assert stack.differing() == 0 and stack.warehouse("SELECT count() FROM sales") == [["0"]]


def test_a_role_that_cannot_see_open_transactions_is_refused(stack: Stack) -> None:
    stack.shop("REVOKE pg_read_all_stats FROM etl")
    try:
        answer = stack.ask("run('sales_etl')")
    finally:
        stack.shop("GRANT pg_read_all_stats TO etl")
    assert answer["type"] == "FAILED" and "GRANT pg_read_all_stats" in answer["message"] and retries(answer) == 0
    assert stack.warehouse("SELECT count() FROM watermarks") == [["0"]]


def test_start_and_end_load_a_part_and_leave_the_watermark(stack: Stack) -> None:
    assert passed(stack.ask("run('sales_etl')"))
    watermark = stack.warehouse("SELECT max(watermark) FROM watermarks")
    stack.shop("""SET session_replication_role = replica;
        UPDATE order_lines SET quantity = 9, updated_at = timestamptz '2026-03-01 00:00+00' + id * interval '1 hour'""")
    for zone in ("", "+00:00"):
        start, end = (f"datetime.fromisoformat('2026-03-01T0{hour}:00:00{zone}')" for hour in (2, 3))
        assert stack.ask(f"run('sales_etl', start={start}, end={end})")["message"] == "1 rows"
    assert stack.warehouse("SELECT id FROM order_lines WHERE quantity = 9") == [["2"]]
    assert stack.ask("run('sales_etl', start=datetime(2026, 3, 1, 3))")["message"].endswith("rows")
    assert stack.warehouse("SELECT id FROM order_lines WHERE quantity = 9 ORDER BY id") == [["2"], ["3"]]
    assert stack.warehouse("SELECT max(watermark) FROM watermarks") == watermark
    assert stack.ask("run('sales_etl', full=True)")["message"] == "9 rows"
    assert stack.differing() == 0


def test_nothing_new_makes_no_report(stack: Stack) -> None:
    time.sleep(MARGIN)
    first = stack.ask("run('sales_etl')")
    assert first["message"] == "9 rows" and any("subflow" in line for line in first["log"])
    again = stack.ask("run('sales_etl')")
    assert again["name"] == "NothingNew" and passed(again) and not any("subflow" in line for line in again["log"])
    assert stack.warehouse("SELECT count() FROM order_lines_versions") == [["3"]]


def test_a_report_is_computed_again_when_something_was_loaded_and_only_then(stack: Stack) -> None:
    today = "run('daily_report', day=daily_report.today())"
    stack.ask("run('sales_etl')")
    cached = stack.ask(today)
    assert sum("Cached" in line for line in cached["log"]) == 3
    assert stack.ask("artifact('revenue-by-product')") == [{"product": "Pan", "revenue": "120.00"}]
    stack.shop("DELETE FROM order_lines WHERE id = 3")
    stack.ask("run('reconcile')")  # moves no watermark
    assert not any("Cached" in line for line in stack.ask(today)["log"])
    assert stack.ask("artifact('revenue-by-product')") == [{"product": "Pan", "revenue": "60.00"}]
    stack.shop("SET session_replication_role = replica; UPDATE order_lines SET quantity = 4, updated_at = '2026-03-01'")
    assert stack.ask("run('sales_etl', start=datetime(2026, 2, 28), end=datetime(2026, 3, 2))")["message"] == "2 rows"
    assert stack.ask("artifact('revenue-by-product')") == [{"product": "Pan", "revenue": "160.00"}]


@pytest.mark.parametrize("change", ["DELETE WHERE id = 2", "UPDATE quantity = 5 WHERE id = 2"])
def test_the_check_sees_a_row_that_was_lost_or_changed_on_the_way(stack: Stack, change: str) -> None:
    stack.ask("run('sales_etl')")
    copied = stack.ask("copied('order_lines')")
    assert copied == 3 and stack.ask("check_of_the_copy()") == 3
    stack.warehouse(f"ALTER TABLE order_lines_versions {change}")
    while stack.warehouse("SELECT count() FROM system.mutations WHERE is_done = 0") != [["0"]]:
        time.sleep(0.05)
    assert "order_lines: sent 3 rows, " in stack.ask("check_of_the_copy()")


def test_a_value_that_changes_on_the_way_fails_the_run_and_saves_no_watermark(stack: Stack) -> None:
    """A column too small for its values: ClickHouse takes them, cut to eight bits, without a word."""
    stack.warehouse("""CREATE TABLE order_lines_versions (id Int64, order_id Int64, product_id Int64, quantity Int8,
        unit_price Decimal(12, 2), deleted UInt8, ver UInt64) ENGINE = ReplacingMergeTree(ver) ORDER BY id""")
    assert passed(stack.ask("run('sales_etl')"))
    before = stack.warehouse("SELECT max(watermark) FROM watermarks")
    stack.shop("UPDATE order_lines SET quantity = 300 WHERE id = 1")
    answer = stack.ask("run('sales_etl')")
    assert answer["type"] == "FAILED" and "order_lines: sent" in answer["message"] and retries(answer) == 0
    assert stack.warehouse("SELECT max(watermark) FROM watermarks") == before
    assert stack.ask("run('reconcile')")["type"] == "FAILED"


def test_missed_runs_of_the_schedule_are_skipped(stack: Stack) -> None:
    late = stack.ask("run_late('sales_etl', 121, 'auto-scheduled')")
    assert (late["type"], late["name"]) == ("CANCELLED", "Skipped") and "more than 0:02:00" in late["message"]
    assert stack.warehouse("SHOW TABLES") == []
    assert passed(stack.ask("run_late('sales_etl', 60, 'auto-scheduled')"))
    assert passed(stack.ask("run_late('sales_etl', 86400)")), "a person asked for this one"
    assert stack.ask("run_late('reconcile', 7 * 3600, 'auto-scheduled')")["name"] == "Skipped"
    assert stack.ask("run_late('daily_report', 13 * 3600, 'auto-scheduled')")["name"] == "Skipped"
    assert passed(stack.ask("run_late('daily_report', 11 * 3600, 'auto-scheduled')"))


def test_the_load_with_the_older_snapshot_loses_also_when_it_is_the_later_one(stack: Stack) -> None:
    """A restart of PostgreSQL frees the lock of a load that goes on: two may be at work, the slower one older."""
    stack.ask("run('sales_etl')")
    assert stack.ask("take_snapshot()") == 1
    stack.shop(
        "UPDATE customers SET region = 'South'; INSERT INTO customers (id, name, region) VALUES (2, 'Davi', 'x')"
    )
    stack.ask("run('sales_etl')")
    stack.ask("load_from_snapshot('customers')")
    assert stack.differing() == 0


def test_a_clock_that_went_back_stops_no_load(stack: Stack) -> None:
    stack.ask("run('sales_etl')")
    stack.warehouse(
        "INSERT INTO customers_versions SELECT id, name, region, 0, ver + 3600000000 FROM customers_versions"
    )
    stack.shop("UPDATE customers SET region = 'South'")
    assert passed(stack.ask("run('sales_etl')"))
    assert stack.differing() == 0


def test_a_second_load_waits_for_the_first(stack: Stack) -> None:
    with stack.transaction("SELECT pg_advisory_lock(4713)"):
        stack.begin("run('sales_etl')")
        stack.until("EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")
        assert stack.warehouse("SHOW TABLES") == []
    assert passed(stack.end()) and stack.differing() == 0


@pytest.mark.parametrize("service", ["warehouse", "shop"])
def test_a_database_that_is_away_for_some_seconds_is_waited_for(stack: Stack, service: str) -> None:
    assert passed(stack.ask("run('sales_etl')"))
    stack.shop("UPDATE order_lines SET quantity = 9")
    with stack.transaction("LOCK TABLE customers"):
        stack.begin("run('sales_etl')")  # its first copy waits for the lock
        stack.until("EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        docker("kill", f"{PROJECT}-{service}-1")
    time.sleep(2)
    compose("up", "--detach", "--wait", service)
    answer = stack.end()
    assert passed(answer) and retries(answer) > 0
    assert stack.differing() == 0


def test_a_first_start_of_the_warehouse_that_was_killed_left_no_database(stack: Stack) -> None:
    stack.warehouse("DROP DATABASE shop")
    stack.ask("warehouse.open_warehouse.cache_clear()")  # each run is a process of its own, but here
    assert passed(stack.ask("run('sales_etl')")) and stack.differing() == 0


@pytest.mark.parametrize(
    ("manner", "attempts", "words"),
    [
        ("gave_up", 4, "Code: 209"),  # the stream had paused for too long: ClickHouse answers so since 18
        ("hung_up", 4, ""),
        ("refused", 1, "Code: 60"),
    ],
)
def test_an_insert_is_tried_again_when_the_error_may_pass(stack: Stack, manner: str, attempts: int, words: str) -> None:
    for size in (1, 100_000, 20_000_000):
        tried, error = stack.ask(f"insert_into_a_server_that({manner}, {size})")
        assert tried == attempts and words in error, (size, error)


def stop_halfway(stack: Stack, expression: str) -> None:
    """Begin something that copies the customers, and freeze the warehouse so that the stream stands still, halfway."""
    stack.shop("""ALTER TABLE customers ALTER COLUMN name SET STORAGE EXTERNAL;
        INSERT INTO customers SELECT i, repeat(md5(i::text), 500), 'x', now() FROM generate_series(2, 3000) AS i""")
    with stack.transaction("LOCK TABLE customers"):
        stack.begin(expression)
        stack.until("EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        docker("pause", f"{PROJECT}-warehouse-1")
    stack.until("EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'COPY%' AND wait_event = 'ClientWrite')")


@pytest.mark.parametrize("service", ["warehouse", "shop"])
def test_a_database_that_is_killed_in_the_middle_of_a_stream(stack: Stack, service: str) -> None:
    stop_halfway(stack, "run('sales_etl')")
    docker("kill", f"{PROJECT}-{service}-1")
    if service == "shop":
        docker("unpause", f"{PROJECT}-warehouse-1")
    compose("up", "--detach", "--wait", service)
    answer = stack.end()
    assert passed(answer) and retries(answer) > 0, answer
    assert stack.differing() == 0


def test_a_load_that_fails_leaves_no_thread_on_a_closed_connection(stack: Stack) -> None:
    stack.ask("run('sales_etl')")
    stop_halfway(stack, "threads_after_a_failed_load('customers')")
    docker("kill", f"{PROJECT}-warehouse-1")
    compose("up", "--detach", "--wait", "warehouse")
    assert stack.end() == 0


def test_an_error_that_stays_is_not_tried_again(stack: Stack) -> None:
    stack.shop("ALTER TABLE customers RENAME COLUMN region TO area")
    try:
        answer = stack.ask("run('sales_etl')")
    finally:
        stack.shop("ALTER TABLE customers RENAME COLUMN area TO region")
    assert answer["type"] == "FAILED" and 'column "region" does not exist' in answer["message"] and retries(answer) == 0
    stack.warehouse("""DROP TABLE IF EXISTS customers_versions;
        CREATE TABLE customers_versions (id Int64, region String, deleted UInt8, ver UInt64)
        ENGINE = MergeTree ORDER BY id""")
    answer = stack.ask("run('sales_etl')")
    assert answer["type"] == "FAILED" and "name" in answer["message"] and retries(answer) == 0


def test_a_load_of_200_megabytes_takes_no_memory_for_them(stack: Stack) -> None:
    stack.ask("run('sales_etl')")
    stack.shop("""ALTER TABLE customers ALTER COLUMN name SET STORAGE EXTENDED;
        INSERT INTO customers SELECT i, repeat('x', 10000), 'x', now() FROM generate_series(2, 20000) AS i""")
    assert stack.ask("peak_of(lambda: run('sales_etl'))") < 32  # megabytes
    assert stack.warehouse("SELECT sum(length(name)) FROM customers")[0][0] == str(19_999 * 10_000 + 3)
