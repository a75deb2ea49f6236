"""`make incidents`: the API, a Prefect server and some collections by both collectors, each a process of its own."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.request import ProxyHandler, build_opener

LESSON = Path(__file__).resolve().parent.parent
STATE = LESSON / ".local"
FOLDER = Path(os.environ.get("FOLDER") or STATE / "data").expanduser().resolve()
DEADLINE = 240  # seconds, for something to answer on a busy machine
began = time.monotonic()
ask = build_opener(ProxyHandler({})).open  # never through a proxy: all is on this machine


def say(text: str) -> None:
    print(f"{time.monotonic() - began:5.1f} s  {text}", flush=True)


def stop_with(reason: str) -> NoReturn:
    """It could not be done: one line, exit code 2."""
    print(f"04-incidents: {reason}", file=sys.stderr)
    sys.exit(2)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(name: str, url: str, *command: str) -> Iterator[None]:
    """A program in the background, until it answers at `url`; ended with the block. Its output is in STATE."""
    log = STATE / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", *command], cwd=LESSON, stdout=out, stderr=out)
    end = time.monotonic() + DEADLINE
    try:
        while True:
            try:
                ask(url, timeout=5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    stop_with(f"{name} does not start: see {log}")
                time.sleep(0.2)
        say(f"{name} answers")
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def rows(folder: Path) -> list[list[str]]:
    with (folder / "incidents.csv").open(newline="") as file:
        return list(csv.reader(file))[1:]


def collect(file: str, folder: Path) -> None:
    """One run. Exits when it fails."""
    log = STATE / f"{file}.log"
    with log.open("wb") as out:
        env = os.environ | {"FOLDER": str(folder)}
        code = subprocess.run([sys.executable, f"flows/{file}"], cwd=LESSON, env=env, stdout=out, stderr=out).returncode
    if code:
        stop_with(f"{file} failed: see {log}")
    [message] = re.findall(r"\d+ new, \d+ changed, \d+ rejected", log.read_text())[-1:]
    say(f"{file}: {message}; {len(rows(folder))} rows")


def main() -> int:
    """0 when both collectors have each row that the API tells of; else 1."""
    (STATE / "prefect").mkdir(parents=True, exist_ok=True)
    runs, api, server = os.environ.get("RUNS", "3"), free_port(), free_port()
    if not runs.isdecimal() or int(runs) < 1:
        stop_with(f"RUNS={runs} is not a whole number above 0")
    admin, prefect = f"http://127.0.0.1:{api}/admin", f"http://127.0.0.1:{server}/api"
    os.environ |= {
        "EVERY": "0.1",  # minutes: the city is fast
        "INCIDENTS_API_URL": f"http://127.0.0.1:{api}/v2/adm_cor_comando/",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "PREFECT_API_URL": prefect,
        "PREFECT_HOME": str(STATE / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    os.environ.pop("PREFECT_API_AUTH_STRING", None)
    own = FOLDER / "prefect", FOLDER / "asyncio"
    with ExitStack() as stack:
        command = ("uvicorn", "--app-dir", "api", "--port", str(api), "--no-access-log", "app:app")
        stack.enter_context(running("the incident API", f"{admin}/record", *command))
        serve = ("prefect", "server", "start", "--port", str(server))
        stack.enter_context(running("a Prefect server", f"{prefect}/ready", *serve))
        for _ in range(int(runs)):
            collect("incidents_by_pop.py", own[0])
        ask(f"{admin}/freeze", b"", timeout=30).close()
        for file, folder in zip(("incidents_by_pop.py", "collect.py"), own, strict=True):
            collect(file, folder)
        truth = json.loads(ask(f"{admin}/truth", timeout=30).read())["rows"]
    complete = all({row[0] for row in rows(folder)} >= set(truth) for folder in own)
    say(f"{len(truth)} incidents expected: {'all there' if complete else 'NOT all there'}, in {FOLDER}")
    return 0 if complete else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
