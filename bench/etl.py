"""`make bench-etl`: how fast rows come from PostgreSQL to ClickHouse, by the lesson's load, a shell pipe, and others.

Environment: ROWS ("2000000 20000000"), REPEAT (3), GROWTH (1; 0 leaves the smaller sizes out), LIMIT (600 s for a run),
ROUTES (all of them), OWN (your own shell command as one more; it has $SOURCE_URL, $SELECT, $CLIENT and $INTO).
"""

import json
import os
from statistics import median
from typing import Any

from bench.boxes import LESSON, LESSON_IMAGE, PASSWORD, Boxes, number, require
from bench.report import machine, spaced, table, write
from lab.engine import ROOT, Trouble, docker, run, step

HERE = ROOT / "bench"
WAREHOUSE_IMAGE = "clickhouse/clickhouse-server:26.8"
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
    "PYTHONPATH": "/lesson/flows",
}
CLIENT = ("clickhouse-client", "--host", "127.0.0.1", "--query")
STAND_IN = "beyond-cron.stand-in"
Result = dict[str, Any]


def sizes() -> list[int]:
    """ROWS. Raises Trouble when it has something else than whole numbers."""
    words = (os.environ.get("ROWS") or "2000000 20000000").split()
    if not words or not all(word.isdecimal() and int(word) for word in words):
        raise Trouble(f"ROWS={' '.join(words)} is not a list of whole numbers: make bench-etl ROWS='2000000 20000000'")
    return sorted(set(map(int, words)))


def chosen() -> list[str]:
    """ROUTES, in the order of the table. Raises Trouble for a name that is none."""
    words = (os.environ.get("ROUTES") or " ".join(ROUTES)).split()
    if unknown := set(words) - set(ROUTES):
        raise Trouble(f"ROUTES has no {', '.join(sorted(unknown))}; there are: {' '.join(ROUTES)}")
    return [route for route in ROUTES if route in {*words, "pipe"} and (route != "own" or os.environ.get("OWN"))]


def start(boxes: Boxes, image: str, memory: float) -> None:
    """Start both databases and the container of the clients."""
    quick = ("-c", "fsync=off", "-c", "max_wal_size=8GB")  # for the filling: the benchmark itself only reads
    login = {"CLICKHOUSE_USER": "etl", "CLICKHOUSE_PASSWORD": PASSWORD, "CLICKHOUSE_DB": "shop"}
    boxes.start("shop", "postgres:17", *quick, env={"POSTGRES_USER": "shop", "POSTGRES_PASSWORD": PASSWORD})
    boxes.start("warehouse", WAREHOUSE_IMAGE, env=login)
    files = [f"{HERE / name}:/bench/{name}:ro" for name in ("etl_inside.py", "etl_routes.py")]
    mounts = [word for mount in (*files, f"{LESSON}:/lesson:ro") for word in ("--volume", mount)]
    limit = f"{memory:.0f}"
    options = (*mounts, "--memory", limit, "--memory-swap", limit)
    boxes.start("clients", image, "sleep", "infinity", env=ENV | {"OWN": os.environ.get("OWN", "")}, options=options)
    boxes.wait_for("shop", "sh", "-c", "pg_isready --quiet --host $HOSTNAME")
    boxes.wait_for("warehouse", "sh", "-c", "clickhouse-client --host $HOSTNAME --query 'SELECT 1'")


def start_server(boxes: Boxes) -> None:
    """Start a Prefect server for the route `flow`, on a database of its own."""
    boxes.run("shop", "createdb", "--username", "shop", "prefect")
    database = f"postgresql+asyncpg://shop:{PASSWORD}@shop:5432/prefect"
    env = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    boxes.start("server", LESSON_IMAGE, "prefect", "server", "start", "--host", "0.0.0.0", env=env)
    ask = "from urllib.request import urlopen; urlopen('http://localhost:4200/api/ready')"
    boxes.wait_for("server", "python", "-c", ask)


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


def measure(boxes: Boxes, rows: int, routes: list[str], repeat: int, seconds: int) -> dict[str, Result]:
    """Run the routes; return the medians of each."""
    runs: dict[str, list[Result]] = {}
    task = {"rows": rows, "routes": routes, "repeat": repeat, "seconds": seconds}
    for line in boxes.lines("clients", "python", "etl_inside.py", json.dumps(task)):
        result = json.loads(line)
        runs.setdefault(result.pop("route"), []).append(result)
    return {
        route: {
            "seconds": median(one["seconds"] for one in all_of_it),
            "cpu": median(one["cpu"] for one in all_of_it),
            "mb": median(one["mb"] for one in all_of_it),
            "trouble": next((one["trouble"] for one in all_of_it if one["trouble"]), ""),
            "wrong": next((one["wrong"] for one in all_of_it if one["wrong"]), ""),
            "runs": [round(one["seconds"], 3) for one in all_of_it],
        }
        for route, all_of_it in runs.items()
    }


