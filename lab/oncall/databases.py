"""What the shop and the warehouse have to say: which rows are lost, doubled or late. Nothing here writes."""

from dataclasses import dataclass
from itertools import pairwise

from engine.core import UserError
from engine.docker import docker
from lab.faults.stack import Stack

Orders = frozenset[str]  # a line for each order of the shop, of what never changes in it
Watermarks = set[float]  # until when the loads that have ended have read the shop, in seconds since 1970

# Of each table what readers compare: columns whose text is the same in PostgreSQL and in ClickHouse.
COMPARED = {"orders": ("id", "customer_id", "status"), "order_lines": ("id", "order_id", "product_id", "quantity")}
CHANGING = ("customers", "products", *COMPARED)


@dataclass(frozen=True)
class Rows:
    """Rows that a shift has harmed.

    `lost`: changes that a load says to have brought and that are not in the warehouse, and orders that are no longer
    in the shop as they were. `doubled`: rows that a reader of the warehouse gets more than once. `late`: changes that
    waited longer than two intervals of the schedule for a load.
    """

    lost: int
    doubled: int
    late: int


def of_warehouse(stack: Stack, query: str) -> list[str]:
    """The lines that the warehouse answers, tabs between columns. Raises UserError when it cannot be asked."""
    stack.require("warehouse")
    warehouse = stack.of("warehouse")[0]
    login = {"user": "CLICKHOUSE_USER", "password": "CLICKHOUSE_PASSWORD", "database": "CLICKHOUSE_DB"}
    words = [f"--{option}={warehouse.variable(name)}" for option, name in login.items()]
    return docker("exec", warehouse.name, "clickhouse-client", *words, f"--query={query}", timeout=60).splitlines()


def of_shop(stack: Stack, query: str) -> list[str]:
    """The lines that the shop answers, | between columns. Raises UserError when it cannot be asked."""
    stack.require("shop")
    return stack.psql(query).splitlines()


def orders(stack: Stack) -> Orders:
    """The orders of the shop. Raises UserError when it does not answer."""
    return frozenset(of_shop(stack, "SELECT id, customer_id, extract(epoch FROM ordered_at) FROM orders"))


def watermarks(stack: Stack) -> Watermarks:
    """Those of all loads that have ended. Raises UserError when the warehouse does not answer, or has had no load."""
    if not (lines := of_warehouse(stack, "SELECT watermark FROM watermarks")):  # the first load is under way
        raise UserError("the warehouse has had no load")
    return {int(line) / 1e6 for line in lines}


def count(stack: Stack, before: Orders, seen: Watermarks, since: float, until: float, grace: float) -> Rows | None:
    """The rows harmed between two moments; None when a database does not answer.

    `before` are the orders from before the fault, `seen` the watermarks that were seen since, and a change is late
    after `grace` seconds.
    """
    try:
        last = max(watermarks(stack))
        there = {table: read(stack, table) for table in COMPARED}
        # The shop is read last: what has changed there meanwhile is younger than the watermark, and does not count.
        missing = sum(len(changed(stack, table, last) - set(there[table])) for table in COMPARED)
        altered = len(before - orders(stack))
        doubled = sum(len(lines) - len({line.partition("|")[0] for line in lines}) for lines in there.values())
        return Rows(missing + altered, doubled, late(stack, seen | {last}, since, until, grace))
    except UserError:
        return None


def read(stack: Stack, table: str) -> list[str]:
    """What a reader of the warehouse gets of a table."""
    return [
        line.replace("\t", "|") for line in of_warehouse(stack, f"SELECT {', '.join(COMPARED[table])} FROM {table}")
    ]


def changed(stack: Stack, table: str, until: float) -> set[str]:
    """The rows of the shop that have not changed since a moment."""
    return set(of_shop(stack, f"SELECT {', '.join(COMPARED[table])} FROM {table} WHERE updated_at < {at(until)}"))


def late(stack: Stack, seen: Watermarks, since: float, until: float, grace: float) -> int:
    """How many rows changed that long before the next load, if it came at all."""
    loads = sorted({*(one for one in seen if one < until), until})
    first = max((one for one in loads if one <= since), default=since)
    gaps = [(start, end - grace) for start, end in pairwise(loads) if start >= first and end - start > grace]
    return sum(
        int(of_shop(stack, f"SELECT count(*) FROM {table} WHERE updated_at >= {at(start)} AND updated_at < {at(end)}")[0])
        for start, end in gaps
        for table in CHANGING
    )  # fmt: skip


def at(seconds: float) -> str:
    """A moment, as PostgreSQL reads it."""
    return f"to_timestamp({seconds:.6f})"
