"""The lesson's stack for chaos: a Compose project of its own, and containers beside it that write, read and run."""

import base64
import json
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lab.engine import ROOT, Trouble, ready
from offline.images import ensure_base

LESSON = ROOT / "03-prefect"
LESSON_FLOWS = ("sales_etl", "reconcile")
DEPLOYMENTS = ("sales-etl/every-2-minutes", "reconcile/nightly", "sales-etl/backfill")
LOGIN = base64.b64encode(b"admin:beyond-cron").decode()
NOT_THE_ETL = ("generator",)  # its place is taken by writers that do worse


def free_port() -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """Up in `start`, gone with its volumes at the end of the block, also of one that was interrupted."""

    def __init__(self, flows: tuple[str, ...]) -> None:
        """Only names so far; `flows` are run in the quiet at the end, in this order."""
        self.flows = flows
        self.project = os.environ.get("CHAOS_PROJECT", f"chaos-{os.getpid()}")
        self.port = free_port()
        self.etl, self.reader = f"{self.project}-etl", f"{self.project}-reader"
        self.writers: list[str] = []
        self.lines = 0
        self.worker_kills = 0
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def __enter__(self) -> Self:
        """Have an engine and the images. Raises Trouble where that is not possible."""
        if not ready(install=False):
            raise Trouble("chaos needs a Docker engine, and none answers here: make up starts one where it can")
        for image in ("python:3.13-slim", "postgres:17", "clickhouse/clickhouse-server:26.8"):
            ensure_base(image)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Leave no container, network or volume."""
        subprocess.run(
            ["docker", "rm", "--force", self.etl, self.reader, *self.writers], capture_output=True, check=False
        )
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "1", check=False)

    def compose(self, *words: str, check: bool = True) -> str:
        """Run Compose in the lesson. Raises Trouble with its last line when that fails."""
        environment = os.environ | {"COMPOSE_PROJECT_NAME": self.project, "PREFECT_PORT": str(self.port)}
        command = ["docker", "compose", *words]
        done = subprocess.run(command, cwd=LESSON, env=environment, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise Trouble(f"docker compose {words[0]} failed: {done.stderr.strip().splitlines()[-1]}")
        return done.stdout

    def docker(self, *words: str, timeout: float | None = None) -> str:
        """Run a docker command. Raises Trouble with its last line when that fails."""
        done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False, timeout=timeout)
        if done.returncode:
            raise Trouble(f"docker {words[0]} failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
        return done.stdout

    def container(self, service: str) -> str:
        """Its name."""
        return service if service.startswith(self.project) else f"{self.project}-{service}-1"

    def beside(self, name: str, *command: str) -> str:
        """Start a container of the lesson's image and settings, beside its services."""
        naive = ["--env=TARGET_PREFIX=naive_"] if self.flows == ("naive",) else []
        shop = "--env=SHOP_URL=postgresql://shop:beyond-cron@shop:5432/shop"
        bench = f"--volume={Path(__file__).parent}:/bench:ro"
        self.compose("run", "--detach", "--no-deps", "--name", name, shop, *naive, bench, "worker", *command)
        return name

    def inside(self, *words: str) -> tuple[str, ...]:
        """The command for a role of chaos_inside.py."""
        return ("python", "-B", "-u", "/bench/chaos_inside.py", *words)

    def start(self, lines: int, writers: int) -> None:
        """Bring it all up: the stack, its rows, writers, the reader, and the process that makes runs."""
        services = [] if self.flows != ("naive",) else ["shop", "warehouse"]
        wanted = services or [s for s in self.compose("config", "--services").split() if s not in NOT_THE_ETL]
        self.compose("up", "--detach", "--wait", *[s for s in wanted if s != "deployer"])
        self.beside(self.etl, "sleep", "infinity")
        seeded = self.docker("exec", self.etl, *self.inside("seed", str(lines)))
        self.lines = json.loads(seeded)["lines"]
        command = ["docker", "exec", "--interactive", self.etl, "python", "-B", "-u", "/bench/chaos_runs.py"]
        self.runs = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for number in range(writers):
            name = f"{self.project}-writer-{number}"
            self.writers.append(name)
            self.beside(name, *self.inside("write", str(number)))
        self.beside(self.reader, *self.inside("read"))

    def ask(self, **request: Any) -> None:
        """Ask for a run."""
        assert self.runs.stdin
        print(json.dumps(request), file=self.runs.stdin, flush=True)

    def answer(self, until: str = "") -> dict[str, Any]:
        """The end of the run; or, if that is earlier, the beginning of this phase of it."""
        assert self.runs.stdout
        for line in self.runs.stdout:
            said: dict[str, Any] = json.loads(line)
            if "code" in said or said["phase"] == until:
                return said
        raise Trouble("the container that runs the ETL is gone: docker events tells why")

    def kill(self, service: str, away: float) -> None:
        """Kill -9 it, and start it again after so many seconds."""
        self.docker("kill", self.container(service))
        time.sleep(away)
        self.docker("start", self.container(service))

    def stop_postgres_at_once(self, away: float) -> None:
        """PostgreSQL's immediate shutdown, which is SIGQUIT: no checkpoint, every session cut."""
        self.docker("kill", "--signal", "QUIT", self.container("shop"))
        self.docker("wait", self.container("shop"), timeout=60)
        time.sleep(away)
        self.docker("start", self.container("shop"))

    def cut(self, service: str, seconds: float) -> None:
        """Take it off the network for a while; it comes back under its name."""
        network, container = f"{self.project}_default", self.container(service)
        self.docker("network", "disconnect", network, container)
        time.sleep(seconds)
        self.docker("network", "connect", "--alias", service, network, container)

    def api(self, path: str, body: Any = None) -> Any:
        """Ask Prefect's API; OSError when it does not answer."""
        headers = {"Authorization": f"Basic {LOGIN}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api{path}", content, headers)
        with self.opener.open(request, timeout=20) as response:
            return json.load(response)

    def kill_worker_in_a_run(self, seconds: float) -> bool:
        """Have the worker run a deployment, and kill its container so long after that began; whether it still ran."""
        deployment = self.api(f"/deployments/name/{DEPLOYMENTS[self.worker_kills % len(DEPLOYMENTS)]}")["id"]
        self.worker_kills += 1
        run = self.api(f"/deployments/{deployment}/create_flow_run", {})["id"]
        deadline = time.monotonic() + 30
        while (
            self.api(f"/flow_runs/{run}")["state"]["type"] in ("SCHEDULED", "PENDING") and time.monotonic() < deadline
        ):
            time.sleep(0.3)
        time.sleep(seconds)
        running = bool(self.api(f"/flow_runs/{run}")["state"]["type"] == "RUNNING")
        self.kill("worker", 0.5)
        return running

    def quiet(self) -> dict[str, int]:
        """Stop the writers, and the worker with its schedule; return what the writers did."""
        done: dict[str, int] = {}
        for writer in self.writers:
            self.docker("kill", "--signal", "TERM", writer)
            self.docker("wait", writer, timeout=60)
            for name, count in json.loads(self.docker("logs", writer).splitlines()[-1]).items():
                done[f"by the writers: {name}"] = done.get(f"by the writers: {name}", 0) + count
        if self.flows != ("naive",):
            self.docker("kill", self.container("worker"))
        time.sleep(2)  # longer than the watermark's margin
        return done

    def compare(self) -> dict[str, Any]:
        """How many rows the two sides have in common, and how many not."""
        found: dict[str, Any] = json.loads(self.docker("exec", self.etl, *self.inside("compare")))
        return found

    def stop_reader(self) -> dict[str, int]:
        """What the reader has seen."""
        self.docker("kill", "--signal", "TERM", self.reader)
        self.docker("wait", self.reader, timeout=60)
        seen: dict[str, int] = json.loads(self.docker("logs", self.reader).splitlines()[-1])
        return {"looks": 0, "duplicates": 0} | seen
