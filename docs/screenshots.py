"""Take the pictures of lessons 03, 04 and 05: start a lesson's stack, let things happen, photograph Prefect's pages.

`make screenshots` does it. The stacks are its own, with ports of their own, and gone afterwards.
"""

from functools import partial

from docs.camera import LOGIN, SIDEBAR, WIDTH, View, photograph, wait
from engine.core import ROOT, program
from engine.docker import require_engine
from engine.stacks import Project
from engine.web import PrefectApi, call

PICTURES = ROOT / "docs/en/img"
PORT, API_PORT = "4280", "8084"
UI = f"http://localhost:{PORT}"
ETL, INCIDENTS = "sales-etl/every-2-minutes", "incidents-by-pop/every-20-minutes"
PROBE = "probe/every-5-minutes"

prefect = PrefectApi(f"127.0.0.1:{PORT}", LOGIN)


def start_run(stack: Project, deployment: str, *parameters: str) -> None:
    """Start a run; do not wait for it."""
    stack.exec("worker", "prefect", "deployment", "run", deployment, *parameters)


def as_owner(stack: Project, statement: str) -> None:
    """Run a statement in the shop's database."""
    stack.exec("shop", "psql", "--username", "shop", "--command", statement)


def runs(deployment: str, **state: list[str]) -> list[str]:
    """The ids of the runs of its flow in one of these states, by name or type, the latest first."""
    states = {"state": {key: {"any_": values} for key, values in state.items()}}
    flow = {"name": {"any_": [deployment.partition("/")[0]]}}
    body = {"flow_runs": states, "flows": flow, "sort": "START_TIME_DESC"}
    return [run["id"] for run in prefect("/flow_runs/filter", body)]


def wait_for(deployment: str, state: str, before: int = 0) -> list[str]:
    """The runs in a state, the latest first, as soon as there are more than `before`."""
    return wait(f"{state} run", lambda: found if len(found := runs(deployment, name=[state])) > before else [])


def wait_for_end(deployment: str) -> None:
    """Return when none of its runs is at work."""
    wait("end of a run", lambda: not runs(deployment, type=["RUNNING", "PENDING"]))


def retried_tasks(retry: str) -> list[str]:
    """The ids of the tasks whose log tells of another attempt, such as `Retry 1/3`."""
    logs = prefect("/logs/filter", {"logs": {"level": {"ge_": 20}}, "limit": 200, "sort": "TIMESTAMP_DESC"})
    return [log["task_run_id"] for log in logs if f"{retry} will start" in log["message"]]


def artifact(key: str) -> str:
    """The page of the newest artifact of that key."""
    [newest, *_] = prefect("/artifacts/filter", {"artifacts": {"key": {"any_": [key]}}, "sort": "CREATED_DESC"})
    return f"/artifacts/artifact/{newest['id']}"


def load(stack: Project) -> dict[str, View]:
    """Let runs of lesson 03 succeed, be cancelled, fail and try again."""
    [*_, first] = wait_for(ETL, "Completed")
    start_run(stack, ETL, "--param", "full=true")
    start_run(stack, ETL)
    wait_for(ETL, "Cancelled")
    wait_for_end(ETL)
    as_owner(stack, "REVOKE pg_read_all_stats FROM etl")
    start_run(stack, ETL)
    wait_for(ETL, "Failed")
    as_owner(stack, "GRANT pg_read_all_stats TO etl")
    stack.compose("stop", "warehouse")
    start_run(stack, ETL)
    [retried, *_] = wait("second attempt", lambda: retried_tasks("Retry 1/3"))
    stack.compose("start", "warehouse")
    wait_for_end(ETL)
    return {
        "dashboard": View("/dashboard", "Active Work Pools", bottom=560),
        "deployments": View("/deployments", "every-2-minutes", bottom=448),
        "report": View(artifact("revenue-plot"), "Revenue of 30 days", bottom=400, width=752),
        "flow-run": View(f"/runs/flow-run/{first}", "sales-changes", bottom=500),
        "retry": View(f"/runs/task-run/{retried}", "Retry 1/3 will start", bottom=545, width=752),
        "runs": View("/runs", "sales-changes", 222, 894),
        "workers": View("/work-pools/work-pool/lab?tab=Workers", "Online"),
    }


