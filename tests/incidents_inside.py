# mypy: ignore-errors
"""Runs in a container of 04-incidents for tests/test_04_incidents.py: Python in, what both collectors did out.

A request is one line of JSON with an expression; the answer is one line of JSON with its value, or with its error.
"""

import json
import logging
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, "/lesson/flows")  # as Prefect does for an entrypoint in that folder

import httpx
from prefect.artifacts import Artifact
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.testing.utilities import prefect_test_harness

import client
import collect
import incidents_by_pop
import table

DATA = Path("/data")
FILES = ("incidents.csv", "rejects.csv")
lines: list[str] = []
admin = httpx.Client(base_url=client.URL.split("/v2/")[0] + "/admin/", timeout=60)


class Notes(logging.Handler):
    """Keeps what loggers say, with the name of the run."""

    def emit(self, record: logging.LogRecord) -> None:
        name = getattr(record, "task_run_name", None) or getattr(record, "flow_run_name", "")
        lines.append(f"{name}: {record.getMessage()}")


def prefect() -> dict[str, Any]:
    """One run of the flow: the name and the message of its state, and its own name."""
    state = incidents_by_pop.incidents_by_pop(folder=str(DATA / "prefect"), return_state=True)
    with get_client(sync_client=True) as server:
        run = server.read_flow_run(state.state_details.flow_run_id)
    return {"end": state.name, "message": state.message or "", "name": run.name}


def twin() -> dict[str, Any]:
    """One run of the program for cron: its exit code."""
    os.environ["FOLDER"] = str(DATA / "asyncio")
    return {"end": collect.main()}


def seen(run: Callable[[], dict[str, Any]], faults: list[dict[str, Any]]) -> dict[str, Any]:
    """A run under faults: how it ended, its log, its files, and what the API has answered meanwhile."""
    lines.clear()
    admin.post("faults", json=faults)
    ended = run()
    folder = DATA / ("prefect" if run is prefect else "asyncio")
    files = {name: (folder / name).read_text() if (folder / name).exists() else "" for name in FILES}
    return ended | files | {"log": list(lines)} | admin.get("record").json()


def both(*faults: dict[str, Any], anew: bool = True) -> dict[str, Any]:
    """A run of each collector under the same faults, in empty folders unless told otherwise; and the truth."""
    for folder in ("prefect", "asyncio") if anew else ():
        shutil.rmtree(DATA / folder, ignore_errors=True)
    runs = {"prefect": seen(prefect, list(faults)), "asyncio": seen(twin, list(faults))}
    return runs | {"truth": admin.get("truth").json()}


def artifact() -> list[dict[str, Any]]:
    """The data of the newest table."""
    return json.loads(Artifact.get("incidents-by-pop").data)


def held(seconds: float) -> str:
    """What a second collector in the same folder is told."""
    with table.one_collector(DATA / "held"):
        try:
            with table.one_collector(DATA / "held", seconds):
                return "two at once"
        except TimeoutError as error:
            return str(error)


def merged(*steps: tuple[dict[str, list[str]], list[str]]) -> list[Any]:
    """What merges of rows (by id) and of ids that go leave in one file, and what each counted."""
    path = DATA / "merged.csv"
    path.unlink(missing_ok=True)
    return [[*table.merge(path, ["id", "text"], rows, gone), path.read_text()] for rows, gone in steps]


def verdicts() -> dict[str, list[Any]]:
    """What classify says to each kind of failure."""
    request = httpx.Request("GET", client.URL)

    def status(code: int, **headers: str) -> httpx.HTTPStatusError:
        response = httpx.Response(code, headers={name.replace("_", "-"): text for name, text in headers.items()})
        return httpx.HTTPStatusError("", request=request, response=response)

    errors = {
        **{str(code): status(code) for code in (400, 401, 404, 422, 429, 500, 502, 503)},
        "429 in 7 s": status(429, Retry_After="7"),
        "503 in 7 s": status(503, Retry_After="7"),
        "503 long ago": status(503, Retry_After="Fri, 31 Dec 1999 23:59:59 GMT"),
        "503 never": status(503, Retry_After="soon"),
        "429 in an hour": status(429, Retry_After="3600"),
        "no connection": httpx.ConnectError(""),
        "no answer": httpx.ReadTimeout(""),
        "half an answer": json.JSONDecodeError("", "", 0),
        "half a letter": UnicodeDecodeError("utf-8", b"\xc3", 0, 1, ""),
        "another schema": ValueError(""),
    }
    return {
        name: [verdict.again, verdict.after] for name, error in errors.items() for verdict in [client.classify(error)]
    }


def main() -> None:
    """Answer requests until there are no more."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    with (
        temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}),
        prefect_test_harness(server_startup_timeout=240),
    ):
        for logger in ("prefect.flow_runs", "prefect.task_runs", "collect"):
            logging.getLogger(logger).addHandler(Notes())
        admin.post("freeze")
        print(json.dumps("ready"), file=answers, flush=True)
        for line in sys.stdin:
            try:
                answer = {"value": eval(json.loads(line))}
            except Exception:
                answer = {"error": traceback.format_exc()}
            print(json.dumps(answer, default=str), file=answers, flush=True)


if __name__ == "__main__":
    main()
