# mypy: ignore-errors
"""Runs in a container of 03-prefect for tests/test_03_flows.py: Python in, what the flows said and did out.

A request is one line of JSON with an expression; the answer is one line of JSON with its value, or with its error.
"""

import json
import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, "/lesson/flows")  # as Prefect does for an entrypoint in that folder

import requests
from prefect import Flow, tags
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.states import Scheduled
from prefect.testing.utilities import prefect_test_harness

import daily_report
import load
import policies
import reconcile
import sales_etl
import source
import warehouse

FLOWS = {
    "sales_etl": sales_etl.sales_etl,
    "reconcile": reconcile.reconcile.with_options(retry_delay_seconds=0),  # as often as shipped, without the minutes
    "daily_report": daily_report.daily_report,
}
lines: list[str] = []
PLAN = sales_etl.plan  # as shipped
kept: list[Any] = []
old: list[Any] = []


class Notes(logging.Handler):
    """Keeps what Prefect's loggers say, with the name of the run."""

    def emit(self, record: logging.LogRecord) -> None:
        name = getattr(record, "task_run_name", None) or getattr(record, "flow_run_name", "")
        lines.append(f"{name}: {record.getMessage()}")


def outcome(state: Any) -> dict[str, Any]:
    return {"type": state.type.value, "name": state.name, "message": state.message or "", "log": list(lines)}


def run(flow: str, **parameters: Any) -> dict[str, Any]:
    """Run a flow to its end, whatever that is."""
    return outcome(FLOWS[flow](**parameters, return_state=True))


def run_late(flow: str, seconds: float, *labels: str) -> dict[str, Any]:
    """Run a flow that was due some seconds ago, with these tags."""
    due: Any = datetime.now(UTC) - timedelta(seconds=seconds)
    wanted: Flow[..., Any] = FLOWS[flow]
    with get_client(sync_client=True) as client, tags(*labels):
        planned = client.create_flow_run(wanted, state=Scheduled(scheduled_time=due), tags=labels)
    return outcome(run_flow(wanted, flow_run=planned, return_type="state"))


def copied(table: str) -> int:
    """Copy a whole table by the flow's task, and keep what it returned for the check."""
    kept[:] = [sales_etl.copy_table(table, "true")]
    return len(kept) and sum(rows for rows, _ in kept[0][2].values())


def check_of_the_copy() -> int | str:
    """What the flow's task says to it: the number of rows, or its error."""
    try:
        return sales_etl.check_table(kept[0])
    except ValueError as error:
        return str(error)


def artifact(key: str) -> Any:
    """The data of the newest artifact with this key."""
    return json.loads(Artifact.get(key).data)


def watermark_inside_the_snapshot() -> None:
    """The usual mistake: the moment up to which everything has been read is taken with the rows, or after them."""

    def plan(start: Any, end: Any, full: bool) -> tuple[str, int]:
        sales_etl.create_tables(opened := warehouse.open_warehouse())
        with source.snapshot() as now_open:
            [(now,)] = source.query(now_open, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
        return load.changed(load.last_watermark(opened), None), now

    sales_etl.plan = plan


def as_shipped() -> None:
    sales_etl.plan = PLAN


def peak_of(call: Callable[[], Any]) -> int:
    """By how many megabytes the memory of this process grew at most during a call."""
    status = Path("/proc/self/status")
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1])
    call()
    return (int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) - before) // 1024


def take_snapshot() -> int:
    """Look at the shop as a load does that is about to begin, and keep the connection."""
    old[:] = [source.snapshot()]
    old.append(old[0].__enter__())
    return len(source.query(old[1], "SELECT * FROM customers"))


def load_from_snapshot(table: str) -> None:
    """Go on with that load, much later."""
    load.load(old[1], warehouse.open_warehouse(), table, "true")
    old[0].__exit__(None, None, None)


def threads_after_a_failed_load(table: str) -> int:
    """How many threads still push rows into a pipe when a load has raised its error."""
    try:
        sales_etl.copy_table.fn(table, "true")
    except requests.ConnectionError:
        return sum("push" in thread.name for thread in threading.enumerate())
    raise AssertionError("the load did not fail")


def gave_up(request: BaseHTTPRequestHandler) -> None:
    """A part of the body, then the words of a ClickHouse that has waited for the rest for http_receive_timeout."""
    request.rfile.read1()
    reply(request, 503, "Code: 209. DB::Exception: Timeout exceeded while reading from socket. (SOCKET_TIMEOUT)")


def hung_up(request: BaseHTTPRequestHandler) -> None:
    """A part of the body, and no word."""
    request.rfile.read1()
    request.close_connection = True


def refused(request: BaseHTTPRequestHandler) -> None:
    """An answer before the body has been read."""
    reply(request, 404, "Code: 60. DB::Exception: Table shop.customers_versions does not exist. (UNKNOWN_TABLE)")


def reply(request: BaseHTTPRequestHandler, status: int, words: str) -> None:
    request.send_response(status)
    request.send_header("Connection", "close")
    request.end_headers()
    request.wfile.write(words.encode())
    request.connection.shutdown(1)  # no more from here; what is still on its way is read, and thrown away
    with suppress(OSError):
        while request.rfile.read1():
            pass


def insert_into_a_server_that(behaves: Callable[[BaseHTTPRequestHandler], None], size: int) -> tuple[int, str]:
    """How often the flows' own kind of task tries to insert so many bytes, and the error that it ends with."""
    tries: list[int] = []

    class Rude(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            tries.append(1)
            behaves(self)

    opened = warehouse.ClickHouse(os.environ["WAREHOUSE_URL"])
    with ThreadingHTTPServer(("127.0.0.1", 0), Rude) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened.http = f"http://127.0.0.1:{server.server_port}/"

        def insert() -> None:
            opened.insert("customers_versions", "id", (b"1\n" * 50_000 for _ in range(size // 100_000 + 1)))

        state = policies.retrying_task(insert, retry_delay_seconds=0, persist_result=False)(return_state=True)
        server.shutdown()
    return len(tries), str(state.result(raise_on_failure=False))


def main() -> None:
    """Answer requests until there are no more."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), prefect_test_harness(server_startup_timeout=90):
        for logger in ("prefect.flow_runs", "prefect.task_runs"):
            logging.getLogger(logger).addHandler(Notes())
        print(json.dumps("ready"), file=answers, flush=True)
        for line in sys.stdin:
            lines.clear()
            try:
                answer = {"value": eval(json.loads(line))}
            except Exception:
                answer = {"error": traceback.format_exc()}
            print(json.dumps(answer, default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
