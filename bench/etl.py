"""`make bench-etl`: how fast rows come from PostgreSQL to ClickHouse, by the lesson's load, a shell pipe, and others.

Environment: ROWS ("2000000 20000000"), REPEAT (3), GROWTH (1; 0 leaves the smaller sizes out), LIMIT (600 s for a run),
ROUTES (all of them), OWN (your own shell command as one more; it has $SOURCE_URL, $SELECT, $CLIENT and $INTO).
"""

import json
import os
import re
from dataclasses import dataclass
from statistics import median
from textwrap import shorten
from typing import Any, Self

from bench.arguments import arguments, whole_numbers
from bench.containers import (
    HOUSE,
    INSIDE,
    LESSON,
    LESSON_IMAGE,
    PASSWORD,
    WAREHOUSE_FILES,
    WAREHOUSE_IMAGE,
    Containers,
    require,
)
from bench.report import machine, spaced, write
from engine.core import ROOT, UserError, positive, program, run, step
from engine.docker import docker
from engine.images import POSTGRES
from engine.markdown import table

HERE = ROOT / "bench"
ROUTES = {
    "pipe": "psql COPY \\| clickhouse-client, the limit",
    "load": "load() of the lesson",
    "checked": "load() and its check",
    "flow": "the whole flow sales_etl, in Prefect",
    "naive": "fetchall, execute",
    "adbc": "ADBC → Arrow → clickhouse-driver",
    "connectorx": "ConnectorX → Arrow → clickhouse-driver",
    "ingestr-0.15": "ingestr 0.15.9",
    "ingestr": "ingestr 1.1.76",
    "dlt": "dlt 1.31.0",
    "own": "your own command",
}
PLAIN = {"pipe", "load", "checked", "naive", "flow", "own"}  # these need no tool but the lesson's
MEMORY = 8e9  # bytes that the clients may have together, on a machine that has much more
ENV = {
    "SOURCE_URL": f"postgresql://etl:{PASSWORD}@shop:5432/shop",
    "SHOP_URL": f"postgresql://shop:{PASSWORD}@shop:5432/shop",
    "WAREHOUSE_URL": f"clickhouse://etl:{PASSWORD}@warehouse:9000/shop",
    "PREFECT_API_URL": "http://server:4200/api",
    "PREFECT_LOCAL_STORAGE_PATH": "/tmp/results",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "DO_NOT_TRACK": "1",
    "PYTHONPATH": f"{HOUSE}:/lesson/flows",
}
MEASURE = ("python", "-m", "bench.inside.etl.measure")
CLIENT = ("clickhouse-client", "--host", "127.0.0.1", "--query")
STAND_IN = "beyond-cron.stand-in"
Result = dict[str, Any]


@dataclass(frozen=True)
class Options:
    """What is measured, as the environment says: see the top of this file."""

    sizes: list[int]  # in rows, from small to large
    routes: list[str]  # in the order of the table
    growth: list[int]  # sizes at which only the pipe and the load are measured
    repeat: int
    seconds: int  # that one run may take

    @classmethod
    def read(cls) -> Self:
        """Read the environment. Raises UserError when a variable has something else than it may have."""
        sizes = whole_numbers("ROWS", "2000000 20000000", "make bench-etl")
        growth = [10**power for power in range(5, 8)] if os.environ.get("GROWTH", "1") != "0" else []
        smaller = [size for size in growth if size < sizes[-1] and size not in sizes]
        return cls(sizes, read_routes(), smaller, positive("REPEAT", 3), positive("LIMIT", 600))

    @property
    def target(self) -> str:
        """The stage of the Dockerfile that has all that the routes need."""
        return "clients" if PLAIN.issuperset(self.routes) else "tools"


def read_routes() -> list[str]:
    """ROUTES, in the order of the table. Raises UserError when it has a name that is no route."""
    words = (os.environ.get("ROUTES") or " ".join(ROUTES)).split()
    if unknown := set(words) - set(ROUTES):
        raise UserError(f"ROUTES has no {', '.join(sorted(unknown))}; there are: {' '.join(ROUTES)}")
    return [route for route in ROUTES if route in {*words, "pipe"} and (route != "own" or os.environ.get("OWN"))]


