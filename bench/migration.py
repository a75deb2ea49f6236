"""`make bench-migration`: orders from MariaDB to the warehouse beside the client's dump piped into COPY by hand.

With the word `kills` the weekly migration is killed ten times instead, and both sides compared; with `dask` flows run by
threads, processes and Dask in turn; without a word all three are done, and bench/results/migration* written.
Environment: ROWS ("100000 1000000 5000000"), REPEAT (3), KILLS (10), SEED (1), PRODUCTS ("50 400 1600"), LIMIT (900 s).
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from bench.arguments import arguments, whole_numbers
from bench.containers import HOUSE, INSIDE, PASSWORD, Containers
from bench.report import machine, spaced, write
from engine.core import ROOT, UserError, positive, program, run, step
from engine.docker import require_engine
from engine.images import MARIADB, POSTGRES, PYTHON, ensure_base, ensure_stack
from engine.markdown import table

LESSON = ROOT / "05-migration"
COMMAND = "make bench-migration"
IMAGE, SQS = "bench-movers", "beyond-cron-sqs"
ROUTES = {
    "hand": "mariadb \\| psql COPY, by hand",
    "load": "the lesson's load, compiled client",
    "pymysql": "the same, PyMySQL",
    "bucket": "the same, compiled, through the bucket",
    "weekly": "the whole flow in Prefect, with its comparison",
    "legacy": "the legacy batch, 500 rows at a time",
}
LARGEST = {"legacy": 100_000}  # rows up to which a route is measured
ENV = {
    "SHOP_URL": f"mysql://shop:{PASSWORD}@shop:3306/shop",
    "REDSHIFT_DSN": f"postgresql://etl:{PASSWORD}@warehouse:5432/warehouse",
    "S3_ENDPOINT_URL": "http://sqs:4566",
    "AWS_ACCESS_KEY_ID": PASSWORD,
    "AWS_SECRET_ACCESS_KEY": PASSWORD,
    "AWS_DEFAULT_REGION": "us-east-1",
    "PREFECT_API_URL": "http://server:4200/api",
    "PREFECT_LOCAL_STORAGE_PATH": "/tmp/results",
    "DASK_SCHEDULER": "tcp://scheduler:8786",
    "PYTHONPATH": f"{HOUSE}:/lesson/flows",
}
FILES = (*INSIDE, "--volume", f"{LESSON}:/lesson:ro")
ORDERS = 200_000  # in the shop while task runners are compared
PATIENCE = 300  # seconds for a container to answer
WORK = {"alike": "alike, {} products", "weekly": "weekly, partitions of {}"}
Result = dict[str, Any]


@contextmanager
def stage() -> Iterator[Containers]:
    """Shop, warehouse, bucket, Prefect's server, and the container in which all routes run."""
    require_engine(COMMAND)
    for image in (PYTHON, POSTGRES, MARIADB):
        ensure_base(image)
    ensure_stack(LESSON)
    with step("building the image of the clients"):
        run("docker", "build", "--tag", IMAGE, "--target", "movers", str(ROOT / "bench"), log="build-bench")
    with Containers("migration") as containers:
        with step("shop, warehouse, bucket and Prefect start"):
            start(containers)
        yield containers


