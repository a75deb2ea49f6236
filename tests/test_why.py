"""`lab why`: causes are put into real stacks of 02-cron and 03-prefect, and it has to name each, and no other."""

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.engine import tried, until
from typer.testing import CliRunner

from engine.core import ROOT
from engine.docker import docker
from engine.web import PrefectApi
from lab.cli import app
from lab.why.cause import READ

JOB = "python-scheduler-cron"
PROJECT, PORT = "lab-test-why", 14392
API = PrefectApi(f"127.0.0.1:{PORT}", "admin:beyond-cron")


def lab(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def done(*words: str) -> str:
    """What `lab` prints when it does what it is told."""
    code, text = lab(*words)
    assert code == 0, text
    return text


def compose(lesson: str, *words: str) -> str:
    """What `docker compose` prints in a lesson."""
    return docker("compose", *words, cwd=ROOT / lesson)


def why() -> dict[str, dict[str, str]]:
    """The causes that `lab why` names → what it says of each; the exit code fits."""
    code, text = lab("why")
    causes: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if named := re.fullmatch(r"0\d-[\w ]+: ([\w ]+)", line):
            causes[named[1]] = {}
        elif said := re.fullmatch(r"  (seen|show|read): (.+)", line):
            causes[[*causes][-1]][said[1]] = said[2]
    assert code == (1 if causes else 0) and (causes or "nothing found" in text), text
    return causes


def names(cause: str, evidence: str) -> None:
    """`lab why` names this cause and no other, with the evidence, a command that there is, and a paragraph."""
    causes: dict[str, dict[str, str]] = {}

    def named() -> bool:
        causes.clear()
        causes.update(why())
        return [*causes] == [cause]

    assert until(named, 240), causes
    said = causes[cause]
    assert evidence in said["seen"] and said["read"] == f"docs/en/{READ[cause]}"
    shown = subprocess.run(("bash", "-c", said["show"]), capture_output=True, text=True, timeout=120)
    assert shown.returncode not in (126, 127) and not re.search("usage|no such command", shown.stderr, re.I), shown


def finds_nothing(when: str) -> None:
    """`lab why` names no cause any more, some time after `when`."""
    causes: dict[str, dict[str, str]] = {}

    def nothing() -> bool:
        causes.clear()
        causes.update(why())
        return not causes

    assert until(nothing, 240), f"{when}: {causes}"


def test_every_paragraph_to_read_is_there() -> None:
    for page, _, anchor in (where.partition("#") for where in READ.values()):
        text = (ROOT / "docs/en" / page).read_text()
        titles = re.findall(r"^#+ (.+?)(?: \{ #([\w-]+) \})?$", text, re.M)
        anchors = {own or re.sub(r"[^\w\s-]", "", title).strip().lower().replace(" ", "-") for title, own in titles}
        assert anchor in anchors, f"{page}#{anchor}"


@pytest.mark.stack
def test_without_a_stack_it_names_the_command_that_starts_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STATE", str(tmp_path))
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "lab-test-why-none")
    code, text = lab("why")
    up = f"docker compose --project-directory {ROOT / '01-intro'} up --detach --wait"
    assert (code, text) == (2, f"there is nothing to look at: no lesson has a container; start one: {up}\n")
    assert text.count("\n") == 1