def start(containers: Containers, image: str, memory: float) -> None:
    """Start both databases, and the container of the clients with so many bytes of memory."""
    quick = ("-c", "fsync=off", "-c", "max_wal_size=8GB")  # for the filling: the benchmark itself only reads
    login = {"CLICKHOUSE_USER": "etl", "CLICKHOUSE_PASSWORD": PASSWORD, "CLICKHOUSE_DB": "shop"}
    containers.start("shop", POSTGRES, *quick, env={"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": PASSWORD})
    containers.start("warehouse", WAREHOUSE_IMAGE, env=login, options=WAREHOUSE_FILES)
    limit = f"{memory:.0f}"
    options = (*INSIDE, "--volume", f"{LESSON}:/lesson:ro", "--memory", limit, "--memory-swap", limit)
    env = ENV | {"OWN": os.environ.get("OWN", "")}
    containers.start("clients", image, "sleep", "infinity", env=env, options=options)
    containers.wait_for("shop", "sh", "-c", "pg_isready --quiet --host $HOSTNAME")
    containers.wait_for("warehouse", "sh", "-c", "clickhouse-client --host $HOSTNAME --query 'SELECT 1'")


def start_server(containers: Containers) -> None:
    """Start a Prefect server for the route `flow`, on a database of its own."""
    containers.run("shop", "createdb", "--username", "shop", "prefect")
    database = f"postgresql+asyncpg://shop:{PASSWORD}@shop:5432/prefect"
    env = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    containers.start("server", LESSON_IMAGE, "prefect", "server", "start", "--host", "0.0.0.0", env=env)
    probe = "from urllib.request import urlopen; urlopen('http://localhost:4200/api/ready')"
    containers.wait_for("server", "python", "-c", probe)


def remove_server(containers: Containers) -> None:
    """Remove that server and its database."""
    containers.remove("server")
    containers.run("shop", "dropdb", "--username", "shop", "--force", "prefect")


def hopeless(route: str, rows: int, known: dict[int, dict[str, Result]], seconds: float, memory: float) -> str:
    """Why a route is not tried at this size: what it did at a smaller one, and what that makes here."""
    smaller = [size for size in known if size < rows and route in known[size]]
    if not smaller:
        return ""
    before, times = known[max(smaller)][route], rows / max(smaller)
    if before["trouble"]:
        return str(before["trouble"])
    then = f"skipped: {spaced(max(smaller))} rows took {before['seconds']:.0f} s and {before['mb']:.0f} MB"
    if before["mb"] * times * 1e6 > memory:
        return f"{then}, so these need about {before['mb'] * times / 1000:.0f} GB; the limit is {memory / 1e9:.0f}"
    if before["seconds"] * times > seconds:
        return f"{then}, so these need about {before['seconds'] * times:.0f} s; the limit is {seconds:.0f}"
    return ""


def measure(containers: Containers, rows: int, routes: list[str], repeat: int, seconds: int) -> dict[str, Result]:
    """Run the routes; return the medians of each."""
    runs: dict[str, list[Result]] = {}
    task = {"rows": rows, "routes": routes, "repeat": repeat, "seconds": seconds}
    for line in containers.lines("clients", *MEASURE, json.dumps(task)):
        result = json.loads(line)
        runs.setdefault(result.pop("route"), []).append(result)
    return {route: medians(results) for route, results in runs.items()}


def medians(runs: list[Result]) -> Result:
    """The result of a route out of those of its runs."""
    middle = {name: median(run[name] for run in runs) for name in ("seconds", "cpu", "mb")}
    first = {name: next((run[name] for run in runs if run[name]), "") for name in ("trouble", "wrong")}
    return middle | first | {"runs": [round(run["seconds"], 3) for run in runs]}


def measure_size(
    containers: Containers, rows: int, known: dict[int, dict[str, Result]], options: Options, memory: float
) -> dict[str, Result]:
    """The results of all routes at one size. Raises UserError when the shell pipe fails."""
    for _ in containers.lines("clients", *MEASURE, json.dumps({"fill": rows})):
        pass  # its progress is on our standard error
    routes = options.routes if rows in options.sizes else ["pipe", "load"]
    reasons = {route: hopeless(route, rows, known, options.seconds, memory) for route in routes}
    tried = [route for route in routes if not reasons[route] and route != "flow"]
    results = measure(containers, rows, tried, options.repeat, options.seconds)
    if why := results["pipe"]["trouble"] or results["pipe"]["wrong"]:
        raise UserError(f"the shell pipe, which all others are compared with, failed: {why}")
    if "flow" in routes and not reasons["flow"]:  # apart from the others: its server would work next to them
        start_server(containers)
        results |= measure(containers, rows, ["flow"], 1, options.seconds)
        remove_server(containers)
    return {route: results.get(route) or {"trouble": reasons[route]} for route in routes}


