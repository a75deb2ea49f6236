"""`make etl`: the real flows, through a real Prefect server, on the generator's shop and on orders of TPC-H."""

import fcntl
import os
import re
import subprocess
import sys
import time

import databases
import embedded
import psycopg2
import tpch
from api import healthy
from processes import launch, running, terminate, wait_until_ready
from run import last_one_out
from settings import LESSON, STATE, stop_with

SCALE = os.environ.get("SCALE", "0.01")  # 1 is some 8.7 million rows
CHANGES = 3  # seconds of changes in the shop, before it is loaded
BEGIN = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - BEGIN:5.1f} s  {text}", flush=True)


def etl(name: str) -> None:
    """Run the flows in a process of their own, their log in a file; exit with its end if they fail."""
    say(f"{name}: load, reconcile, load again")
    log = STATE / "logs" / f"etl-{name.split()[0]}.log"
    with log.open("w") as errors:
        command = [sys.executable, LESSON / "host/one_etl.py"]
        code = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(LESSON / "flows")}, stderr=errors).returncode
    if code == 3:
        stop_with("shop and warehouse differ: does somebody write to the shop? make stop, then make etl again")
    if code:
        said = [line for line in log.read_text().splitlines() if line.startswith("failed: ")] or ["a flow failed"]
        stop_with(f"{said[-1]} (log: {log})")


def server_of_its_own() -> None:
    """Start a server on a free port, which plans no runs: the lesson's own does."""
    port = str(embedded.free_port())
    os.environ |= {
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": port,
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    }


def main() -> None:
    given = [name for name in ("SOURCE_URL", "WAREHOUSE_URL") if name in os.environ]
    if "server" in running() and healthy():
        server = None
        say(f"the server that runs at {os.environ['PREFECT_API_URL']} keeps the runs")
    else:
        databases.for_prefect()
        server_of_its_own()
        server = launch("etl-server", ["prefect", "server", "start"], background=True)
        say("a Prefect server starts")
    databases.for_flows()
    say(f"PostgreSQL on 127.0.0.1:{embedded.postmaster()[1]}" if embedded.postmaster() else "databases as given")
    if "SHOP_URL" in os.environ and "SOURCE_URL" not in given:
        databases.generate("--for", str(CHANGES), "--rate", "50")
        say(f"shop: {CHANGES} seconds of orders, changes and cancellations")
    if not given:
        tpch_url = embedded.url(f"tpch_{SCALE}")
        tpch.fill(tpch_url, SCALE)
        say(f"TPC-H: orders of scale factor {SCALE}")
    if server:
        wait_until_ready("etl-server", server, healthy)
        say("the server answers")
    etl("shop")
    if given:
        say(f"TPC-H left out: it fills databases of its own, and {' and '.join(given)} name yours")
    else:
        os.environ |= {
            "SOURCE_URL": databases.as_etl(tpch_url),
            "WAREHOUSE_URL": f"chdb://{STATE}/warehouse-tpch-{SCALE}",
        }
        etl("TPC-H")


if __name__ == "__main__":
    if not re.fullmatch(r"\d*\.?\d+", SCALE) or not 0 < float(SCALE) <= 10:
        stop_with(f"SCALE={SCALE} is not a scale factor of TPC-H, such as 0.01 (most: 10)")
    lock = (STATE / "run/etl.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stop_with("make etl runs already")
    if "generator" in running():
        stop_with("the generator writes to the shop: make stop, then make etl")
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
    except (ChildProcessError, psycopg2.Error) as error:
        stop_with(str(error).splitlines()[0])
    finally:
        terminate(process for name, process in running().items() if name == "etl-server")
        last_one_out()
    say("done")