def settle(lesson: str, state: Path, **env: str) -> Iterator[list[str]]:
    """A stack of the lesson with these settings, and what `lab why` said while it started; taken down at the end.

    `state` is an empty folder in place of that of host mode, in which a page may run beside.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"STATE": str(state), **env}.items():
            patch.setenv(name, value)
        up = subprocess.Popen(("docker", "compose", "up", "--detach", "--wait"), cwd=ROOT / lesson)
        said = []
        try:
            while up.poll() is None:
                said += [lab("why")[1]]
            assert up.returncode == 0
            yield said
        finally:
            up.wait()
            compose(lesson, "down", "--volumes", "--remove-orphans", "--rmi", "local", "--timeout", "1")


# The flow of the tests: it holds what it is given until it is let go.
HOLD = '''"""A run that lasts until somebody lets it go."""
import time
from pathlib import Path
from prefect import flow, task

@task
def wait():
    while not Path("/results/go").exists():
        time.sleep(0.2)

@flow
def hold(tag: str = "", fail: bool = False):
    if fail:
        raise ValueError("no reason of the stack")
    wait.with_options(tags=[tag] if tag else [])()
'''


def patch(path: str, **values: Any) -> None:
    API(path, values, "PATCH")


@contextmanager
def patched(path: str, before: dict[str, Any], **values: Any) -> Iterator[None]:
    """Something of the API has other values in the block."""
    patch(path, **values)
    try:
        yield
    finally:
        patch(path, **before)


def deploy(name: str, **more: Any) -> str:
    """The id of a new deployment of the flow of the tests."""
    flow = API("/flows/", {"name": "hold"})["id"]
    entry = {"name": name, "flow_id": flow, "entrypoint": "hold.py:hold", "work_pool_name": "lab"}
    steps = [{"prefect.deployments.steps.set_working_directory": {"directory": "/results"}}]
    return str(API("/deployments/", entry | {"pull_steps": steps} | more)["id"])


def start(deployment: str, late: bool = False, **parameters: Any) -> str:
    """The id of a new run, which was due a minute ago if it is late."""
    at = datetime.now(UTC) - timedelta(minutes=1 if late else 0)
    state = {"type": "SCHEDULED", "state_details": {"scheduled_time": at.isoformat()}}
    return str(API(f"/deployments/{deployment}/create_flow_run", {"state": state, "parameters": parameters})["id"])


@contextmanager
def no_automations() -> Iterator[None]:
    """The automations of the lesson are off in the block."""
    ids = [automation["id"] for automation in API("/automations/filter", {})]
    for id in ids:
        patch(f"/automations/{id}", enabled=False)
    try:
        yield
    finally:
        for id in ids:
            patch(f"/automations/{id}", enabled=True)


@contextmanager
def late(deployment: str) -> Iterator[None]:
    """A run that was due a minute ago, in the block."""
    run = start(deployment, late=True)
    try:
        yield
    finally:
        API(f"/flow_runs/{run}", method="DELETE")


def reaches(run: str, *states: str) -> str:
    """The name of the state of a run, as soon as it is one of these."""

    def seen() -> str:
        return str(API(f"/flow_runs/{run}")["state_name"])

    until(lambda: seen() in states, 240)
    assert seen() in states
    return seen()


def sql(statement: str) -> str:
    """What psql prints in the database of Prefect's server."""
    words = ("exec", "-T", "prefect-db", "psql", "--username=prefect", "--quiet", "--tuples-only", "--command")
    return compose("03-prefect", *words, statement)


def worker(*command: str) -> str:
    """What a command prints in the container of the worker."""
    return docker("exec", f"{PROJECT}-worker-1", *command)


def up(*services: str, overrides: dict[str, Any] | None = None, folder: Path | None = None) -> None:
    """Create services again, as the lesson has them, or with some of their lines replaced."""
    files = ["--file=docker-compose.yml"]
    if overrides and folder:
        (folder / "overrides.yml").write_text(json.dumps({"services": overrides}))
        files += [f"--file={folder / 'overrides.yml'}"]
    compose("03-prefect", *files, "up", "--detach", "--no-deps", *([] if overrides else ["--wait"]), *services)


class Stack:
    """What the tests share: a deployment with a limit, one without, and a run that lasts."""

    def __init__(self) -> None:
        docker("exec", "--interactive", f"{PROJECT}-worker-1", "sh", "-c", "cat > /results/hold.py", stdin=HOLD)
        API("/v2/concurrency_limits/", {"name": "tag:scarce", "limit": 1})
        self.free = deploy("free")
        enqueue = {"concurrency_limit": 1, "concurrency_options": {"collision_strategy": "ENQUEUE"}}
        self.limited = deploy("limited", **enqueue)
        self.every_2 = str(API("/deployments/name/sales-etl/every-2-minutes")["id"])
        self.queue = str(API("/work_queues/filter", {})[0]["id"])