def results_table(results: list[tuple[str, int, Result, Result]]) -> str:
    """A table of name, rows, result and result of the pipe; what has no figures has no row."""
    lines = []
    for name, rows, result, limit in results:
        if not result["trouble"]:
            seconds, verdict = result["seconds"], f"WRONG: {unbroken(result['wrong'])}" if result["wrong"] else "equal"
            ratio = f"{seconds / limit['seconds']:.2f}"
            client = [f"{result['cpu']:.2f}", f"{result['mb']:.0f}"]
            lines.append([name, f"{seconds:.2f}", spaced(rows / seconds), ratio, *client, verdict])
    return table(["", "s", "rows/s", "× pipe", "client CPU s", "peak MB", "target"], lines)


def failures(known: dict[int, dict[str, Result]]) -> list[str]:
    """Why routes have no figures, as items of a list: once, or for the sizes that have none while others have."""
    items: dict[str, None] = {}
    for rows, results in known.items():
        for route, result in results.items():
            if result["trouble"]:
                elsewhere = any(of[route]["trouble"] == "" for of in known.values() if route in of)
                name = f"{ROUTES[route]}, {spaced(rows)} rows" if elsewhere else ROUTES[route]
                items[f"- {name}: {reason(result['trouble'])}"] = None
    return [*items]


def reason(trouble: str) -> str:
    """Why a route has no figures: in our words, or in those of a tool, as code and without its stack trace."""
    if trouble.startswith(("skipped", "took over", "killed")):
        return unbroken(trouble)
    words = " ".join(trouble.split("Stack trace")[0].split()).replace("`", "'")
    return f"does not work here: `{shorten(words, 240, placeholder=' …')}`"


def unbroken(text: str) -> str:
    """A text in which no line ends within a number: those of the containers have plain spaces."""
    return re.sub(r"(?<=\d) (?=\d{3}\b)", "\u00a0", text)


def report(about: dict[str, Any], repeat: int, known: dict[int, dict[str, Result]]) -> str:
    """What the page includes, from what was measured: the size of a table in rows → route → result."""
    sizes = [rows for rows in known if known[rows].keys() - {"pipe", "load"}] or [*known]
    parts = [
        f"Median of {repeat}, the routes in turn; whole processes, with the start of each. {about['cores']} "
        f"cores of {about['processor']}, PostgreSQL {about['postgresql']}, ClickHouse {about['clickhouse']}, "
        f"{about['date']}: on another machine all figures are others."
    ]
    if about["stand_in"]:  # "…, for clickhouse/clickhouse-server:26.8"
        was, _, image = about["stand_in"].partition(", for ")
        parts.append(
            f"The warehouse was {was}, not the {image.rpartition(':')[2]} that you have: the ratios are those of the old "
            "version, and what does not work with it may work with yours."
        )
    for rows in sizes:
        pipe = known[rows]["pipe"]
        lines = [(ROUTES[route], rows, result, pipe) for route, result in known[rows].items()]
        parts.append(f"{spaced(rows)} rows:\n\n{results_table(lines)}")
    if without := failures(known):
        parts.append("What has no figures:\n\n" + "\n".join(without))
    if len(known) > 1 and "load" in known[sizes[-1]]:
        lines = [(f"{spaced(rows)} rows", rows, results["load"], results["pipe"]) for rows, results in known.items()]
        parts.append(f"{ROUTES['load']}, as the table grows:\n\n{results_table(lines)}")
    return "\n\n".join(parts)


def versions(containers: Containers) -> dict[str, str]:
    """The versions of both databases, and what the image of ClickHouse stands in for, if it does."""
    return {
        "postgresql": containers.run("shop", "psql", "--username", "shop", "-tAc", "SHOW server_version"),
        "clickhouse": containers.run("warehouse", *CLIENT, "SELECT version()"),
        "stand_in": docker("inspect", "--format", f'{{{{index .Config.Labels "{STAND_IN}"}}}}', WAREHOUSE_IMAGE),
    }


def main() -> None:
    """Measure, print the tables, write bench/results/etl.*."""
    arguments(__doc__)
    options = Options.read()
    require("this benchmark", POSTGRES, WAREHOUSE_IMAGE)
    image = f"bench-{options.target}"
    with step(f"building the image of the {options.target}, some minutes the first time"):
        version = f"CLICKHOUSE={WAREHOUSE_IMAGE.partition(':')[2]}"
        words = ("--tag", image, "--target", options.target, "--build-arg", version, str(HERE))
        run("docker", "build", *words, log="build-bench")
    known: dict[int, dict[str, Result]] = {}
    memory = min(MEMORY, machine()["memory_gb"] * 0.6e9)
    with Containers("etl") as containers:
        start(containers, image, memory)
        about = versions(containers)
        for rows in sorted([*options.sizes, *options.growth]):
            known[rows] = measure_size(containers, rows, known, options, memory)
    about = machine() | about
    write("etl", {"machine": about, "repeat": options.repeat, "rows": known}, report(about, options.repeat, known))


if __name__ == "__main__":
    program(main)
