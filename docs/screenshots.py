"""Take the pictures of docs/en/03-prefect.md: start the lesson's stack, let things happen, photograph Prefect's pages.

`make screenshots` does it. The stack is one of its own, with a port of its own, and gone afterwards.
"""

import base64
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from playwright.sync_api import FloatRect, sync_playwright

ROOT = Path(__file__).parents[1]
LESSON = ROOT / "03-prefect"
PICTURES = ROOT / "docs/en/img/03-prefect"
PORT = "4280"
UI = f"http://localhost:{PORT}"
PASSWORD = base64.b64encode(b"admin:beyond-cron").decode()
ETL = "sales-etl/every-2-minutes"
SIDEBAR, WIDTH, HEIGHT = 256, 1024, 900  # pixels of a page
MOST = 150_000  # bytes of a picture
PATIENCE = 240  # seconds for something to happen


def compose(*words: str) -> None:
    """Run Docker Compose on the stack of the pictures. SystemExit with its last line if it fails."""
    env = os.environ | {"COMPOSE_PROJECT_NAME": "screenshots", "PREFECT_PORT": PORT}
    command = ["docker", "compose", "--project-directory", str(LESSON), *words]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"screenshots: {' '.join(words)}: {done.stderr.strip().splitlines()[-1]} (try: lab doctor)")


def start_run(*parameters: str) -> None:
    """Ask for a run of the load; do not wait for it."""
    compose("exec", "-T", "worker", "prefect", "deployment", "run", ETL, *parameters)


def as_owner(statement: str) -> None:
    """Run a statement in the shop's database."""
    compose("exec", "-T", "shop", "psql", "--username", "shop", "--command", statement)


def ask(path: str, **body: Any) -> Any:
    """An answer of Prefect's API."""
    headers = {"Authorization": f"Basic {PASSWORD}", "Content-Type": "application/json"}
    with urlopen(Request(f"{UI}/api/{path}", json.dumps(body).encode(), headers), timeout=20) as answer:
        return json.load(answer)


def runs(**state: list[str]) -> list[str]:
    """The ids of the load's runs in one of these states, by name or type, the latest first."""
    wanted = {"state": {key: {"any_": values} for key, values in state.items()}}
    loads = {"name": {"any_": ["sales-etl"]}}
    return [run["id"] for run in ask("flow_runs/filter", flow_runs=wanted, flows=loads, sort="START_TIME_DESC")]


def with_retry() -> list[str]:
    """The ids of the tasks whose log tells of a second attempt."""
    logs = ask("logs/filter", logs={"level": {"ge_": 20}}, limit=200, sort="TIMESTAMP_DESC")
    return [log["task_run_id"] for log in logs if "Retry 1/3 will start" in log["message"]]


def wait(what: str, happened: Callable[[], Any]) -> Any:
    """What `happened` returns, as soon as that is true."""
    end = time.monotonic() + PATIENCE
    while not (found := happened()):
        if time.monotonic() > end:
            raise SystemExit(f"screenshots: no {what} in {PATIENCE} s: docker compose logs worker")
        time.sleep(1)
    return found


@contextmanager
def stack() -> Iterator[None]:
    """The lesson's stack with three workers, gone at the end."""
    try:
        compose("up", "--detach", "--wait", "--scale", "worker=3")
        yield
    finally:
        compose("down", "--volumes", "--remove-orphans", "--timeout", "1")


def make_history() -> dict[str, str]:
    """Let runs succeed, be cancelled, fail and try again; return the run and the task to look at."""
    [*_, first] = wait("completed run", lambda: runs(name=["Completed"]))
    start_run("--param", "full=true")
    start_run()
    wait("cancelled run", lambda: runs(name=["Cancelled"]))
    wait("end of a run", lambda: not runs(type=["RUNNING", "PENDING"]))
    as_owner("REVOKE pg_read_all_stats FROM etl")
    start_run()
    wait("failed run", lambda: runs(name=["Failed"]))
    as_owner("GRANT pg_read_all_stats TO etl")
    compose("stop", "warehouse")
    start_run()
    [retried, *_] = wait("second attempt", with_retry)
    compose("start", "warehouse")
    wait("end of a run", lambda: not runs(type=["RUNNING", "PENDING"]))
    return {"first": first, "retried": retried}


def photograph(shown: dict[str, str]) -> None:
    """Take each picture twice, light and dark."""
    [plot, *_] = ask("artifacts/filter", artifacts={"key": {"any_": ["revenue-plot"]}}, sort="CREATED_DESC")
    views = {  # picture → address, a text to wait for, first and last line of pixels, width
        "dashboard": ("/dashboard", "Active Work Pools", 0, 560, WIDTH),
        "deployments": ("/deployments", "every-2-minutes", 0, 480, WIDTH),
        "report": (f"/artifacts/artifact/{plot['id']}", "Revenue of 30 days", 0, 400, 760),
        "flow-run": (f"/runs/flow-run/{shown['first']}", "sales-changes", 0, 500, WIDTH),
        "retry": (f"/runs/task-run/{shown['retried']}", "Retry 1/3 will start", 0, 480, WIDTH),
        "runs": ("/runs", "sales-changes", 200, HEIGHT, WIDTH),
        "workers": ("/work-pools/work-pool/lab?tab=Workers", "Online", 0, 480, WIDTH),
    }
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            page = browser.new_page(viewport={"width": SIDEBAR + WIDTH, "height": HEIGHT})
            kept = {"prefect-password": PASSWORD, "color-scheme": json.dumps(scheme)}
            page.add_init_script(f"Object.assign(localStorage, {json.dumps(kept)})")
            for name, (path, text, top, bottom, width) in views.items():
                page.goto(UI + path)
                page.get_by_text(text).first.wait_for()
                page.wait_for_timeout(3000)  # a chart grows after its data have come
                clip = FloatRect(x=SIDEBAR, y=top, width=width, height=bottom - top)
                file = PICTURES / f"{name}-{scheme}.png"
                page.screenshot(path=file, clip=clip)
                print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} KB")
                if file.stat().st_size > MOST:
                    raise SystemExit(f"screenshots: {file} has more than {MOST} bytes: photograph less of that page")
        browser.close()


if __name__ == "__main__":
    with stack():
        photograph(make_history())