def start(containers: Containers) -> None:
    """Start them all, and wait until each answers."""
    folder = "{}:/docker-entrypoint-initdb.d:ro"
    login = {"MARIADB_ROOT_PASSWORD": PASSWORD, "MARIADB_DATABASE": "shop"}
    login |= {"MARIADB_USER": "shop", "MARIADB_PASSWORD": PASSWORD}
    quick = (
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-buffer-pool-size=1G",
        "--innodb-log-file-size=512M",
    )  # to fill it
    containers.start("shop", MARIADB, *quick, env=login, options=("--volume", folder.format(LESSON / "shop")))
    login = {"POSTGRES_USER": "etl", "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": "warehouse"}
    options = ("--volume", folder.format(LESSON / "warehouse"))
    containers.start("warehouse", POSTGRES, "-c", "max_wal_size=4GB", env=login, options=options)
    containers.start("sqs", SQS)
    containers.start("server", IMAGE, "prefect", "server", "start", "--host", "0.0.0.0")
    containers.start("clients", IMAGE, "sleep", "infinity", env=ENV, options=FILES)
    containers.wait_for("shop", "healthcheck.sh", "--connect", "--innodb_initialized", seconds=PATIENCE)
    containers.wait_for("warehouse", "sh", "-c", "pg_isready --quiet --host $HOSTNAME", seconds=PATIENCE)
    for name, address in (("server", "4200/api/ready"), ("sqs", "4566/_ministack/health")):
        probe = f"from urllib.request import urlopen; urlopen('http://localhost:{address}')"
        containers.wait_for(name, "python", "-c", probe, seconds=PATIENCE)


def start_dask(containers: Containers) -> None:
    """Start a scheduler and two workers of Dask, as in the lesson's stack."""
    containers.start("scheduler", IMAGE, "dask", "scheduler", "--no-show", env=ENV, options=FILES)
    for number in (1, 2):
        words = ("dask", "worker", ENV["DASK_SCHEDULER"], "--nthreads", "1", "--no-nanny")
        containers.start(f"dask-{number}", IMAGE, *words, env=ENV, options=FILES)
    both = "import os; from distributed import Client; Client(os.environ['DASK_SCHEDULER'], timeout=10).wait_for_workers(2, 60)"
    containers.wait_for("clients", "python", "-c", both, seconds=PATIENCE)


def inside(containers: Containers, module: str, *words: str) -> list[Result]:
    """The JSON objects that a module of bench.inside.migration prints."""
    name = f"bench.inside.migration.{module}"
    return [json.loads(line) for line in containers.lines("clients", "python", "-P", "-m", name, *words)]


def measure_routes(containers: Containers, sizes: list[int], repeat: int, seconds: int) -> dict[int, dict[str, Result]]:
    """The medians of each route at each size."""
    known = {}
    for rows in sizes:
        inside(containers, "routes", json.dumps({"fill": rows}))
        routes = [route for route in ROUTES if rows <= LARGEST.get(route, rows)]
        task = {"rows": rows, "routes": routes, "repeat": repeat, "seconds": seconds}
        runs = inside(containers, "routes", json.dumps(task))
        known[rows] = {route: medians([one for one in runs if one["route"] == route]) for route in routes}
        if why := known[rows]["hand"]["trouble"] or known[rows]["hand"]["wrong"]:
            raise UserError(f"the dump by hand, which all others are compared with, failed: {why}")
    return known


def medians(runs: list[Result]) -> Result:
    """The result of a route out of those of its runs."""
    middle = {name: median(one[name] for one in runs) for name in ("seconds", "cpu", "mb")}
    first = {name: next((one[name] for one in runs if one[name]), "") for name in ("trouble", "wrong")}
    return middle | first | {"runs": [round(one["seconds"], 2) for one in runs]}


def show_routes(about: Result, known: dict[int, dict[str, Result]], repeat: int) -> None:
    """Print and write the table of the routes."""
    rows = [
        [
            f"{spaced(size)}: {ROUTES[route]}",
            f"{one['seconds']:.1f}",
            spaced(size / one["seconds"]),
            f"{one['seconds'] / results['hand']['seconds']:.2f}",
            f"{one['cpu']:.1f}",
            f"{one['mb']:.0f}",
            one["trouble"] or one["wrong"] or "equal",
        ]
        for size, results in known.items()
        for route, one in results.items()
    ]
    header = ["orders", "s", "rows/s", "× by hand", "client CPU s", "peak MB", "both sides"]
    text = f"Median of {repeat}, the routes in turn; {machine_line(about)}\n\n{table(header, rows)}"
    write("migration", {"machine": about, "repeat": repeat, "rows": known}, text)


