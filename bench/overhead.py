"""`make bench-prefect`: what Prefect itself costs, on a real server with a PostgreSQL of its own, next to cron.

Environment: REPEAT (3 starts of the server), RUNS (30 in a burst), WORKERS (3 at most), FLOWS (10), TASKS (200),
LATE (5 runs whose start is timed), IDLE (60 s of watching idle containers).
"""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from statistics import median
from typing import Any

from bench.arguments import arguments
from bench.containers import HOUSE, INSIDE, LESSON_IMAGE, PASSWORD, Containers, require
from bench.report import machine, write
from engine.core import ROOT, positive, program, step
from engine.docker import docker, size
from engine.images import POSTGRES, ensure_stack
from engine.markdown import table

CRON = ROOT / "02-cron"
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
# Client and workers stand in the folder of the flow, which is deployed from there.
FLOWS = (*INSIDE, "--env", f"PYTHONPATH={HOUSE}", "--workdir", f"{HOUSE}/bench/inside/overhead")
PROBE = ("python", "-m", "bench.inside.overhead.probe")
AT_ONCE = 4  # runs that one worker starts at the same time; without a limit all of a burst would share the memory
AHEAD = 12  # seconds; a worker sees runs that are 10 s ahead


def probe(containers: Containers, *words: str) -> Any:
    """The answer of bench.inside.overhead.probe to these words."""
    return json.loads(containers.run("client", *PROBE, *words))


def start_server(containers: Containers) -> None:
    """Start a new container of the server; it may not be ready yet."""
    containers.start("server", LESSON_IMAGE, "prefect", "server", "start", "--host", "0.0.0.0", env=SERVER)


def seconds_until_ready(containers: Containers, start: Callable[[], None]) -> float:
    """Seconds from the start of the server's process until it says that it is ready."""
    start()
    ready: float = probe(containers, "ready")
    started = re.sub(r"(\.\d{6})\d*Z$", r"\1+00:00", containers.start_time("server"))
    return ready - datetime.fromisoformat(started).timestamp()


def server_starts(containers: Containers, repeat: int) -> dict[str, float]:
    """Median seconds for a start of the server, on an empty database and on one that it has used."""
    empty, used = [], []
    for turn in range(repeat):
        if turn:
            containers.remove("server")
            containers.run("database", "dropdb", "--username", "prefect", "--maintenance-db", "postgres", "prefect")
            containers.run("database", "createdb", "--username", "prefect", "--maintenance-db", "postgres", "prefect")
        with step(f"server, start {turn + 1} of {repeat} on an empty database"):
            empty.append(seconds_until_ready(containers, lambda: start_server(containers)))
        with step("the same again on the database as it is now"):
            used.append(seconds_until_ready(containers, lambda: containers.restart("server")))
    return {"server, empty database": median(empty), "server, used database": median(used)}


def bursts(containers: Containers, workers: int, runs: int) -> dict[int, dict[str, float]]:
    """Runs a minute, with one worker more each time."""
    command = ("prefect", "worker", "start", "--pool", "lab", "--limit", str(AT_ONCE), "--with-healthcheck")
    env = CLIENT | {"PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1"}
    alive = "from urllib.request import urlopen; urlopen('http://localhost:8080/health')"
    results = {}
    for count in range(1, workers + 1):
        with step(f"{runs} runs of an empty flow, {count} worker{'s' * (count > 1)}"):
            containers.start(f"worker-{count}", LESSON_IMAGE, *command, env=env, options=FLOWS)
            containers.wait_for(f"worker-{count}", "python", "-c", alive)
            results[count] = probe(containers, "burst", str(runs))
    for count in range(2, workers + 1):
        containers.remove(f"worker-{count}")
    return results


def memory_in_use(container: str) -> float:
    """Bytes of memory that a container uses now, as `docker stats` counts them."""
    return size(docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container))


def idle(containers: Containers, names: list[str], seconds: int) -> dict[str, dict[str, float]]:
    """Memory (MB) and processor time (% of one core) of containers that have no work."""
    clock = "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage"
    script = f"{clock}; sleep {seconds}; {clock}"

    def processor_time(name: str) -> float:
        """Seconds of a processor that a container uses in that time."""
        text = containers.run(name, "sh", "-c", script, timeout=seconds + 60)
        micro = [float(value) for value in re.findall(r"^usage_usec (\d+)", text, re.M)]
        before, after = micro or [int(value) / 1000 for value in text.split()]  # cgroup 2, or nanoseconds of cgroup 1
        return (after - before) / 1e6

    with step(f"watching idle containers for {seconds} s"), ThreadPoolExecutor(len(names)) as pool:
        busy = list(pool.map(processor_time, names))
    return {
        name: {"mb": memory_in_use(containers.container(name)) / 1e6, "cpu_percent": cpu / seconds * 100}
        for name, cpu in zip(names, busy, strict=True)
    }


