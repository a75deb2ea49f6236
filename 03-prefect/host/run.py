"""The targets of the Makefile. Usage: run.py TARGET; variables as in template.env."""

import errno
import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

import databases
import embedded
import psycopg2
import yaml
from api import Unreachable, call, healthy, need_server
from pool import POOL, stop_workers
from processes import BACKGROUND, all_ours, attend, launch, remove, running, terminate, wait_until_ready
from settings import HOST, LESSON, PORT, STATE, stop_with


def check_port() -> None:
    """Exit with one line if the server cannot listen where it is told to."""
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(HOST, PORT, type=socket.SOCK_STREAM)
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            stop_with(f"port {PORT} on {HOST} is taken: another one, make start-server PREFECT_SERVER_API_PORT=4201")
        stop_with(f"cannot listen on PREFECT_SERVER_API_HOST={HOST}, port {PORT}: {error.strerror}")


def last_one_out() -> None:
    """Stop the databases and empty the temporary folder, when nothing of ours runs any more."""
    if not running():
        remove(STATE / "tmp")
        if embedded.stop():
            print("databases stopped")


def start(name: str, command: list[str], ready: Callable[[], bool]) -> None:
    """In the foreground, until it ends; in the background, until it is ready."""
    child = launch(name, command)
    if BACKGROUND:
        wait_until_ready(name, child, ready)
        print(f"{name} runs in the background, process {child.pid}, log {STATE / 'logs' / name}.log")
    else:
        attend(name, child)
        last_one_out()


def start_server() -> None:
    if "server" in running():
        stop_with(f"the server runs already, process {running()['server'].pid}: make status")
    check_port()
    databases.for_prefect()
    print(f"dashboard: {os.environ['PREFECT_API_URL'].removesuffix('/api')}/dashboard", flush=True)
    start("server", ["prefect", "server", "start"], ready=healthy)


def start_worker() -> None:
    need_server()
    databases.for_flows()
    name = f"{getpass.getuser()}-{os.getpid()}"  # unique among the workers of all users
    workers = f"/work_pools/{POOL}/workers/filter"

    def online() -> bool:
        return any(
            worker["name"] == name and worker["status"] == "ONLINE" for worker in call("POST", workers, {}) or []
        )

    if not any(worker["status"] == "ONLINE" for worker in call("POST", workers, {}) or []):
        subprocess.run([sys.executable, "skip_missed.py"], cwd=LESSON, check=True)
    command = ["prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", name]
    start(f"worker-{name}", command, ready=online)


def start_generator() -> None:
    if "generator" in running():  # a second one would wait for the first one's open sales, and the first for it
        stop_with(f"the generator runs already, process {running()['generator'].pid}: make status")
    databases.for_flows()
    if "SHOP_URL" not in os.environ:
        stop_with("SOURCE_URL is given: also give SHOP_URL, whose role may write")
    start("generator", [sys.executable, str(LESSON / "shop/generator.py")], ready=lambda: "generator" in running())


def prefect(*arguments: str) -> None:
    """Run Prefect's own command line, and end with its exit code if that is not 0."""
    if code := subprocess.run(["prefect", *arguments], cwd=LESSON, check=False).returncode:
        sys.exit(code)


def deploy() -> None:
    """Create the deployment of NAME, or ask which. `prefect deploy` itself goes on to ask where the code is kept."""
    need_server()
    names = [deployment["name"] for deployment in yaml.safe_load((LESSON / "prefect.yaml").read_text())["deployments"]]
    name = os.environ.get("NAME", "").rpartition("/")[2]  # sales-etl/backfill or backfill
    if not name and not sys.stdin.isatty():
        stop_with(f"no terminal to ask on: make deploy NAME={names[0]}")
    while not name:
        answer = input("\n".join(f"{i} {name}" for i, name in enumerate(names, 1)) + "\nwhich one? ")
        name = names[int(answer) - 1] if answer in map(str, range(1, len(names) + 1)) else ""
    if name not in names:
        stop_with(f"no deployment {name} in prefect.yaml: {', '.join(names)}")
    need_pool()
    prefect("--no-prompt", "deploy", "--name", name)


def deploy_all() -> None:
    """Create every deployment of prefect.yaml, and the automations."""
    need_server()
    need_pool()
    prefect("--no-prompt", "deploy", "--all")
    if subprocess.run([sys.executable, "automations/apply.py"], cwd=LESSON, check=False).returncode:
        sys.exit(1)


def need_pool() -> None:
    """The work pool: created if it is not there."""
    if call("GET", f"/work_pools/{POOL}") is None:
        prefect("work-pool", "create", POOL, "--type", "process")


def deployment_run() -> None:
    need_server()
    if "NAME" not in os.environ:
        stop_with("which deployment? make run NAME=sales-etl/every-2-minutes")
    prefect("deployment", "run", os.environ["NAME"])


def stop_pool() -> None:
    stop_workers()
    last_one_out()


def stop() -> None:
    stop_workers()
    for name, process in running().items():
        terminate([process])
        print(f"{name} stopped")
    terminate(all_ours())  # what lost its pid file
    running()
    last_one_out()


def clean() -> None:
    """Stop all, remove databases, logs and temporary files. Of databases that are given, only Prefect's is emptied."""
    os.environ.setdefault("WAIT", "0")
    stop()
    if "PREFECT_SERVER_DATABASE_CONNECTION_URL" in os.environ:
        prefect("server", "database", "reset", "-y")
    remove(embedded.HOME)
    remove(STATE)
    with suppress(OSError):  # others have theirs in it
        (LESSON / ".local").rmdir()
    print("databases, logs and temporary files removed")


def status() -> None:
    found = embedded.postmaster()
    print(f"databases  {f'127.0.0.1:{found[1]}, process {found[0]}' if found else 'not running'}")
    print(f"API        {os.environ['PREFECT_API_URL']} {'answers' if healthy() else 'does not answer'}")
    for name, process in running().items():
        print(f"{name}  process {process.pid}, {process.memory_info().rss >> 20} MB")
    print(f"logs       {STATE / 'logs'}")


TARGETS: dict[str, Callable[[], None]] = {
    "start-server": start_server, "start-worker": start_worker, "start-generator": start_generator,
    "deploy": deploy, "deploy-all": deploy_all, "run": deployment_run,
    "stop-pool": stop_pool, "stop": stop, "clean": clean, "status": status,
}  # fmt: skip

if __name__ == "__main__":
    try:
        TARGETS[sys.argv[1]]()
    except (KeyboardInterrupt, EOFError):
        sys.exit(130)
    except Unreachable as reason:
        stop_with(str(reason))
    except psycopg2.Error as error:
        stop_with(f"the embedded PostgreSQL says: {str(error).splitlines()[0]}")
