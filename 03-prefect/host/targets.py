"""The targets of the Makefile. Usage: targets.py TARGET; variables as in template.env."""

import errno
import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import databases
import psycopg2
import yaml
from api import Unreachable, call, healthy, need_server
from embedded import Postgres
from processes import Processes, attend, remove
from settings import LESSON, Settings, stop_with
from stop_workers import POOL, stop_workers


class Targets:
    """What one user may ask host mode for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.processes = Processes(settings.state)
        self.postgres = Postgres(settings.state)

    def start_server(self) -> None:
        if "server" in (running := self.processes.running()):
            stop_with(f"the server runs already, process {running['server'].pid}: make status")
        check_port(self.settings.host, self.settings.port)
        databases.for_prefect(self.postgres)
        print(f"dashboard: {os.environ['PREFECT_API_URL'].removesuffix('/api')}/dashboard", flush=True)
        self.start("server", ["prefect", "server", "start"], ready=healthy)

    def start_worker(self) -> None:
        need_server()
        databases.for_flows(self.postgres)
        name = f"{getpass.getuser()}-{os.getpid()}"  # unique among the workers of all users
        if not workers_online():
            subprocess.run([sys.executable, "deploy/skip_missed.py"], cwd=LESSON, check=True)
        command = ["prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", name]
        self.start(f"worker-{name}", command, ready=lambda: name in workers_online())

    def start_generator(self) -> None:
        running = self.processes.running()
        if "generator" in running:  # a second one would wait for the first one's open sales, and the first for it
            stop_with(f"the generator runs already, process {running['generator'].pid}: make status")
        databases.for_flows(self.postgres)
        if "SHOP_URL" not in os.environ:
            stop_with("SOURCE_URL is given: also give SHOP_URL, whose role may write")
        command = [sys.executable, str(LESSON / "shop/generator.py")]
        self.start("generator", command, ready=lambda: "generator" in self.processes.running())

    def start(self, name: str, command: list[str], ready: Callable[[], bool]) -> None:
        """In the foreground, until it ends; in the background, until it is ready."""
        child = self.processes.launch(name, command, self.settings.background)
        if self.settings.background:
            self.processes.wait_until_ready(name, child, ready)
            print(f"{name} runs in the background, process {child.pid}, log {self.processes.log(name)}")
        else:
            attend(name, child)
            self.last_one_out()

    def deploy(self) -> None:
        """Create the deployment of NAME, or ask which. `prefect deploy` itself asks more than that."""
        need_server()
        name = choose_deployment()
        need_pool()
        prefect("--no-prompt", "deploy", "--name", name)

    def deploy_all(self) -> None:
        """Deploy what has changed in prefect.yaml, and the automations."""
        need_server()
        need_pool()
        for script in ("deploy_changed", "apply_automations"):
            if subprocess.run([sys.executable, f"deploy/{script}.py"], cwd=LESSON, check=False).returncode:
                sys.exit(1)

    def run(self) -> None:
        """Start a run of the deployment of NAME."""
        need_server()
        if "NAME" not in os.environ:
            stop_with("which deployment? make run NAME=sales-etl/every-2-minutes")
        prefect("deployment", "run", os.environ["NAME"])

    def status(self) -> None:
        found = self.postgres.postmaster()
        print(f"databases  {f'127.0.0.1:{found[1]}, process {found[0]}' if found else 'not running'}")
        print(f"API        {os.environ['PREFECT_API_URL']} {'answers' if healthy() else 'does not answer'}")
        for name, process in self.processes.running().items():
            print(f"{name}  process {process.pid}, {process.memory_info().rss >> 20} MB")
        print(f"logs       {self.settings.state / 'logs'}")

    def stop_pool(self, wait: float = 60) -> None:
        """Stop the workers; running flows get WAIT seconds to end, or `wait`."""
        stop_workers(self.processes, wait if self.settings.wait is None else self.settings.wait)
        self.last_one_out()

    def stop(self, wait: float = 60) -> None:
        stop_workers(self.processes, wait if self.settings.wait is None else self.settings.wait)
        for name, process in self.processes.running().items():
            self.processes.terminate([process])
            print(f"{name} stopped")
        self.processes.terminate(self.processes.all())  # what lost its pid file
        self.processes.running()  # removes the pid files
        self.last_one_out()

    def clean(self) -> None:
        """Stop all, remove databases, logs, temporary files. Of databases that are given, only Prefect's is emptied."""
        self.stop(wait=0)
        if "PREFECT_SERVER_DATABASE_CONNECTION_URL" in os.environ:
            prefect("server", "database", "reset", "-y")
        remove(self.postgres.home)
        remove(self.settings.state)
        with suppress(OSError):  # others have theirs in it
            (LESSON / ".local").rmdir()
        print("databases, logs and temporary files removed")

    def last_one_out(self) -> None:
        """Stop the databases and empty the temporary folder, when nothing of ours runs any more."""
        if not self.processes.running():
            remove(self.settings.state / "tmp")
            if self.postgres.stop():
                print("databases stopped")


