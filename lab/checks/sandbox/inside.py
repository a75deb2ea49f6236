"""The program in the sandbox (see host.py): a Prefect server, a web server, and the learner's programs.

It runs in the container, on the standard library alone: a request is one line of JSON on standard input, its answer one
line on standard output. At the end of the input it ends, and the container with it, however `lab` ended.
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
DEADLINE = 180  # seconds within which the server has to answer
MOST_TEXT = 20_000  # bytes: of a program's output only the last ones count
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
visits: list[dict[str, Any]] = []  # the requests that the web server had
# Path → its next answers, each a status code, or an object with status, headers and body; after them 200.
statuses: dict[str, list[Any]] = {}


class Web(BaseHTTPRequestHandler):
    """Answers with a rate that is different each time, notes each request, and fails as often as `statuses` says."""

    def answer(self) -> None:
        """Answer a GET or a POST."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode(errors="replace")
        visits.append({"method": self.command, "path": self.path, "body": body, "seconds": time.monotonic()})
        planned = statuses.get(self.path)
        plan = planned.pop(0) if planned else 200
        plan = plan if isinstance(plan, dict) else {"status": plan}
        content = plan.get("body", json.dumps({"rate": 5 + len(visits) / 100})).encode()
        self.send_response(plan["status"])
        for name, value in {"Content-Type": "application/json", **plan.get("headers", {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *_: Any) -> None:
        """Print nothing: the visits are noted."""


def api(path: str, method: str = "POST", body: Any = None) -> Any:
    """What the API of the Prefect server answers."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, content, {"Content-Type": "application/json"}, method=method)
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE) as response:
                return json.loads(response.read() or "null")
        except urllib.error.HTTPError as error:
            is_locked = error.code == 503  # SQLite is; Prefect's own client waits too
            if not is_locked or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def run(
    folder: str,
    words: list[str],
    seconds: float,
    files: dict[str, str],
    settings: dict[str, str],
    answers: dict[str, list[Any]],
) -> dict[str, Any]:
    """Write the files into the folder and run a program there; its code is None when it took longer than `seconds`."""
    home = Path("/tmp/work", folder)
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, encoding="utf-8")
    visits.clear()
    statuses.clear()
    statuses.update(answers)
    command = words if words[0] == "prefect" else [sys.executable, "-c", RUNNER, *words]
    processes_before = processes()
    environment = os.environ | {"PREFECT_LOCAL_STORAGE_PATH": str(home / "results")} | settings
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command, cwd=home, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
        )  # fmt: skip
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        for leftover in processes() - processes_before:  # a worker's flows, and what the learner started
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
    """Start Prefect's server and wait until it answers. Ends the program, with its last words, when it does not."""
    log = Path("/tmp/server.log")
    with log.open("w") as out:
        server = subprocess.Popen(["prefect", "server", "start"], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            api("/health", "GET")
            return
        except OSError:
            time.sleep(0.2)
    lines = [line for line in log.read_text().splitlines() if line.strip()]
    sys.exit(lines[-1] if lines else "the server printed nothing")


def listen() -> None:
    """Take requests as they come. At the end of the input, end the program at once, whatever it does."""
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
        do = request.pop("do")
        answer = run(**request) if do == "run" else api(**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