@pytest.fixture(scope="class")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    for said in settle(
        "03-prefect", tmp_path_factory.mktemp("state"), COMPOSE_PROJECT_NAME=PROJECT, PREFECT_PORT=str(PORT)
    ):
        assert all("nothing found" in text or "there is nothing to look at" in text for text in said), said
        assert why() == {}, "right after the start"
        yield Stack()


@contextmanager
def at_work(stack: Stack) -> Iterator[str]:
    """A run that lasts, and that holds the slot of its deployment and of a tag."""
    run = start(stack.limited, tag="scarce")
    try:
        reaches(run, "Running")
        task = {"flow_runs": {"id": {"any_": [run]}}, "task_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
        assert until(lambda: API("/task_runs/filter", task), 240), "its task holds the slot of the tag"
        yield run
    finally:
        worker("touch", "/results/go")
        reaches(run, "Completed", "Crashed")
        at_work = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
        until(lambda: not API("/flow_runs/filter", at_work), 240)
        worker("rm", "/results/go")


@pytest.mark.stack
class TestPrefect:
    def test_what_is_paused(self, stack: Stack) -> None:
        of_pool, of_queue = "/work_pools/lab", f"/work_queues/{stack.queue}"
        of_deployment = f"/deployments/{stack.every_2}"
        schedule = API(of_deployment)["schedules"][0]["id"]
        with patched(of_pool, {"is_paused": False}, is_paused=True):
            names("paused pool", "the pool lab is paused")
        with patched(of_queue, {"is_paused": False}, is_paused=True):
            names("paused queue", "the queue default of the pool lab is paused")
        with patched(of_deployment, {"paused": False}, paused=True):
            names("paused deployment", "sales-etl/every-2-minutes is paused")
        with patched(f"{of_deployment}/schedules/{schedule}", {"active": True}, active=False):
            names("paused schedule", "1 of 1 schedules of sales-etl/every-2-minutes not active")
        assert why() == {}, "right after a schedule was resumed"

    def test_limits_and_who_holds_the_slots(self, stack: Stack) -> None:
        with at_work(stack) as run:
            assert why() == {}, "a run at work"
            holder = API(f"/flow_runs/{run}")["name"]
            with patched("/work_pools/lab", {"concurrency_limit": None}, concurrency_limit=1), late(stack.free):
                names("pool limit", "the pool lab may have 1 at a time, ")
            of_queue = f"/work_queues/{stack.queue}"
            with patched(of_queue, {"concurrency_limit": None}, concurrency_limit=1), late(stack.free):
                names("queue limit", "the queue default may have 1 at a time, ")
            with late(stack.limited):
                names("deployment limit", f"hold/limited may have 1 at a time, 1 slots are taken, held by {holder}")
            waits = start(stack.free, tag="scarce")
            names("tag limit", "1 of 1 slots of the tag scarce are taken, 1 task with it waits: wait")
            cancel = {"concurrency_options": {"collision_strategy": "CANCEL_NEW"}}
            API(f"/flow_runs/{waits}/set_state", {"state": {"type": "CANCELLED"}, "force": True})
            patch(f"/deployments/{stack.limited}", **cancel)
            reaches(start(stack.limited), "Cancelled")
            assert why() == {}, "one that is cancelled is what the limit is for"
            reaches(start(stack.limited), "Cancelled")
            names("deployment limit", f"since {API(f'/flow_runs/{run}')['start_time'][:19]} UTC {holder} is at work")
        assert why() == {}, "between two runs"

    def test_a_run_that_failed_for_its_own_reason_is_a_note(self, stack: Stack) -> None:
        reaches(start(stack.free, fail=True), "Failed")
        assert why() == {}
        assert "note: the last run of hold/free (" in (text := lab("why")[1]) and "no reason of the stack" in text

    def test_without_the_generator_runs_start_all_the_same(self, stack: Stack) -> None:
        for stop, go in (("pause", "unpause"), ("stop", "start")):
            compose("03-prefect", stop, "generator")
            try:
                assert why() == {}
            finally:
                compose("03-prefect", go, "generator")

    def test_a_file_that_is_gone(self, stack: Stack) -> None:
        gone = deploy("gone", entrypoint="gone.py:hold")
        names("flow file missing", "no worker finds /results/gone.py, the file of hold/gone")
        API(f"/deployments/{gone}", method="DELETE")

    def test_the_scheduler_fails_at_every_turn(self, stack: Stack) -> None:
        sql("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no plan'; END $$")
        sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON flow_run FOR EACH ROW WHEN (NEW.auto_scheduled) EXECUTE FUNCTION refuse()"
        )
        sql("DELETE FROM flow_run WHERE auto_scheduled AND state_type = 'SCHEDULED'")
        names("no scheduled runs", "sales-etl/every-2-minutes")
        sql("DROP TRIGGER refuse ON flow_run")
        for deployment in API("/deployments/filter", {}):  # what has just been changed is planned at once
            patch(f"/deployments/{deployment['id']}", tags=[*deployment["tags"], "again"])
        finds_nothing("the scheduler came back")

    def test_no_worker_and_then_a_zombie(self, stack: Stack) -> None:
        with no_automations(), at_work(stack) as run:  # one of them crashes a zombie after 90 s
            compose("03-prefect", "kill", "worker")
            try:
                with late(stack.free):
                    assert [*(seen := why())] == ["no worker", "zombie run"]
                assert seen["no worker"]["seen"] == f"{PROJECT}-worker-1 is exited with exit code 137"
            finally:
                compose("03-prefect", "start", "worker")
            names("zombie run", "no worker has a process of it, and holds a slot of 1 of 1")
            with late(stack.limited):
                names("zombie run", "hold/limited (")
            API(f"/flow_runs/{run}/set_state", {"state": {"type": "CRASHED"}, "force": True})
        assert why() == {}, "right after a zombie was buried"

    def test_a_worker_that_is_frozen_is_unknown(self, stack: Stack) -> None:
        """It is ONLINE until three heartbeats have not come; on a busy machine the look may be too late for that."""
        evidence = "after its time, and nothing known keeps it"

        def is_unknown() -> bool:
            worker("sh", "-c", "kill -STOP $(grep --files-with-matches ^prefect /proc/[0-9]*/comm | cut -d / -f 3)")
            with late(stack.free):
                seen = why()
            worker("sh", "-c", "kill -CONT -1")
            return [*seen] == ["unknown"] and evidence in seen["unknown"]["seen"]

        assert until(is_unknown, 240)

    def test_what_the_worker_asks_with_is_wrong(self, stack: Stack, tmp_path: Path) -> None:
        def worker_with(**lines: Any) -> None:
            up("worker", overrides={"worker": lines}, folder=tmp_path)

        worker_with(environment={"PREFECT_API_AUTH_STRING": "admin:wrong"})
        names("wrong API password", f"{PROJECT}-worker-1 is refused by http://prefect-server:4200/api")
        worker_with(environment={"PREFECT_API_URL": "http://localhost:4200/api"})
        names("wrong API address", f"{PROJECT}-worker-1 finds no API at http://localhost:4200/api")
        command = "prefect worker start --pool lab --type process --work-queue urgent --limit 1 --with-healthcheck"
        API("/work_pools/lab/queues", {"name": "urgent"})
        worker_with(command=command)
        urgent = deploy("urgent", work_queue_name="urgent")
        sql(
            "UPDATE work_queue SET last_polled = now() - interval '2 minutes', status = 'NOT_READY' WHERE name = 'default'"
        )
        with late(stack.free):
            names("queue that nobody polls", "do not ask the queue default, which was last asked at")
        reaches(run := start(urgent), "Running")
        with late(urgent):

            def is_full() -> bool:  # a run of the worker before may be at work until its heartbeat is missed
                seen = why().get("worker limit", {}).get("seen", "")
                return bool(re.match(r"runs at work: [1-9]\d*; the workers take 1 at most \(--limit\)", seen))

            assert until(is_full, 240), why()
        API(f"/flow_runs/{run}/set_state", {"state": {"type": "CANCELLED"}, "force": True})
        API("/deployments/" + urgent, method="DELETE")
        API("/work_pools/lab/queues/urgent", method="DELETE")
        up("worker")
        finds_nothing("a worker has its own settings again")

    def test_host_mode_by_its_state_folder(self, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The server is that of the stack. The processes of host mode are others, with settings as it gives them."""
        monkeypatch.setenv("STATE", str(tmp_path))
        (tmp_path / "run").mkdir()
        of_server = {"PREFECT_SERVER_API_PORT": str(PORT), "PREFECT_SERVER_API_AUTH_STRING": "admin:beyond-cron"}
        of_worker = {"PREFECT_API_URL": API.url, "PREFECT_API_AUTH_STRING": "admin:wrong"}
        processes = {
            name: subprocess.Popen(("sleep", "600"), env=env)
            for name, env in {"server": of_server, "worker-me-1": of_worker}.items()
        }
        try:
            for name, process in processes.items():
                (tmp_path / f"run/{name}.pid").write_text(f"{process.pid}\n")
            names("wrong API password", f"worker-me-1 is refused by {API.url}: Unauthorized")
        finally:
            for process in processes.values():
                process.kill()
                process.wait()
        names("no server", "its process has ended")

    def test_databases_are_away(self, stack: Stack) -> None:
        compose("03-prefect", "stop", "prefect-db")
        names("database away", f"{PROJECT}-prefect-db-1 is exited with exit code")
        compose("03-prefect", "up", "--detach", "--wait", "--no-deps", "prefect-db", "prefect-server")
        done("break", "upstream-down")
        names("database away", f"{PROJECT}-shop-1 is exited with exit code")
        done("fix")
        assert why() == {}, "right after lab fix"

    def test_killed_for_memory(self, stack: Stack, tmp_path: Path) -> None:
        # A limit so low that the program itself does not fit may stop Docker before the container has begun.
        greedy = {"command": ["python", "-c", "b'x' * 10**9"], "mem_limit": "64m", "memswap_limit": "64m"}
        up("webhook", overrides={"webhook": greedy}, folder=tmp_path)
        evidence = f"{PROJECT}-webhook-1: the kernel killed a process for memory (signal 9, exit code 137)"
        names("killed for memory", evidence)
        up("webhook")
        assert why() == {}, "a new container"

    def test_server_and_worker_are_paused(self, stack: Stack) -> None:
        done("break", "paused")
        names("container paused", f"{PROJECT}-prefect-server-1 is paused; {PROJECT}-worker-1 is paused")
        done("fix")
        finds_nothing("server and worker go on")  # Docker calls the server unhealthy until its next look at it

    def test_the_port_is_taken(self, stack: Stack) -> None:
        name = f"{PROJECT}-prefect-server-1"
        compose("03-prefect", "stop", "prefect-server")
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(("127.0.0.1", PORT))
            other.listen()
            assert tried("start", name).returncode
            names("port taken", f"{name} is exited, it wants 127.0.0.1:{PORT}: ")
        compose("03-prefect", "start", "prefect-server")
        finds_nothing("the port is free again")

    def test_the_whole_stack_is_stopped(self, stack: Stack) -> None:
        compose("03-prefect", "stop")
        names("container stopped", "every container of the stack is stopped")


@pytest.fixture(scope="class")
def cron(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The container's name is the course's: wait until nobody else has it."""

    def free() -> bool:
        return not docker("ps", "--all", "--quiet", f"--filter=name=^{JOB}$")

    assert until(free, 120), f"another container has the name {JOB}"
    for said in settle("02-cron", tmp_path_factory.mktemp("state"), COMPOSE_PROJECT_NAME="lab-test-why-cron"):
        assert all("nothing found" in text or "there is nothing to look at" in text for text in said), said
        assert why() == {}, "right after the start"
        yield


def shell(command: str) -> str:
    """What a shell prints in the container of cron."""
    return docker("exec", JOB, "sh", "-c", command)


GOOD = "* * * * * /usr/local/bin/python3 /app/app.py >> /var/log/cron.log 2>&1"
REPORT = "/etc/cron.d/report"
JOB_OF_ROOT = "* * * * * root date >> /tmp/report"
# Cause → how it gets into the container, how it gets out, and a part of the evidence.
IN_CRON = {
    "CRLF in a crontab": (
        rf"printf '{GOOD}\r\n' | crontab -",
        f"echo '{GOOD}' | crontab -",
        "CRLF line ends, 1 of them",
    ),
    "no newline at the end": (f"printf '{JOB_OF_ROOT}' > {REPORT}", f"rm {REPORT}", f"{REPORT}, line 1: "),
    "crontab refused": (f"echo '61 {JOB_OF_ROOT[2:]}' > {REPORT}", f"rm {REPORT}", f"{REPORT}, line 1: "),
    "job broken": (
        r"echo '* * * * * date +%H >> /tmp/a' | crontab -",
        f"echo '{GOOD}' | crontab -",
        "% ends the command",
    ),
    "no crontab": ("crontab -r", f"echo '{GOOD}' | crontab -", "no user has a crontab"),
    "job file missing": ("mv /app/app.py /app/away", "mv /app/away /app/app.py", "runs /app/app.py"),
}
UNREAD = {
    "its mode is 664": f"echo '{JOB_OF_ROOT}' > {REPORT}; chmod 664 {REPORT}",
    "its mode is 644, and cron wants 600": "chmod 644 /var/spool/cron/crontabs/root",
    "its owner is the user 1000": f"echo '{JOB_OF_ROOT}' > {REPORT}; chown 1000 {REPORT}",
    "it has 2 names": f"echo '{JOB_OF_ROOT}' > {REPORT}; ln {REPORT} /root/second",
    "its name has other characters": f"echo '{JOB_OF_ROOT}' > {REPORT}.cron",
}


@pytest.mark.stack
class TestCron:
    @pytest.mark.parametrize("cause", IN_CRON)
    def test_what_is_wrong_with_a_crontab(self, cron: None, cause: str) -> None:
        there, away, evidence = IN_CRON[cause]
        shell(there)
        names(cause, evidence)
        shell(away)

    @pytest.mark.parametrize("evidence", UNREAD)
    def test_what_cron_does_not_even_read(self, cron: None, evidence: str) -> None:
        shell(UNREAD[evidence])
        names("crontab refused", evidence)
        shell(f"rm -f {REPORT}* /root/second; chmod 600 /var/spool/cron/crontabs/root")

    def test_a_job_that_fails_for_its_own_reason(self, cron: None) -> None:
        shell(f"echo '* * * * * false' > {REPORT}-2; (crontab -l; echo '* * * * * false') | crontab -; rm {REPORT}-2")
        assert why() == {}
        shell(f"echo '{GOOD}' | crontab -")

    def test_paused_and_asleep(self, cron: None) -> None:
        done("break", "paused", "02-cron")
        names("container paused", f"{JOB} is paused")
        done("fix")
        done("break", "host-asleep")
        names("container stopped", "every container of the stack is stopped")
        done("fix")
        assert why() == {}

    def test_a_surprise_is_found_and_named_by_fix(self, cron: None) -> None:
        said = done("break", "--surprise")
        assert said == "02-cron: something is broken now; lab why finds it, lab fix names it and ends it\n"
        assert [*why()] in (["container paused"], ["container stopped"], ["job file missing"])
        assert re.search(r"^02-cron: (paused|host-asleep|silent-failure) is fixed$", done("fix"), re.M)

    def test_killed_for_memory(self, cron: None) -> None:
        docker("update", "--memory=64m", "--memory-swap=64m", JOB)
        tried("exec", JOB, "python3", "-c", "b'x' * 10**9")
        names("killed for memory", f"{JOB}: the kernel killed a process for memory (signal 9, exit code 137)")

    def test_cron_is_not_there(self, cron: None, tmp_path: Path) -> None:
        """As with `cron && tail -f`, when cron has died; the first process is another."""
        override = {"services": {"python-app": {"command": "sleep infinity"}}}
        (tmp_path / "override.yml").write_text(json.dumps(override))
        files = ("--file=docker-compose.yml", f"--file={tmp_path / 'override.yml'}")
        compose("02-cron", *files, "up", "--detach", "--timeout", "1")
        names("cron not running", f"no process in {JOB} is called cron")
