"""`05-migration/trigger.py` and `lab trigger`: each option and each error, against a live server with 250 deployments."""

import http.server
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.engine import until
from typer.testing import CliRunner

from engine.core import ROOT
from engine.web import PrefectApi, free_port
from lab.cli import app

pytestmark = pytest.mark.clock
TRIGGER = str(ROOT / "05-migration/trigger.py")
VENV = ROOT / "03-prefect/.venv"
LOGIN = "admin:beyond-cron"
PATIENCE = 240  # seconds, on a busy machine
PAGE = 40  # what the server puts on a page: its own default, 200, would need as many runs to fill one
SCHEMA = {
    "type": "object",
    "required": ["size"],
    "properties": {"size": {"type": "integer"}, "day": {"type": "string"}},
}
SCHEDULES: dict[str, tuple[dict[str, Any], str]] = {  # name of a deployment → its schedule, and how it is shown
    "cron": ({"cron": "30 2 * * *", "timezone": "America/Sao_Paulo"}, "30 2 * * * America/Sao_Paulo"),
    "interval": ({"interval": 120}, "every 120 s UTC"),
    "rrule": ({"rrule": "FREQ=MONTHLY;BYDAY=-1FR"}, "FREQ=MONTHLY;BYDAY=-1FR UTC"),
}
LESSON_3 = (
    "PREFECT_",
    "MAKE",
    "MFLAGS",
    "STATE",
    "VENV",
    "PYTHON",
    "SOURCE_URL",
    "SHOP_URL",
    "WAREHOUSE_URL",
    "POSTGRES_",
)
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(LESSON_3)}
ENV = {name: value for name, value in CLEAN.items() if not name.lower().endswith("_proxy")}
SETTINGS = {
    "PREFECT_SERVER_API_DEFAULT_LIMIT": str(PAGE),
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",  # nothing is planned: a run is there because somebody asks
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
}


@dataclass(frozen=True)
class Server:
    """A Prefect server with 250 deployments and a program that serves one more."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    @property
    def api(self) -> PrefectApi:
        return PrefectApi(f"127.0.0.1:{self.port}", LOGIN, patience=PATIENCE)

    def env(self, **more: str) -> dict[str, str]:
        return ENV | {"PREFECT_API_URL": self.url, "PREFECT_API_AUTH_STRING": LOGIN} | more

    def trigger(self, *words: str, **env: str) -> tuple[int, str, str]:
        """Exit code, output and errors of the file, run by a Python without any package."""
        command = [sys.executable, "-I", "-S", TRIGGER, *words]
        done = subprocess.run(
            command, env=self.env(**env), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout, done.stderr

    def refused(self, *words: str, **env: str) -> str:
        """The line that says why nothing was started."""
        code, out, err = self.trigger(*words, **env)
        assert (code, out, err.count("\n")) == (2, "", 1), (code, out, err)
        return err

    def started(self, *words: str) -> str:
        """The id of the run that this starts."""
        code, out, err = self.trigger(*words)
        assert (code, err) == (0, ""), err
        return out.splitlines()[0].split()[-1]

    def make(self, flow: str, name: str, **more: Any) -> str:
        """The id of a deployment that is made for a flow."""
        flow_id = self.api("/flows/", {"name": flow})["id"]
        return str(self.api("/deployments/", {"name": name, "flow_id": flow_id, **more})["id"])

    def count_runs(self) -> int:
        return int(self.api("/flow_runs/count", {}))


def fill(server: Server) -> None:
    """250 deployments: 24 flows with the same ten names, and ten of which each is a case."""
    for number in range(24):
        for name in "abcdefghij":
            server.make(f"flow-{number}", name)
    for name, (when, _) in SCHEDULES.items():
        server.make("shop", name, schedules=[{"schedule": when, "active": True}])
    two = [{"schedule": SCHEDULES["cron"][0], "active": True}, {"schedule": {"cron": "0 12 * * *"}, "active": False}]
    server.make("shop", "two schedules", schedules=two)
    server.make("shop", "paused", schedules=[two[0]], paused=True)
    server.make("shop", "strict", parameter_openapi_schema=SCHEMA, enforce_parameter_schema=True)
    server.make("shop", "none", parameter_openapi_schema={"type": "object", "properties": {}})
    for pool in ("nobody", "on hold"):
        server.api("/work_pools/", {"name": pool, "type": "process", "is_paused": pool == "on hold"})
        server.make("shop", pool, work_pool_name=pool)
    busy = server.make("shop", "busy")
    for _ in range(PAGE + 1):  # more than a page: no other deployment is on it
        server.api(f"/deployments/{busy}/create_flow_run", {"state": {"type": "COMPLETED"}})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Lesson 03 without Docker: Prefect on PostgreSQL, with a password, and a program that serves a flow."""
    folder, port = tmp_path_factory.mktemp("trigger"), free_port()
    made = shutil.ignore_patterns(".venv", ".local", ".env", "__pycache__")
    lesson = shutil.copytree(ROOT / "03-prefect", folder / "03-prefect", ignore=made)
    place = {"STATE": str(folder / "state"), "PREFECT_SERVER_API_PORT": str(port)}
    env = CLEAN | SETTINGS | place | {"VENV": str(VENV), "PYTHON": sys.executable, "PREFECT_API_AUTH_STRING": LOGIN}

    def make(*words: str) -> None:
        command = ("make", "--no-print-directory", *words)
        done = subprocess.run(command, cwd=lesson, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    serve = [VENV / "bin/python", Path(__file__).with_name("trigger_inside.py")]
    try:
        make("start-server", "BACKGROUND=1")
        started = Server(port, int((folder / "state/run/server.pid").read_text()))
        home = {"PREFECT_HOME": str(folder / "served"), "TMPDIR": str(folder)}
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                serve, cwd=folder, env=started.env(**SETTINGS, **home), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            ) as serving,
        ):
            try:
                fill(started)
                served = {"deployments": {"name": {"any_": ["served"]}}}
                log_file = folder / "log"
                assert until(lambda: started.api("/deployments/count", served), PATIENCE), log_file.read_text()
                yield started
            finally:
                serving.kill()
    finally:
        make("clean")


