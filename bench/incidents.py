"""`make bench-incidents` and `make chaos-incidents`: both collectors of lesson 04, their cost and their behaviour under chaos.

Environment: POPS ("10 100 1000"), REPEAT (3 runs for each figure, the median counts), RUNS (200 under chaos), SEED (1),
SECONDS (no new run of a collector after so many).
With the word `chaos` only that is run, else only the cost.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from bench.arguments import arguments, whole_numbers
from bench.containers import HOUSE, INSIDE, Containers
from bench.report import RESULTS, machine, write
from engine.core import ROOT, positive, program, step
from engine.docker import docker, require_engine, size
from engine.images import PYTHON, ensure_base, ensure_stack
from engine.markdown import table

LESSON = ROOT / "04-incidents"
IMAGE = "beyond-cron-incidents"
COLLECTORS = ("prefect", "asyncio")  # in the order of the tables
LANES = 2  # each with an API of its own, so that the faults of one do not reach the other
FLOWS = ("--volume", f"{LESSON}:/lesson:ro", *INSIDE)
API = ("uvicorn", "--app-dir", "api", "--host", "0.0.0.0", "--port", "8004", "--no-access-log", "app:app")
ALIVE = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1])"
SERVER = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:////prefect/prefect.db"}
OWN = {"asyncio": ("collect.py",), "prefect": ("incidents_by_pop.py", "tasks.py")}  # what the other does not have
SHARED = ("client.py", "incidents.py", "table.py")


def start_api(containers: Containers, name: str, **env: str) -> None:
    """Start an incident API and a container beside it in which collectors run: NAME and NAME-runs."""
    containers.start(name, IMAGE, *API, env={"EVERY": "1"} | env, options=FLOWS)
    client = {
        "INCIDENTS_API_URL": f"http://{name}:8004/v2/adm_cor_comando/",
        "PREFECT_API_URL": "http://server:4200/api",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "TIMEOUT": "2",
    }
    containers.start(f"{name}-runs", IMAGE, "sleep", "infinity", env=client, options=FLOWS)
    containers.wait_for(f"{name}-runs", "python", "-c", ALIVE, f"http://{name}:8004/admin/record")


@contextmanager
def stage(what: str) -> Iterator[Containers]:
    """A Prefect server, ready."""
    require_engine(what)
    ensure_base(PYTHON)
    ensure_stack(LESSON)
    with Containers("incidents") as containers:
        with step("a Prefect server starts"):
            containers.start("server", IMAGE, "prefect", "server", "start", "--host", "0.0.0.0", env=SERVER)
            containers.wait_for("server", "python", "-c", ALIVE, "http://localhost:4200/api/ready")
        yield containers


def inside(containers: Containers, name: str, *words: str) -> Any:
    """What bench.inside.incidents.collectors answers."""
    script = f"{HOUSE}/bench/inside/incidents/collectors.py"
    return json.loads(containers.run(f"{name}-runs", "python", "-B", script, *words, timeout=24 * 3600))


def chaos(runs: int, seed: int, seconds: int) -> int:
    """Half of the runs in each lane, for both collectors; write the result. 1 when a row is torn, doubled or lost."""
    # When it is stopped, the containers go first, and with them what the threads wait for.
    with ThreadPoolExecutor(LANES) as pool, stage("make chaos-incidents") as containers:

        def lane(number: int) -> dict[str, dict[str, int]]:
            start_api(containers, f"api-{number}")
            share = (runs + number) // LANES
            return {
                one: inside(containers, f"api-{number}", "chaos", one, str(share), str(seed + number), str(seconds))
                for one in COLLECTORS
            }

        with step(f"{runs} runs of each collector, with faults and kills"):
            lanes = list(pool.map(lane, range(LANES)))
    sums = {one: {what: sum(lane[one].get(what, 0) for lane in lanes) for what in WORDS} for one in COLLECTORS}
    rows = [[what, *(str(sums[one][what]) for one in COLLECTORS)] for what in WORDS]
    about = machine()
    text = (
        f"Seed {seed}, {about['date']}, {about['cores']} cores.\n\n{table(['', 'Prefect', 'asyncio and cron'], rows)}"
    )
    write("incidents-chaos", {"machine": about, "seed": seed, "collectors": sums}, text)
    wrong = sum(sums[one][what] for one in COLLECTORS for what in WRONG)
    complete = all(sums[one]["rows expected"] == sums[one]["rows in the CSV file"] > 0 for one in COLLECTORS)
    return 0 if complete and not wrong else 1


WRONG = ("torn lines", "doubled rows", "lost rows", "rows too many", "stale rows")
WORDS = (
    *("runs", "ended with 0", "ended with 1", "killed -9", "killed while it wrote"),
    *("rows expected", "rows in the CSV file", "rejects expected", "rows in the rejects file", *WRONG),
)


def cost(pops: list[int], repeat: int) -> None:
    """What a run costs at so many POPs, and what has to be there for it; write the result."""
    results: dict[str, dict[str, dict[str, float]]] = {one: {} for one in COLLECTORS}
    with stage("make bench-incidents") as containers:
        for count in pops:
            name = f"api-{count}"
            start_api(containers, name, POPS=str(count), HISTORY=str(max(300, 8 * count)))
            for one in COLLECTORS:
                with step(f"{count} POPs, {one}, {repeat} runs"):
                    runs = [inside(containers, name, "cost", one) for _ in range(repeat)]
                results[one][str(count)] = {what: median(run[what] for run in runs) for what in runs[0]}
            containers.remove(f"{name}-runs")
            containers.remove(name)
        about = machine()
        idle = size(docker("stats", "--no-stream", "--format", "{{.MemUsage}}", containers.container("server"))) / 1e6
    show(about, results, idle)


def lines_of(files: tuple[str, ...]) -> int:
    """Lines of some files of the lesson's collectors."""
    return sum(len(Path(LESSON / "flows" / file).read_text().splitlines()) for file in files)


