"""The program of the box (see lab.prefect_box): a Prefect server, a web server, and the learner's programs.

It runs in the container, on the standard library alone: a request is one line of JSON on standard input, its answer one
line on standard output. At the end of the input it ends, and the container with it, however `lab` came to its end.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

API = "http://127.0.0.1:4200/api"
PATIENCE = 90  # seconds within which the server has to answer
MOST_TEXT = 20_000  # bytes of a program's output, the last ones, that are looked at
# A flow that is not async ends on the next full second because of its heartbeat, and no environment variable can turn
# that off. Without it each program of a check takes a second less.
RUNNER = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (10**8, 10**8))  # a loop that prints fills no memory
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
del sys.argv[0]
sys.path[0] = ""
with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
    runpy.run_path(sys.argv[0], run_name="__main__")
"""

requests: queue.Queue[dict[str, Any]] = queue.Queue()
visits: list[dict[str, Any]] = []  # what the web server was asked
statuses: dict[str, list[int]] = {}  # and with what it answers, path by path; 200 when there is nothing left


class Web(BaseHTTPRequestHandler):
    """Answers with a rate that is different each time, notes who came and when, and fails as often as it is told."""

    def answer(self) -> None:
        """Answer a GET or a POST."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode(errors="replace")
        visits.append({"method": self.command, "path": self.path, "body": body, "seconds": time.monotonic()})
        planned = statuses.get(self.path)
        content = json.dumps({"rate": 5 + len(visits) / 100}).encode()
        self.send_response(planned.pop(0) if planned else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *_: Any) -> None:
        """Keep quiet: the visits are noted."""


def api(path: str, method: str = "POST", body: Any = None) -> Any:
    """Ask the Prefect server, and return what its JSON says."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, content, {"Content-Type": "application/json"}, method=method)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                text = response.read()
            return json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            if (
                error.code != 503 or time.monotonic() > deadline
            ):  # 503: SQLite is locked; Prefect's own client waits too
                raise
        time.sleep(0.2)


def run(
    folder: str,
    words: list[str],
    seconds: float,
    files: dict[str, str],
    settings: dict[str, str],
    answers: dict[str, list[int]],
) -> dict[str, Any]:
    """Write the files into the folder and run a program there; its code is None when it took more than `seconds`."""
    home = Path("/tmp/work", folder)
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    visits.clear()
    statuses.clear()
    statuses.update(answers)
    command = words if words[0] == "prefect" else [sys.executable, "-c", RUNNER, *words]
    running = processes()
    environment = os.environ | {"PREFECT_LOCAL_STORAGE_PATH": str(home / "results")} | settings
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )  # fmt: skip
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        for leftover in processes() - running:  # a worker's flows, and what the learner started
            with contextlib.suppress(ProcessLookupError):
                os.kill(leftover, signal.SIGKILL)
        process.wait()
        return {"code": code, "output": last(output), "errors": last(errors), "visits": list(visits)}


def processes() -> set[int]:
    """The ids of all processes in the container."""
    return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}


def last(file: IO[bytes]) -> str:
    """The last MOST_TEXT bytes of a file."""
    file.seek(max(file.seek(0, os.SEEK_END) - MOST_TEXT, 0))
    return file.read().decode(errors="replace")


def start_server() -> None:
    """Start Prefect's server and wait until it answers; SystemExit with its last words when it does not."""
    log = Path("/tmp/server.log")
    with log.open("w") as out:
        server = subprocess.Popen(["prefect", "server", "start"], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            api("/health", "GET")
            return
        except OSError:
            time.sleep(0.2)
    sys.exit(([line for line in log.read_text().splitlines() if line.strip()] or ["no server"])[-1])


def listen() -> None:
    """Take requests as they come; at the end of the input, end at once, whatever is under way."""
    for line in sys.stdin:
        requests.put(json.loads(line))
    os._exit(0)


def main() -> None:
    """Answer requests, one after the other."""
    threading.Thread(target=listen, daemon=True).start()
    threading.Thread(target=ThreadingHTTPServer(("127.0.0.1", 8080), Web).serve_forever, daemon=True).start()
    start_server()
    api("/work_pools/", body={"name": "lab", "type": "process"})
    print(json.dumps("ready"), flush=True)
    while True:
        request = requests.get()
        answer = run(**request) if request.pop("do") == "run" else api(**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