def collect(stack: Project) -> dict[str, View]:
    """Let runs of lesson 04 succeed, try again, wait as told, and fail."""
    busy = {"kind": "busy", "times": 2, "seconds": 3, "path": "pops"}
    faults = {"Completed": [{"kind": "error", "times": 2, "path": "pops"}, busy], "Failed": [{"kind": "schema"}]}
    wait_for(INCIDENTS, "Completed")
    for state, wanted in faults.items():
        wait_for_end(INCIDENTS)
        before = len(runs(INCIDENTS, name=[state]))
        call(f"http://127.0.0.1:{API_PORT}/admin/faults", wanted)
        start_run(stack, INCIDENTS)
        wait_for(INCIDENTS, state, before)
    call(f"http://127.0.0.1:{API_PORT}/admin/faults", [])
    [retried, *_] = retried_tasks("Retry 2/4")
    return {
        "runs": View("/runs", "incidents-20", 222, 814),
        "retry": View(f"/runs/task-run/{retried}", "Retry 2/4 will start", bottom=720),
        "artifact": View(artifact("incidents-by-pop"), "Incidents of CET-RIO", bottom=542),
    }


def ended_since(before: int) -> bool:
    """Whether more runs of the probe have ended than these."""
    return len(runs(PROBE, type=["COMPLETED", "FAILED"])) > before


def with_span(url: str, name: str) -> str:
    """The id of the newest trace that has a span of that name; "" when none has."""
    traces = call(url)["data"]
    return next((one["traceID"] for one in traces if name in {span["operationName"] for span in one["spans"]}), "")


def watch(stack: Project) -> None:
    """Let the probe of lesson 05 run, and once fail; photograph the dashboard, and the trace of a run that went well."""
    stack.exec(
        "worker-scheduler", *["prefect", "--no-prompt", "deploy", "--all", "--prefect-file", "monitoring/prefect.yaml"]
    )
    probe = prefect("/deployments/name/probe/every-5-minutes")["id"]
    pictures, grafana = PICTURES / "05-migration", f"http://{stack.address('grafana', 3000)}"
    jaeger = f"http://{stack.address('jaeger', 16686)}"
    for seed, broken in enumerate((False, False, True, False, False, False)):
        stack.exec("worker-drain", *f"python flows/load.py rabbitmq 2000 --poison 0.01 --seed {seed}".split())
        stack.compose("stop" if broken else "start", "warehouse")
        before = len(runs(PROBE, type=["COMPLETED", "FAILED"]))
        prefect(f"/deployments/{probe}/create_flow_run", {})
        wait("end of a run", partial(ended_since, before))
    whole = wait("trace", lambda: with_span(f"{jaeger}/api/traces?service=probe&limit=20", "probes receive"))
    views = {"dashboard": View("/d/orders?from=now-2m", "Orders and flows", bottom=772, width=SIDEBAR + WIDTH, left=0)}
    photograph(grafana, views, pictures)
    trace = View(f"/trace/{whole}", "probes receive", bottom=430, width=SIDEBAR + WIDTH, left=0)
    photograph(jaeger, {"trace": trace}, pictures)


def main() -> None:
    """Start each lesson's stack, let things happen, and take the pictures."""
    require_engine("make screenshots")
    env = {"PREFECT_PORT": PORT, "API_PORT": API_PORT}
    with Project(ROOT / "03-prefect", "screenshots", env) as stack:
        stack.up("--scale", "worker=3")
        photograph(UI, load(stack), PICTURES / "03-prefect")
    with Project(ROOT / "04-incidents", "screenshots", env) as stack:
        stack.up("worker")
        photograph(UI, collect(stack), PICTURES / "04-incidents")
    with Project(ROOT / "05-migration", "screenshots", env | {"COMPOSE_PROFILES": "prefect,monitoring"}) as stack:
        stack.up()
        watch(stack)


if __name__ == "__main__":
    program(main)
