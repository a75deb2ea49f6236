"""`make etl`: the real flows, through a real Prefect server, on the generator's shop and on orders of TPC-H."""

import fcntl
import os
import re
import subprocess
import sys
import time

import databases
import psycopg2
import tpch
from api import healthy
from embedded import free_port
from settings import LESSON, Settings, stop_with
from targets import Targets

CHANGES = 3  # seconds of changes in the shop, before it is loaded


class Etl:
    """One `make etl`: two shops, loaded one after the other into the warehouse."""

    def __init__(self, targets: Targets, scale: str) -> None:
        self.targets = targets
        self.processes, self.postgres = targets.processes, targets.postgres
        self.scale = scale
        self.given = [name for name in ("SOURCE_URL", "WAREHOUSE_URL") if name in os.environ]
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:5.1f} s  {text}", flush=True)

    def run(self) -> None:
        server = self.start_server()
        databases.for_flows(self.postgres)
        found = self.postgres.postmaster()
        self.say(f"PostgreSQL on 127.0.0.1:{found[1]}" if found else "databases as given")
        if "SHOP_URL" in os.environ and "SOURCE_URL" not in self.given:
            databases.generate("--for", str(CHANGES), "--rate", "50")
            self.say(f"shop: {CHANGES} seconds of orders, changes and cancellations")
        if not self.given:
            tpch_url = self.postgres.url(f"tpch_{self.scale}")
            tpch.fill(tpch_url, self.scale)
            self.say(f"TPC-H: orders of scale factor {self.scale}")
        if server:
            self.processes.wait_until_ready("etl-server", server, healthy)
            self.say("the server answers")
        self.load("shop")
        if self.given:
            self.say(f"TPC-H left out: it fills databases of its own, and {' and '.join(self.given)} name yours")
        else:
            warehouse = f"chdb://{self.targets.settings.state}/warehouse-tpch-{self.scale}"
            os.environ |= {"SOURCE_URL": databases.as_etl(tpch_url), "WAREHOUSE_URL": warehouse}
            self.load("TPC-H")

    def start_server(self) -> "subprocess.Popen[bytes] | None":
        """Start a server on a free port, which plans no runs; None if the lesson's own runs, which keeps these too."""
        if "server" in self.processes.running() and healthy():
            self.say(f"the server that runs at {os.environ['PREFECT_API_URL']} keeps the runs")
            return None
        databases.for_prefect(self.postgres)
        port = str(free_port())
        os.environ |= {
            "PREFECT_SERVER_API_HOST": "127.0.0.1",
            "PREFECT_SERVER_API_PORT": port,
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
        }
        server = self.processes.launch("etl-server", ["prefect", "server", "start"], background=True)
        self.say("a Prefect server starts")
        return server

    def load(self, name: str) -> None:
        """Run the flows in a process of their own, their log in a file; exit with its end if they fail."""
        self.say(f"{name}: load, reconcile, load again")
        log = self.processes.log(f"etl-{name}")
        env = os.environ | {"PYTHONPATH": str(LESSON / "flows")}
        with log.open("w") as errors:
            code = subprocess.run([sys.executable, LESSON / "host/end_to_end.py"], env=env, stderr=errors).returncode
        if code == 3:
            stop_with("shop and warehouse differ: does somebody write to the shop? make stop, then make etl again")
        if code:
            failed = [line for line in log.read_text().splitlines() if line.startswith("failed: ")] or ["a flow failed"]
            stop_with(f"{failed[-1]} (log: {log})")

    def end(self) -> None:
        self.processes.terminate(self.processes.running("etl-server").values())
        self.targets.last_one_out()


def main() -> None:
    targets = Targets(Settings.load())
    scale = os.environ.get("SCALE", "0.01")  # 1 is some 8.7 million rows
    if not re.fullmatch(r"\d*\.?\d+", scale) or not 0 < float(scale) <= 10:
        stop_with(f"SCALE={scale} is not a scale factor of TPC-H, such as 0.01 (most: 10)")
    lock = (targets.settings.state / "run/etl.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stop_with("make etl runs already")
    if "generator" in targets.processes.running():
        stop_with("the generator writes to the shop: make stop, then make etl")
    etl = Etl(targets, scale)
    try:
        etl.run()
    except KeyboardInterrupt:
        sys.exit(130)
    except (ChildProcessError, psycopg2.Error) as error:
        stop_with(str(error).splitlines()[0])
    finally:
        etl.end()
    etl.say("done")


if __name__ == "__main__":
    main()