def rows_of(results: list[tuple[str, int, Result, Result]]) -> str:
    """A table of name, rows, result and result of the pipe; below it, why some have no figures."""
    lines, reasons = [], []
    for name, rows, result, limit in results:
        if trouble := result["trouble"]:
            said = trouble.split("Stack trace")[0][:240].strip()
            ours = said.startswith(("skipped", "took over", "killed"))
            reasons.append(f"{name}: {said if ours else f'does not work here: {said}'}")
            lines.append([name, *["–"] * 6])
            continue
        seconds, verdict = result["seconds"], f"WRONG: {result['wrong']}" if result["wrong"] else "equal"
        ratio = f"{seconds / limit['seconds']:.2f}"
        client = [f"{result['cpu']:.2f}", f"{result['mb']:.0f}"]
        lines.append([name, f"{seconds:.2f}", spaced(rows / seconds), ratio, *client, verdict])
    return "\n\n".join([table(["", "s", "rows/s", "× pipe", "client CPU s", "peak MB", "target"], lines), *reasons])


def show(known: dict[int, dict[str, Result]], wanted: list[int], repeat: int, about: dict[str, Any]) -> None:
    """Print and write the tables."""
    parts = [
        f"Median of {repeat}, the routes in turn; whole processes, with the start of each. {about['cores']} cores of "
        f"{about['processor']}, PostgreSQL {about['postgresql']}, ClickHouse {about['clickhouse']}, {about['date']}: "
        "on another machine all figures are others."
    ]
    for rows in wanted:
        pipe = known[rows]["pipe"]
        lines = [(ROUTES[route], rows, result, pipe) for route, result in known[rows].items()]
        parts.append(f"{spaced(rows)} rows:\n\n{rows_of(lines)}")
    if len(known) > 1 and "load" in known[wanted[-1]]:
        lines = [(f"{spaced(rows)} rows", rows, results["load"], results["pipe"]) for rows, results in known.items()]
        parts.append(f"{ROUTES['load']}, as the table grows:\n\n{rows_of(lines)}")
    write("etl", {"machine": about, "repeat": repeat, "rows": known}, "\n\n".join(parts))


def main() -> None:
    """Measure, print the tables, write bench/results/etl.*."""
    wanted, routes, repeat, seconds = sizes(), chosen(), number("REPEAT", 3), number("LIMIT", 600)
    growth = [10**power for power in range(5, 8)] if os.environ.get("GROWTH", "1") != "0" else []
    require("postgres:17", WAREHOUSE_IMAGE)
    target = "clients" if PLAIN.issuperset(routes) else "tools"
    with step(f"building the image of the {target}, some minutes the first time"):
        run("docker", "build", "--tag", f"bench-{target}", "--target", target, str(HERE), log="build-bench")
    known: dict[int, dict[str, Result]] = {}
    with Boxes("etl") as boxes:
        memory = min(MEMORY, machine()["memory_gb"] * 0.6e9)
        start(boxes, f"bench-{target}", memory)
        versions = {
            "postgresql": boxes.run("shop", "psql", "--username", "shop", "-tAc", "SHOW server_version"),
            "clickhouse": boxes.run("warehouse", *CLIENT, "SELECT version()"),
            "stand_in": docker("inspect", "--format", f'{{{{index .Config.Labels "{STAND_IN}"}}}}', WAREHOUSE_IMAGE),
        }
        for rows in sorted({*wanted, *(size for size in growth if size < wanted[-1])}):
            for _ in boxes.lines("clients", "python", "etl_inside.py", json.dumps({"fill": rows})):
                pass
            here = routes if rows in wanted else ["pipe", "load"]
            reasons = {route: hopeless(route, rows, known, seconds, memory) for route in here}
            tried = [route for route in here if not reasons[route] and route != "flow"]
            found = measure(boxes, rows, tried, repeat, seconds)
            if why := found["pipe"]["trouble"] or found["pipe"]["wrong"]:
                raise Trouble(f"the shell pipe, which all others are compared with, failed: {why}")
            if "flow" in here and not reasons["flow"]:  # apart from the others: its server would work next to them
                start_server(boxes)
                found |= measure(boxes, rows, ["flow"], 1, seconds)
                boxes.stop("server")
                boxes.run("shop", "dropdb", "--username", "shop", "--force", "prefect")
            known[rows] = {route: found.get(route) or {"trouble": reasons[route]} for route in here}
    show(known, wanted, repeat, machine() | versions)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
