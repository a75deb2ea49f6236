"""`make bench-prefect`: what Prefect itself costs, on a real server with a PostgreSQL of its own, next to cron.

Environment: REPEAT (3 starts of the server), RUNS (30 in a burst), WORKERS (3 at most), FLOWS (10), TASKS (200),
LATE (5 runs whose start is
timed), IDLE (60 s of watching idle containers).
"""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from statistics import median
from typing import Any

from bench.boxes import LESSON_IMAGE, PASSWORD, Boxes, number, require
from bench.report import machine, table, write
from lab.engine import ROOT, docker, step
from offline.images import ensure_stack

HERE, CRON = ROOT / "bench", ROOT / "02-cron"
CRON_IMAGE = "02-cron-python-app"
AUTH = f"admin:{PASSWORD}"
# As in the lesson's docker-compose.yml.
CLIENT = {
    "PREFECT_API_URL": "http://server:4200/api",
    "PREFECT_API_AUTH_STRING": AUTH,
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_WORKER_QUERY_SECONDS": "2",
    "DO_NOT_TRACK": "1",
}
SERVER = {
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"postgresql+asyncpg://prefect:{PASSWORD}@database:5432/prefect",
    "PREFECT_SERVER_API_AUTH_STRING": AUTH,
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}
FILES = [
    word
    for name in ("prefect_flows.py", "prefect_inside.py")
    for word in ("--volume", f"{HERE / name}:/bench/{name}:ro")
]
AT_ONCE = 4  # runs that one worker starts at the same time; without a limit all of a burst would share the memory
AHEAD = 12  # seconds; a worker looks 10 s ahead
MEBI = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def ask(boxes: Boxes, *words: str) -> Any:
    """Have prefect_inside.py do something; return its answer."""
    return json.loads(boxes.run("client", "python", "prefect_inside.py", *words))


def start_server(boxes: Boxes) -> None:
    """Start a new container of the server; it may not be ready yet."""
    boxes.start("server", LESSON_IMAGE, "prefect", "server", "start", "--host", "0.0.0.0", env=SERVER)


def until_ready(boxes: Boxes, start: Callable[[], None]) -> float:
    """Seconds from the start of the server's process until it says that it is ready."""
    start()
    answered: float = ask(boxes, "ready")
    started = re.sub(r"(\.\d{6})\d*Z$", r"\1+00:00", boxes.started("server"))
    return answered - datetime.fromisoformat(started).timestamp()


def server_starts(boxes: Boxes, repeat: int) -> dict[str, float]:
    """Median seconds for a start of the server, on an empty database and on one that it has used."""
    empty, used = [], []
    for turn in range(repeat):
        if turn:
            boxes.stop("server")
            boxes.run("database", "dropdb", "--username", "prefect", "--maintenance-db", "postgres", "prefect")
            boxes.run("database", "createdb", "--username", "prefect", "--maintenance-db", "postgres", "prefect")
        with step(f"server, start {turn + 1} of {repeat} on an empty database"):
            empty.append(until_ready(boxes, lambda: start_server(boxes)))
        with step("the same again on the database as it is now"):
            used.append(until_ready(boxes, lambda: boxes.restart("server")))
    return {"server, empty database": median(empty), "server, used database": median(used)}


def bursts(boxes: Boxes, workers: int, runs: int) -> dict[int, dict[str, float]]:
    """Runs a minute, with one worker more each time."""
    command = ("prefect", "worker", "start", "--pool", "lab", "--limit", str(AT_ONCE), "--with-healthcheck")
    env = CLIENT | {"PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1"}
    alive = "from urllib.request import urlopen; urlopen('http://localhost:8080/health')"
    found = {}
    for count in range(1, workers + 1):
        with step(f"{runs} runs of an empty flow, {count} worker{'s' * (count > 1)}"):
            boxes.start(f"worker-{count}", LESSON_IMAGE, *command, env=env, options=(*FILES, "--workdir", "/bench"))
            boxes.wait_for(f"worker-{count}", "python", "-c", alive)
            found[count] = ask(boxes, "burst", str(runs))
    for count in range(2, workers + 1):
        boxes.stop(f"worker-{count}")
    return found