@pytest.fixture(scope="module")
def ended(server: Server) -> dict[str, tuple[int, str, str]]:
    """How the served flow was told to end → what was said of it; three real runs, side by side."""

    def ask(how: str) -> tuple[int, str, str]:
        return server.trigger("--dag-id", "ends/served", "--conf", json.dumps({"how": how, "rows": 7}), "--wait")

    with ThreadPoolExecutor() as pool:
        ways = ("well", "badly", "killed")
        return dict(zip(ways, pool.map(ask, ways), strict=True))


def test_the_list_has_every_deployment_once(server: Server, ended: object) -> None:
    code, out, err = server.trigger("--list")
    header, *lines = out.splitlines()
    names = [re.split(r"  +", line)[0] for line in lines]
    assert (code, err, header.split("  ")[0]) == (0, "", "DEPLOYMENT")
    assert names == sorted(names) and len(names) == len(set(names)) == server.api("/deployments/count", {}) == 251
    assert {f"flow-{number}/{name}" for number in range(24) for name in "abcdefghij"} < set(names)


def test_the_list_has_schedules_and_last_runs(server: Server, ended: object) -> None:
    """Also those of a deployment whose runs do not fit on a page beside another's."""
    rows = [re.split(r"  +", line) for line in server.trigger("--list")[1].splitlines()]
    shown = {name: (state, when) for name, state, when in rows}
    for name, (_, when) in SCHEDULES.items():
        assert shown[f"shop/{name}"] == ("never ran", when)
    assert shown["shop/two schedules"][1] == "0 12 * * * UTC (off); 30 2 * * * America/Sao_Paulo"
    assert shown["shop/paused"][1] == "paused: 30 2 * * * America/Sao_Paulo"
    assert shown["shop/none"][1] == "no schedule"
    assert re.fullmatch(r"Completed \d{4}-\d\d-\d\d \d\d:\d\dZ", shown["shop/busy"][0])
    assert re.match(r"(Completed|Failed|Crashed) ", shown["ends/served"][0])