def check_port(host: str, port: int) -> None:
    """Exit with one line if the server cannot listen where it is told to."""
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            stop_with(f"port {port} on {host} is taken: another one, make start-server PREFECT_SERVER_API_PORT=4201")
        stop_with(f"cannot listen on PREFECT_SERVER_API_HOST={host}, port {port}: {error.strerror}")


def workers_online() -> set[str]:
    """The names of the workers in the pool, whoever started them. Raises Unreachable."""
    workers = call("POST", f"/work_pools/{POOL}/workers/filter", {}) or []
    return {worker["name"] for worker in workers if worker["status"] == "ONLINE"}


def choose_deployment() -> str:
    """The name in prefect.yaml that NAME gives, or the user at the terminal. Exits with one line if there is none."""
    names = [deployment["name"] for deployment in yaml.safe_load((LESSON / "prefect.yaml").read_text())["deployments"]]
    name = os.environ.get("NAME", "").rpartition("/")[2]  # sales-etl/backfill or backfill
    if not name and not sys.stdin.isatty():
        stop_with(f"no terminal to ask on: make deploy NAME={names[0]}")
    while not name:
        answer = input("\n".join(f"{i} {name}" for i, name in enumerate(names, 1)) + "\nwhich one? ")
        name = names[int(answer) - 1] if answer in map(str, range(1, len(names) + 1)) else ""
    if name not in names:
        stop_with(f"no deployment {name} in prefect.yaml: {', '.join(names)}")
    return name


def need_pool() -> None:
    """The work pool: created if it is not there."""
    if call("GET", f"/work_pools/{POOL}") is None:
        prefect("work-pool", "create", POOL, "--type", "process")


def prefect(*arguments: str) -> None:
    """Run Prefect's own command line, and end with its exit code if that is not 0."""
    if code := subprocess.run(["prefect", *arguments], cwd=LESSON, check=False).returncode:
        sys.exit(code)


def main(target: str) -> None:
    targets = Targets(Settings.load())
    by_name: dict[str, Callable[[], None]] = {
        "start-server": targets.start_server, "start-worker": targets.start_worker,
        "start-generator": targets.start_generator, "deploy": targets.deploy, "deploy-all": targets.deploy_all,
        "run": targets.run, "status": targets.status, "stop-pool": targets.stop_pool, "stop": targets.stop,
        "clean": targets.clean,
    }  # fmt: skip
    try:
        by_name[target]()
    except (KeyboardInterrupt, EOFError):
        sys.exit(130)
    except Unreachable as reason:
        stop_with(str(reason))
    except psycopg2.Error as error:
        stop_with(f"the embedded PostgreSQL says: {str(error).splitlines()[0]}")


if __name__ == "__main__":
    main(sys.argv[1])