def idle(boxes: Boxes, names: list[str], seconds: int) -> dict[str, dict[str, float]]:
    """Memory (MB, as `docker stats` counts it) and processor time (% of one core) of containers that have no work."""
    clock = "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage"
    script = f"{clock}; sleep {seconds}; {clock}"

    def used(name: str) -> float:
        said = boxes.run(name, "sh", "-c", script)
        micro = [float(value) for value in re.findall(r"^usage_usec (\d+)", said, re.M)]
        before, after = micro or [int(value) / 1000 for value in said.split()]  # cgroup 2, or nanoseconds of cgroup 1
        return (after - before) / 1e6

    with step(f"watching idle containers for {seconds} s"), ThreadPoolExecutor(len(names)) as pool:
        busy = list(pool.map(used, names))
    found = {}
    for name, cpu in zip(names, busy, strict=True):
        said = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", boxes.container(name))
        amount, unit = re.match(r"([\d.]+)(\w+)", said).groups()  # type: ignore[union-attr]
        found[name] = {"mb": float(amount) * MEBI[unit] / 1e6, "cpu_percent": cpu / seconds * 100}
    return found


def main() -> None:
    """Measure, print the table, write bench/results/prefect.*."""
    repeat, runs, workers = number("REPEAT", 3), number("RUNS", 30), number("WORKERS", 3)
    flows, tasks, timed, seconds = number("FLOWS", 10), number("TASKS", 200), number("LATE", 5), number("IDLE", 60)
    require("postgres:17")
    ensure_stack(CRON)
    with Boxes("prefect") as boxes:
        boxes.start("cron", CRON_IMAGE, "sh", "-c", "crontab -r; exec cron -f")  # cron with nothing to do
        login = {"POSTGRES_USER": "prefect", "POSTGRES_PASSWORD": PASSWORD}
        boxes.start("database", "postgres:17", env=login)
        options = (*FILES, "--workdir", "/bench")
        boxes.start("client", LESSON_IMAGE, "sleep", "infinity", env=CLIENT, options=options)
        boxes.wait_for("database", "sh", "-c", "pg_isready --quiet --host $HOSTNAME")
        versions = {
            "prefect": boxes.run("client", "python", "-c", "import prefect; print(prefect.__version__)"),
            "postgresql": boxes.run("database", "psql", "--username", "prefect", "-tAc", "SHOW server_version"),
        }
        starts = server_starts(boxes, repeat)
        with step(f"{flows} flows of each kind and {tasks} tasks in each way"):
            cost = ask(boxes, "overhead", str(flows), str(tasks))
        boxes.run("client", "prefect", "work-pool", "create", "lab", "--type", "process")
        deploy = ("prefect_flows.py:empty", "--name", "bench", "--pool", "lab")
        boxes.run("client", "prefect", "--no-prompt", "deploy", *deploy)
        found = bursts(boxes, workers, runs)
        with step("how long after its time a run starts, one worker"):
            late = {ahead: ask(boxes, "latency", str(timed), str(ahead)) for ahead in (0, AHEAD)}
        quiet = idle(boxes, ["server", "worker-1", "database", "cron"], seconds)
    show(machine() | versions, starts, cost, found, late, quiet)


def show(
    about: dict[str, Any],
    starts: dict[str, float],
    cost: dict[str, float],
    found: dict[int, dict[str, float]],
    late: dict[int, list[float]],
    quiet: dict[str, dict[str, float]],
) -> None:
    """Print and write the tables."""
    lines = [[f"start of the {name}", f"{seconds:.1f} s"] for name, seconds in starts.items()]
    for name, spent in cost.items():
        lines.append([name, f"{spent * 1000:.1f} ms" if name.startswith("task") else f"{spent:.2f} s"])
    for count, burst in found.items():
        lines.append([f"runs a minute, {count} worker{'s' * (count > 1)}", f"{burst['per_minute']:.0f}"])
    for ahead, offsets in late.items():
        when = f"scheduled {ahead} s ahead" if ahead else "asked for now"
        lines.append([f"start of a run {when}: median, most", f"{median(offsets):.1f} s, {max(offsets):.1f} s late"])
    idle_lines = [[name, f"{use['mb']:.0f}", f"{use['cpu_percent']:.2f}"] for name, use in quiet.items()]
    text = "\n\n".join(
        [
            f"Prefect {about['prefect']}, PostgreSQL {about['postgresql']}, {about['cores']} cores of "
            f"{about['processor']}, {about['date']}: on another machine all figures are others. A burst is "
            f"{found[1]['runs']:.0f} runs; a worker starts {AT_ONCE} at the same time.",
            table(["", "cost"], lines),
            table(["idle container", "MB", "% of a core"], idle_lines),
        ]
    )
    data = {"machine": about, "start_seconds": starts, "overhead_seconds": cost, "bursts": found}
    write("prefect", data | {"late_seconds": late, "idle": quiet}, text)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