def show(about: dict[str, Any], results: dict[str, dict[str, dict[str, float]]], idle: float) -> None:
    """Print and write the tables."""
    names = {"prefect": "Prefect", "asyncio": "asyncio"}
    runs = [
        [
            pops,
            names[one],
            *(f"{run[what]:.0f}" for what in ("requests", "at_once")),
            f"{run['seconds']:.1f}",
            f"{run['cpu']:.1f}",
            f"{run['mb']:.0f}",
        ]
        for pops in results["prefect"]
        for one in COLLECTORS
        for run in [results[one][pops]]
    ]
    first = min(results["prefect"], key=int)
    costs = [
        ["lines of its own", *(str(lines_of(OWN[one])) for one in COLLECTORS)],
        ["lines that both have", str(lines_of(SHARED)), str(lines_of(SHARED))],
        ["memory of an idle server (MB)", f"{idle:.0f}", "0"],
        *(
            [f"{title}, {first} POPs", *(f"{results[one][first][what]:.1f}" for one in COLLECTORS)]
            for what, title in (
                ("seconds", "seconds of a run"),
                ("cpu", "processor seconds of a run"),
                ("mb", "peak memory of a run (MB)"),
            )
        ),
    ]
    where = f"{about['cores']} cores of {about['processor']}, {about['date']}"
    note = f"Median of the runs; {where}: on another machine all figures are others."
    write(
        "incidents",
        {"machine": about, "runs": results, "idle_mb": idle},
        "\n\n".join([note, table(["POPs", "collector", "requests", "at once", "s", "CPU s", "peak MB"], runs)]),
    )
    (RESULTS / "incidents-costs.md").write_text(table(["", "Prefect", "asyncio and cron"], costs) + "\n")


def main() -> int:
    """Measure, print, write bench/results/incidents*."""
    if arguments(__doc__, "chaos"):
        return chaos(positive("RUNS", 200), positive("SEED", 1), positive("SECONDS", 10**6))
    cost(whole_numbers("POPS", "10 100 1000", "make bench-incidents"), positive("REPEAT", 3))
    return 0


if __name__ == "__main__":
    program(main)