def test_a_closed_pipe_is_no_traceback(server: Server) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, TRIGGER, "--list"]
    done = subprocess.run(command, env=server.env(), stdout=writer, stderr=subprocess.PIPE, text=True, timeout=PATIENCE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("how", "code", "last"),
    [
        ("well", 0, "Completed"),
        ("badly", 1, "Failed: Flow run encountered an exception: ValueError: 7 rows, and how 'badly'"),
        ("killed", 3, r"Crashed: Process exited with status code: -9\..*"),
    ],
)
def test_the_final_state_is_the_exit_code(
    server: Server, ended: dict[str, tuple[int, str, str]], how: str, code: int, last: str
) -> None:
    got, out, err = ended[how]
    first, *states = out.splitlines()
    assert (got, err) == (code, "")
    assert re.fullmatch(last, states[-1])
    id = re.fullmatch(r"ends/served: started [\w-]+ ([0-9a-f-]{36})", first)
    assert id and server.api(f"/flow_runs/{id[1]}")["parameters"] == {"how": how, "rows": 7}
    assert server.trigger("--run", id[1]) == (code, f"{states[-1]}\n", "")


def test_cancelled_is_4(server: Server) -> None:
    id = server.started("--deployment", "shop/none")
    server.api(f"/flow_runs/{id}/set_state", {"state": {"type": "CANCELLED", "message": "by\nhand"}, "force": True})
    assert server.trigger("--run", id) == (4, "Cancelled: by hand\n", "")


WAITING = {  # deployment → why a run of it is Late
    "nobody": "no worker of the pool nobody is online: prefect worker start --pool nobody",
    "on hold": "the pool on hold is paused: prefect work-pool resume 'on hold'",
    "none": "nobody serves this deployment: start the program that calls serve()",
}


@pytest.fixture(scope="module")
def late(server: Server) -> dict[str, str]:
    """Deployment → a run of it that has become Late."""
    runs = {name: server.started("--deployment", name) for name in WAITING}

    def states() -> set[str]:
        return {server.api(f"/flow_runs/{run}")["state_name"] for run in runs.values()}

    assert until(lambda: states() == {"Late"}, PATIENCE), states()
    return runs


@pytest.mark.parametrize("name", WAITING)
def test_a_run_that_nobody_starts_is_late_and_the_wait_ends(server: Server, late: dict[str, str], name: str) -> None:
    told = f"not ended after 0.5 s; the run goes on: trigger.py --run {late[name]}\n"
    seen = server.trigger("--run", late[name], "--wait", "--timeout", "0.5")
    assert seen == (5, f"Late: {WAITING[name]}\n", told)


def test_a_paused_deployment_is_said_and_starts(server: Server) -> None:
    code, out, err = server.trigger("--deployment", "shop/paused")
    assert (code, err) == (0, "")
    assert out.splitlines()[1] == "shop/paused is paused: its schedule plans no run; this one starts all the same"


