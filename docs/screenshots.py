"""Take the pictures of docs/en/03-prefect.md: start the lesson's stack, let things happen, photograph Prefect's pages.

`make screenshots` does it. The stack is one of its own, with a port of its own, and gone afterwards.
"""

import base64
import json
import time
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import FloatRect, sync_playwright

from engine.core import ROOT, UserError, program, say
from engine.docker import require_engine
from engine.stacks import Project
from engine.web import PrefectApi

LESSON = ROOT / "03-prefect"
PICTURES = ROOT / "docs/en/img/03-prefect"
PORT = "4280"
UI = f"http://localhost:{PORT}"
LOGIN = "admin:beyond-cron"
ETL = "sales-etl/every-2-minutes"
SIDEBAR, WIDTH, HEIGHT = 256, 1024, 900  # pixels of a page
MOST = 150_000  # bytes of a picture
DEADLINE = 240  # seconds for something to happen

T = TypeVar("T")
prefect = PrefectApi(f"127.0.0.1:{PORT}", LOGIN)


def start_run(stack: Project, *parameters: str) -> None:
    """Start a run of the load; do not wait for it."""
    stack.exec("worker", "prefect", "deployment", "run", ETL, *parameters)


def as_owner(stack: Project, statement: str) -> None:
    """Run a statement in the shop's database."""
    stack.exec("shop", "psql", "--username", "shop", "--command", statement)


def runs(**state: list[str]) -> list[str]:
    """The ids of the load's runs in one of these states, by name or type, the latest first."""
    states = {"state": {key: {"any_": values} for key, values in state.items()}}
    loads = {"name": {"any_": ["sales-etl"]}}
    body = {"flow_runs": states, "flows": loads, "sort": "START_TIME_DESC"}
    return [run["id"] for run in prefect("/flow_runs/filter", body)]


def retried_tasks() -> list[str]:
    """The ids of the tasks whose log tells of a second attempt."""
    logs = prefect("/logs/filter", {"logs": {"level": {"ge_": 20}}, "limit": 200, "sort": "TIMESTAMP_DESC"})
    return [log["task_run_id"] for log in logs if "Retry 1/3 will start" in log["message"]]


def revenue_plot() -> str:
    """The id of the newest plot of the report."""
    [plot, *_] = prefect(
        "/artifacts/filter", {"artifacts": {"key": {"any_": ["revenue-plot"]}}, "sort": "CREATED_DESC"}
    )
    return str(plot["id"])


def wait(what: str, happened: Callable[[], T]) -> T:
    """What `happened` returns, as soon as that is true. Raises UserError when it is not by the deadline."""
    end = time.monotonic() + DEADLINE
    while not (answer := happened()):
        if time.monotonic() > end:
            raise UserError(f"screenshots: no {what} in {DEADLINE} s (try: make screenshots again on an idle machine)")
        time.sleep(1)
    return answer


def make_history(stack: Project) -> dict[str, str]:
    """Let runs succeed, be cancelled, fail and try again; return the run and the task to show."""
    [*_, first] = wait("completed run", lambda: runs(name=["Completed"]))
    start_run(stack, "--param", "full=true")
    start_run(stack)
    wait("cancelled run", lambda: runs(name=["Cancelled"]))
    wait("end of a run", lambda: not runs(type=["RUNNING", "PENDING"]))
    as_owner(stack, "REVOKE pg_read_all_stats FROM etl")
    start_run(stack)
    wait("failed run", lambda: runs(name=["Failed"]))
    as_owner(stack, "GRANT pg_read_all_stats TO etl")
    stack.compose("stop", "warehouse")
    start_run(stack)
    [retried, *_] = wait("second attempt", retried_tasks)
    stack.compose("start", "warehouse")
    wait("end of a run", lambda: not runs(type=["RUNNING", "PENDING"]))
    return {"first": first, "retried": retried}


def photograph(shown: dict[str, str]) -> None:
    """Take each picture twice, light and dark. Raises UserError when one is too large."""
    views = {  # picture → address, a text to wait for, first and last line of pixels, width
        "dashboard": ("/dashboard", "Active Work Pools", 0, 560, WIDTH),
        "deployments": ("/deployments", "every-2-minutes", 0, 480, WIDTH),
        "report": (f"/artifacts/artifact/{revenue_plot()}", "Revenue of 30 days", 0, 400, 760),
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
            password = base64.b64encode(LOGIN.encode()).decode()
            kept = {"prefect-password": password, "color-scheme": json.dumps(scheme)}
            page.add_init_script(f"Object.assign(localStorage, {json.dumps(kept)})")
            for name, (path, text, top, bottom, width) in views.items():
                page.goto(UI + path)
                page.get_by_text(text).first.wait_for()
                page.wait_for_timeout(3000)  # a chart grows after its data have come
                clip = FloatRect(x=SIDEBAR, y=top, width=width, height=bottom - top)
                file = PICTURES / f"{name}-{scheme}.png"
                page.screenshot(path=file, clip=clip)
                say(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} KB")
                if file.stat().st_size > MOST:
                    raise UserError(f"screenshots: {file} has more than {MOST} bytes: photograph less of that page")
        browser.close()


def main() -> None:
    """Start the lesson's stack with three workers, let things happen, and take the pictures."""
    require_engine("make screenshots")
    with Project(LESSON, "screenshots", {"PREFECT_PORT": PORT}) as stack:
        stack.up("--scale", "worker=3")
        photograph(make_history(stack))


if __name__ == "__main__":
    program(main)