def machine_line(about: Result) -> str:
    """What the figures depend on."""
    return (
        f"{about['cores']} cores of {about['processor']}, {about['date']}: on another machine all figures are others."
    )


def kill(containers: Containers, rows: int, kills: int, seed: int) -> int:
    """Kill the weekly migration so often; write what came of it. 1 when a row is lost, doubled or changed."""
    inside(containers, "routes", json.dumps({"fill": rows}))
    containers.run("clients", "python", "-P", "-c", "from bench.inside.migration.routes import empty; empty()")
    size = max(rows // 25, 1000)
    [told] = inside(containers, "kills", str(kills), str(size), str(seed))
    about = machine()
    lines = [
        ["orders", spaced(rows)],
        ["partitions", str(told["partitions"])],
        ["done at the kills", ", ".join(map(str, told["done_at_kills"]))],
        ["partitions noted at the end, different ones", f"{told['noted']}, {told['different']}"],
        ["rows in the warehouse, different ids", f"{spaced(told['rows'])}, {spaced(told['ids'])}"],
        ["count and checksum of the shop", told["shop"]],
        ["count and checksum of the warehouse", told["warehouse"]],
    ]
    text = f"{kills} times killed with -9, seed {seed}; {machine_line(about)}\n\n{table(['', ''], lines)}"
    write("migration-kills", {"machine": about, "seed": seed} | told, text)
    well = told["shop"] == told["warehouse"] and told["rows"] == told["ids"] == rows and not told["exit_code"]
    return 0 if well and told["partitions"] == told["noted"] == told["different"] else 1


def compare_runners(containers: Containers, products: list[int], sizes: list[int], repeat: int) -> None:
    """Two flows by threads, processes and Dask; write the table."""
    start_dask(containers)
    inside(containers, "routes", json.dumps({"fill": ORDERS}))
    runs = inside(containers, "runners", json.dumps({"flow": "alike", "sizes": products, "repeat": repeat}))
    runs += inside(containers, "runners", json.dumps({"flow": "weekly", "sizes": sizes, "repeat": repeat}))
    names = list(dict.fromkeys(one["runner"] for one in runs))
    seconds: dict[tuple[str, int], dict[str, float]] = {}
    for flow, size in dict.fromkeys((one["flow"], one["size"]) for one in runs):
        mine = [one for one in runs if (one["flow"], one["size"]) == (flow, size)]
        seconds[flow, size] = {n: median(one["seconds"] for one in mine if one["runner"] == n) for n in names}
    lines = [
        [
            WORK[flow].format(spaced(size)),
            *(f"{took[name]:.1f}" for name in names),
            f"{took['two threads'] / took['Dask']:.2f}",
        ]
        for (flow, size), took in seconds.items()
    ]
    about = machine()
    text = f"Seconds, median of {repeat}, in turn; {machine_line(about)}\n\n"
    text += table(["", *names, "threads : Dask"], lines)
    write("migration-dask", {"machine": about, "runs": runs}, text)


def main() -> int:
    """Measure, print the tables, write bench/results/migration*."""
    words = arguments(__doc__, "load", "kills", "dask") or ["load", "kills", "dask"]
    sizes = whole_numbers("ROWS", "100000 1000000 5000000", COMMAND)
    products = whole_numbers("PRODUCTS", "50 400 1600", COMMAND)
    repeat, kills, seed, seconds = (
        positive(name, default) for name, default in (("REPEAT", 3), ("KILLS", 10), ("SEED", 1), ("LIMIT", 900))
    )
    code = 0
    with stage() as containers:
        if "dask" in words:
            compare_runners(containers, products, [ORDERS // 20, ORDERS // 4], repeat)
        if "load" in words:
            known = measure_routes(containers, sizes, repeat, seconds)
            show_routes(machine(), known, repeat)
        if "kills" in words:
            code = kill(containers, sizes[-1], kills, seed)
    return code


if __name__ == "__main__":
    program(main)