def test_ctrl_c_says_how_to_go_on(server: Server) -> None:
    command = [sys.executable, TRIGGER, "--deployment", "nobody", "--wait"]
    with subprocess.Popen(
        command, env=server.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout and child.stderr
        id = child.stdout.readline().split()[-1]
        assert child.stdout.readline()  # it waits
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 130
        assert child.stderr.read() == f"interrupted; the run goes on: trigger.py --run {id}\n"


def test_a_name_that_is_unique_is_enough(server: Server) -> None:
    assert server.trigger("--deployment", "strict", "--conf", '{"size": 3}')[1].startswith("shop/strict: started ")
    assert server.trigger("--deployment", "ends", "--conf", '{"how": "well"}')[1].startswith("ends/served: started ")


# What is asked for, and a part of the line that says why not; no run is started by any of them.
REFUSED = [
    (["--deployment", "shop/strikt"], "there is no deployment 'shop/strikt' at http://"),
    (["--deployment", "shop/strikt"], "did you mean shop/strict"),
    (["--deployment", "strcit"], "did you mean shop/strict"),
    (["--deployment", "zzz"], "--list shows all"),
    (["--deployment", ""], "--list shows all"),
    (["--deployment", "a/b/c"], "there is no deployment 'a/b/c'"),
    (["--deployment", "ü %/\n"], "there is no deployment"),
    (["--deployment", "\udcff"], "trigger.py: "),
    (["--deployment", "a"], "names 24 deployments, choose one: flow-0/a, flow-1/a, "),
    (["--deployment", "a"], ", and 19 more"),
    (["--deployment", "shop"], "names 10 deployments"),
    (["--deployment", "strict", "--conf", "{size: 3}"], "this is no JSON"),
    (["--deployment", "strict", "--conf", "[" * 100_000], "this is no JSON"),
    (["--deployment", "strict", "--conf", "[1]"], "this is no JSON object: '[1]'"),
    (["--deployment", "strict", "--conf", '{"sizes": 3}'], "has no parameter 'sizes': it has day, size"),
    (["--deployment", "none", "--conf", '{"size": 3}'], "has no parameter 'size': it has none"),
    (["--deployment", "strict", "--conf", '{"size": "many"}'], "(409): Error creating flow run: "),
    (["--deployment", "strict", "--conf", '{"size": "many"}'], "'many' is not of type 'integer'"),
    (["--deployment", "strict"], "'size' is a required property"),
    (["--deployment", "strict", "--conf", '{"size": NaN}'], "the server refuses it"),
    (["--run", str(uuid4())], "the server refuses it (404): Flow run not found"),
    (["--run", "1"], "invalid UUID"),
    (["--list", "--conf", "{}"], "--conf and --wait go with --deployment"),
    (["--list", "--wait"], "--conf and --wait go with --deployment"),
    (["--list", "--deployment", "a"], "not allowed with"),
    (["--list", "--timeout", "nan"], "'nan' is no number of seconds above 0"),
    (["--list", "--timeout", "0"], "above 0"),
    (["--lis"], "--help"),
    ([], "--help"),
    (["--list", "--username", "admin", "--password", "wrong"], "refuses this user and password"),
    (["--list", "--username", "admin"], "no terminal to ask for the password"),
    (["--list", "--password", "beyond-cron"], "--password goes with --username"),
    (["--list", "--url", "localhost:4200/api"], "'localhost:4200/api' is no address"),
    (["--list", "--url", "http://me:secret@localhost/api"], "is no address"),
    (["--list", "--url", "http://[::1/api"], "is no address"),
    (["--list", "--url", "http://127.0.0.1:99999/api"], "is no address"),
    (["--list", "--url", "http://no such host/api"], "no server answers at http://no such host/api"),
    (["--list", "--url", "http://nowhere.invalid/api"], "no server answers at http://nowhere.invalid/api"),
]


def test_what_cannot_be_done_is_one_line_and_starts_nothing(server: Server) -> None:
    before = server.count_runs()
    seen = {" ".join(words): server.refused(*words) for words, _ in REFUSED}
    assert [(words, seen[" ".join(words)]) for words, part in REFUSED if part not in seen[" ".join(words)]] == []
    assert server.count_runs() == before
    assert server.api("/deployments/count", {}) == 251


def test_user_and_password(server: Server) -> None:
    """By the options, by the environment, and asked for at a terminal."""
    user = ("--username", "admin")
    assert server.trigger("--list", *user, "--password", "beyond-cron", PREFECT_API_AUTH_STRING="")[0] == 0
    assert "asks for a password" in server.refused("--list", PREFECT_API_AUTH_STRING="")
    assert "(500): Internal Server Error" in server.refused("--list", PREFECT_API_AUTH_STRING="admin:ü")
    ours, theirs = pty.openpty()
    command = [sys.executable, TRIGGER, "--list", *user]
    env = server.env(PREFECT_API_AUTH_STRING="")
    with subprocess.Popen(
        command, env=env, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.stderr and child.stderr.read(1) == b"P"  # of "Password: "; now it does not echo
        os.write(ours, b"beyond-cron\n")
        out, err = child.communicate(timeout=PATIENCE)
    os.close(ours)
    os.close(theirs)
    assert child.returncode == 0 and out.startswith(b"DEPLOYMENT"), err


def test_an_address_without_prefect(server: Server) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/api"
    assert server.refused("--list", "--url", nobody) == (
        f"trigger.py: no server answers at {nobody}: [Errno 111] Connection refused\n"
    )
    stranger = "is not the API of Prefect: its address ends with /api"
    assert stranger in server.refused("--list", PREFECT_API_URL=f"http://127.0.0.1:{server.port}")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        for kind in ("moved", "page", "json", "nothing"):
            assert stranger in server.refused("--list", "--url", f"http://127.0.0.1:{other.server_port}/{kind}"), kind
        other.shutdown()


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Something else on the web: a login page behind a redirect, a page, JSON of its own, and silence."""

    def do_GET(self) -> None:
        self.send_response(302 if "moved" in self.path else 200)
        self.send_header("Location", "/login")
        self.end_headers()
        self.wfile.write({"page": b"<html>", "json": b'{"ok": 1}'}.get(self.path.split("/")[1], b""))

    def log_message(self, *_: Any) -> None:
        pass


class Proxy(http.server.BaseHTTPRequestHandler):
    """Hands each request on to the server. What asks for a run is done, and answered with 504, as if it took too long."""

    def do_GET(self) -> None:
        api = PrefectApi(f"127.0.0.1:{self.server.prefect}", LOGIN, patience=PATIENCE)  # type: ignore[attr-defined]
        asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = api(self.path.removeprefix("/api"), json.loads(asked) if asked else None)
        self.send_response(504 if self.path.endswith("create_flow_run") else 200)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


def test_a_gateway_that_gives_up_may_have_started_the_run(server: Server) -> None:
    before = server.count_runs()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        proxy.prefect = server.port  # type: ignore[attr-defined]
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{proxy.server_port}/api"
        said = server.refused("--deployment", "shop/none", "--url", url)
        proxy.shutdown()
    assert "(504)" in said and "the run may have been started, --list shows it" in said
    assert server.count_runs() == before + 1


def test_lab_trigger_is_the_same(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_API_URL", server.url)
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", LOGIN)
    id = server.started("--deployment", "shop/none")
    server.api(f"/flow_runs/{id}/set_state", {"state": {"type": "CANCELLED"}, "force": True})
    for words in (["--list"], ["--run", id], ["--deployment", "shop/strikt"], ["--conf", "x"], ["--help"], []):
        result = CliRunner().invoke(app, ["trigger", *words])
        code, out, err = server.trigger(*words)
        assert result.exit_code == code
        assert result.stdout.replace("lab trigger", "trigger.py").split() == out.split()
        assert result.stderr == err.replace("trigger.py", "lab trigger")


def test_the_page_and_the_help_have_every_option_and_exit_code(server: Server) -> None:
    page = (ROOT / "docs/en/trigger.md").read_text()
    help = server.trigger("--help")[1]
    for option in set(re.findall(r"--[a-z-]+", help)) - {"--help"}:
        assert re.search(rf"`[^`]*{option}\b|^\$ .*{option}\b", page, re.M), option
    for code in re.findall(r"^ +(\d+)  ", help.split("exit codes:")[1], re.M):
        assert f"\n| {code} | " in page, code


def test_it_works_copied_out_of_the_repository(server: Server, tmp_path: Path) -> None:
    alone = shutil.copy(TRIGGER, tmp_path)
    done = subprocess.run([alone, "--list"], cwd=tmp_path, env=server.env(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_server_that_goes_away_does_not_end_the_wait(server: Server) -> None:
    """The last test: the server is gone after it."""
    command = [sys.executable, TRIGGER, "--deployment", "nobody", "--wait"]
    with subprocess.Popen(
        command, env=server.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout
        assert child.stdout.readline() and child.stdout.readline()  # it waits
        os.kill(server.pid, signal.SIGKILL)
        assert any(line.startswith(f"no server answers at {server.url}") for line in child.stdout)
        child.send_signal(signal.SIGINT)
        assert child.wait(PATIENCE) == 130