def start(containers: Containers) -> None:
    """Start all but the server and the workers: an idle cron, the server's database, and the client."""
    containers.start("cron", CRON_IMAGE, "sh", "-c", "crontab -r; exec cron -f")
    login = {"POSTGRES_USER": "prefect", "POSTGRES_PASSWORD": PASSWORD}
    containers.start("database", POSTGRES, env=login)
    containers.start("client", LESSON_IMAGE, "sleep", "infinity", env=CLIENT, options=FLOWS)
    containers.wait_for("database", "sh", "-c", "pg_isready --quiet --host $HOSTNAME")


def versions(containers: Containers) -> dict[str, str]:
    """The versions of Prefect and of its database."""
    return {
        "prefect": containers.run("client", "python", "-c", "import prefect; print(prefect.__version__)"),
        "postgresql": containers.run("database", "psql", "--username", "prefect", "-tAc", "SHOW server_version"),
    }


def deploy(containers: Containers) -> None:
    """Make the work pool, and deploy the empty flow to it."""
    containers.run("client", "prefect", "work-pool", "create", "lab", "--type", "process")
    words = ("empty_flows.py:empty", "--name", "bench", "--pool", "lab")
    containers.run("client", "prefect", "--no-prompt", "deploy", *words)


def main() -> None:
    """Measure, print the table, write bench/results/prefect.*."""
    arguments(__doc__)
    repeat, runs, workers = positive("REPEAT", 3), positive("RUNS", 30), positive("WORKERS", 3)
    flows, tasks = positive("FLOWS", 10), positive("TASKS", 200)
    timed, seconds = positive("LATE", 5), positive("IDLE", 60)
    require("this benchmark", POSTGRES)
    ensure_stack(CRON)
    with Containers("prefect") as containers:
        start(containers)
        about = versions(containers)
        starts = server_starts(containers, repeat)
        with step(f"{flows} flows of each kind and {tasks} tasks in each way"):
            cost = probe(containers, "overhead", str(flows), str(tasks))
        deploy(containers)
        burst = bursts(containers, workers, runs)
        with step("how long after its time a run starts, one worker"):
            late = {ahead: probe(containers, "latency", str(timed), str(ahead)) for ahead in (0, AHEAD)}
        quiet = idle(containers, ["server", "worker-1", "database", "cron"], seconds)
    show(machine() | about, starts, cost, burst, late, quiet)


def show(
    about: dict[str, Any],
    starts: dict[str, float],
    cost: dict[str, float],
    burst: dict[int, dict[str, float]],
    late: dict[int, list[float]],
    quiet: dict[str, dict[str, float]],
) -> None:
    """Print and write the tables."""
    lines = [[f"start of the {name}", f"{seconds:.1f} s"] for name, seconds in starts.items()]
    for name, spent in cost.items():
        lines.append([name, f"{spent * 1000:.1f} ms" if name.startswith("task") else f"{spent:.2f} s"])
    for count, result in burst.items():
        lines.append([f"runs a minute, {count} worker{'s' * (count > 1)}", f"{result['per_minute']:.0f}"])
    for ahead, offsets in late.items():
        when = f"scheduled {ahead} s ahead" if ahead else "asked for now"
        lines.append([f"start of a run {when}: median, most", f"{median(offsets):.1f} s, {max(offsets):.1f} s late"])
    idle_lines = [[name, f"{use['mb']:.0f}", f"{use['cpu_percent']:.2f}"] for name, use in quiet.items()]
    text = "\n\n".join(
        [
            f"Prefect {about['prefect']}, PostgreSQL {about['postgresql']}, {about['cores']} cores of "
            f"{about['processor']}, {about['date']}: on another machine all figures are others. A burst is "
            f"{burst[1]['runs']:.0f} runs; a worker starts {AT_ONCE} at the same time.",
            table(["", "cost"], lines),
            table(["idle container", "MB", "% of a core"], idle_lines),
        ]
    )
    data = {"machine": about, "start_seconds": starts, "overhead_seconds": cost, "bursts": burst}
    write("prefect", data | {"late_seconds": late, "idle": quiet}, text)


if __name__ == "__main__":
    program(main)
