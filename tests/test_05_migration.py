"""The stack of lesson 05: both systems are started, deployed, stopped, and each job of the crontab does its work."""

import json
import re
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from support.engine import until
from support.notes import note

from engine.core import ROOT
from engine.docker import docker, size
from engine.images import ensure_stack
from engine.stacks import Project
from lab.cron.crontab import Job, Setting, read

LESSON = ROOT / "05-migration"
CRONTAB = list(read((LESSON / "legacy/crontab.txt").read_bytes()))
JOBS = [line for line in CRONTAB if isinstance(line, Job)]
PORT = "14205"
PATIENCE = 240  # seconds
SERVICES = {
    *("shop", "rabbitmq", "sqs", "warehouse", "feed", "legacy", "prefect-db", "prefect-server"),
    *("worker-scheduler", "worker-queues", "worker-drain", "worker-bigdata"),
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Project]:
    ensure_stack(LESSON)
    ports = {"PREFECT_PORT": PORT, "RABBITMQ_PORT": "15675", "COMPOSE_PROFILES": "legacy,prefect"}
    with Project(LESSON, "lab-test-migration", ports) as project:
        began = time.monotonic()
        project.up()
        note("migration-up", time.monotonic() - began)
        yield project


def ask(path: str, body: Any = None) -> Any:
    """The answer of Prefect's API."""
    request = Request(f"http://localhost:{PORT}/api{path}", None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    request.add_header("Authorization", f"Basic {b64encode(b'admin:beyond-cron').decode()}")
    with urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def legacy(stack: Project, *command: str) -> str:
    """What a command of the legacy machine prints, as the user of the crontab, in the environment that cron gives it."""
    settings = [f"{line.name}={line.value}" for line in CRONTAB if isinstance(line, Setting)]
    settings = [
        one.replace("@REDSHIFT_DSN@", "postgresql://etl:beyond-cron@warehouse:5432/warehouse") for one in settings
    ]
    return stack.exec("legacy", "setpriv", "--reuid", "shop", "--clear-groups", "env", "-i", *settings, *command)


def number(stack: Project, query: str) -> int:
    """The one number that the shop answers."""
    words = ("-u", "shop", "--password=beyond-cron", "shop", "--batch", "--skip-column-names", "--execute", query)
    return int(stack.exec("shop", "mariadb", *words))


@pytest.mark.stack
def test_one_command_starts_both_systems(stack: Project) -> None:
    listed = [json.loads(line) for line in stack.compose("ps", "--format", "json").splitlines()]
    assert {one["Service"] for one in listed if one["Health"] == "healthy"} == SERVICES
    pools = {pool["name"]: pool["concurrency_limit"] for pool in ask("/work_pools/filter", {})}
    assert pools == {"scheduler": 1, "queues": None, "bigdata": 2, "shadow": None}
    published = [port["URL"] for one in listed for port in one["Publishers"] or [] if port["PublishedPort"]]
    assert published and set(published) == {"127.0.0.1"}
    roots = {one for one in SERVICES if stack.exec(one, "stat", "--format", "%u", "/proc/1").strip() == "0"}
    assert roots == {"legacy"}  # cron starts jobs as the user of the crontab


def lines(*files: Path) -> int:
    """How many lines of files say something."""
    written = [line.strip() for file in files for line in file.read_text().splitlines()]
    return sum(bool(line) and not line.startswith("#") for line in written)


@pytest.mark.stack
def test_the_old_system_takes_less(stack: Project, tmp_path: Path) -> None:
    """Idle memory, and lines that say what runs when: the page has both, and here the old system is the better one."""
    printed = docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *stack.compose("ps", "-q").split())
    used = {line.split()[0]: size(line.split()[1]) / 1e6 for line in printed.splitlines()}
    legacy = [mb for name, mb in used.items() if "-legacy-" in name]
    prefect = [mb for name, mb in used.items() if "-prefect-" in name or "-worker-" in name]
    note("migration-idle", sum(used.values()))
    for who, taken in {"legacy": legacy, "prefect": prefect}.items():
        note(f"migration-{who}-idle", sum(taken))
        note(f"migration-{who}-containers", len(taken))
    words = ("migrate", "plan", LESSON / "legacy/crontab.txt", "--into", tmp_path)
    subprocess.run([Path(sys.executable).with_name("lab"), *words], capture_output=True, timeout=60, check=False)
    crontab, moved = lines(LESSON / "legacy/crontab.txt"), lines(*tmp_path.glob("*.yaml"))
    note("migration-crontab-lines", crontab)
    note("migration-moved-lines", moved)
    assert 0 < sum(legacy) < sum(prefect) and sum(used.values()) < 4000
    assert 0 < crontab < moved


def deployed() -> dict[str, list[str]]:
    """Each deployment with its id, then those of its schedules, which belong to their slugs."""
    return {
        one["name"]: [one["id"], *sorted(f"{schedule['slug']} {schedule['id']}" for schedule in one["schedules"])]
        for one in ask("/deployments/filter", {})
    }


def planned() -> dict[str, str]:
    """The runs that a schedule has planned, and that have not begun: their ids, and when they are due."""
    waiting = {"state": {"type": {"any_": ["SCHEDULED"]}}, "tags": {"all_": ["auto-scheduled"]}}
    runs = ask("/flow_runs/filter", {"flow_runs": waiting, "limit": 200, "sort": "EXPECTED_START_TIME_ASC"})
    return {run["id"]: run["expected_start_time"] for run in runs}


@pytest.mark.stack
def test_each_pool_runs_its_flow_and_a_second_deployment_changes_nothing(stack: Project) -> None:
    """The second one while runs are under way."""
    before = deployed()
    assert {name: len(ids) for name, ids in before.items()} == {
        **dict.fromkeys(("hourly", "often", "daily"), 2),
        **dict.fromkeys(("drain", "replay", "watch"), 1),  # no schedule
    }
    assert until(lambda: len(planned()) >= 15, PATIENCE, every=1), planned()
    runs = [ask(f"/deployments/{ids[0]}/create_flow_run", {})["id"] for ids in before.values()]
    coming = planned()
    assert "unchanged: hourly, often, daily, drain, replay, watch" in stack.compose("run", "--rm", "-T", "deployer")
    still = planned()
    assert deployed() == before
    begun = {
        run for run, due in coming.items() if datetime.fromisoformat(due) < datetime.now(UTC) + timedelta(seconds=30)
    }
    assert set(coming) - begun <= set(still), "deployed again, and all that was planned is planned anew"

    def states() -> set[str]:
        return {ask(f"/flow_runs/{run}")["state"]["type"] for run in runs}

    assert until(lambda: states() == {"COMPLETED"}, PATIENCE, every=1), states()


@pytest.mark.stack
@pytest.mark.timeout(900)
def test_a_hundred_deploys_about_the_ticks_of_a_schedule(stack: Project) -> None:
    """No time is lost, and none is planned twice. Without planning anew some are lost; without a slug some come twice."""
    program = (ROOT / "tests/deploys_inside.py").read_text()
    told = json.loads(stack.compose("run", "--rm", "-T", "deployer", "python", "-", stdin=program).splitlines()[-1])
    print(told)
    assert told["deploys"] >= 100 and told["as-deployed"]["ticks"] >= 3
    assert told["as-deployed"]["twice"] == told["as-deployed"]["missing"] == 0
    assert told["not-anew"]["missing"] > 0 and told["no-slug"]["twice"] > 0, "the test cannot fail"


@pytest.mark.stack
@pytest.mark.timeout(900)
def test_the_server_is_restarted_in_the_middle_of_a_deploy(stack: Project) -> None:
    """The deployer ends well by itself; what it deploys is what it deploys without a restart, and the ids stay."""
    before = deployed()
    edit = "cp -r /lesson /tmp/lesson && cd /tmp/lesson && sed -i 's/50 [*]/40 */; s/30 4/20 4/' prefect.yaml && sh deploy.sh"
    words = ("docker", "compose", "run", "--rm", "-T", "--no-deps", "deployer", "sh", "-c", edit)
    with subprocess.Popen(
        words, cwd=LESSON, env=stack.env, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout
        said = ""
        for line in process.stdout:
            said += line
            if "unchanged: " in line and said.count("unchanged: ") == 1:
                stack.compose("restart", "--timeout", "1", "prefect-server")
    assert process.returncode == 0 and "unchanged: often, drain, replay, watch\n" in said, said
    assert deployed() == before
    assert crons() == {"40 * * * *", "*/5 * * * *", "20 4 * * *"}
    assert "unchanged: often, drain, replay, watch\n" in stack.compose("run", "--rm", "-T", "deployer")
    assert (deployed(), crons()) == (before, {"50 * * * *", "*/5 * * * *", "30 4 * * *"})


def crons() -> set[str]:
    """The schedules of all deployments."""
    return {one["schedule"]["cron"] for of in ask("/deployments/filter", {}) for one in of["schedules"]}


def test_the_crontab_is_as_crontabs_are() -> None:
    """The shapes that a plan of the move has to know, each in a line that works or is broken as in life."""
    text = (LESSON / "legacy/crontab.txt").read_text()
    assert len(JOBS) == len([line for line in CRONTAB if not isinstance(line, Setting)]) == 14
    for shape in (
        *("flock -n ", "timeout ", "nice ", "MAILTO=", "CRON_TZ=", "cd /lesson && ", "[ -x ", " || exit 0; "),
        *("sleep $((RANDOM \\% 60));", "@daily", "@weekly", " | gzip", "2>&1", ">> ", "date +%F", 'date +\\%u)" = 1 ]'),
    ):
        assert shape in text, shape
    commands = [job.rest for job in JOBS]
    assert len(set(commands)) == len(commands) - 1  # two lines for one job


@pytest.mark.stack
def test_each_job_of_the_crontab_does_its_work(stack: Project) -> None:
    """Run as cron runs it, once; the backup is the one that cannot."""
    looked = (
        "SELECT COUNT(*) FROM price_changes",
        "SELECT COUNT(*) FROM stock_alerts",
        "SELECT COUNT(*) FROM invoices",
    )
    expired, carts = "SELECT COUNT(*) FROM orders WHERE status = 'expired'", "SELECT COUNT(*) FROM carts"
    for job in JOBS:
        command = re.split(r"(?<!\\)%", job.rest)[0].replace("\\%", "%")
        command = command.replace("sleep $((RANDOM % 60))", "true").replace('[ "$(date +%u)" = 1 ] &&', "")
        if "mariadb-dump" not in command:
            legacy(stack, "/bin/bash", "-c", command)
    after = [number(stack, query) for query in (*looked, expired, carts)]
    assert all(after) and after[-1] < 5000, after
    assert number(stack, "SELECT COUNT(*) FROM products WHERE status = 'new'") == 0
    assert len(legacy(stack, "zcat", "/srv/shop/reports/today.csv.gz").splitlines()) > 100
    count = ("psql", "-U", "etl", "warehouse", "-Atc", "SELECT COUNT(*) FROM orders")
    assert int(stack.exec("warehouse", *count)) > 2000


def exit_codes(stack: Project) -> dict[str, int]:
    """How the containers have ended."""
    boxes = json.loads(docker("inspect", *stack.compose("ps", "--all", "--quiet").split()))
    return {box["Config"]["Labels"]["com.docker.compose.service"]: box["State"]["ExitCode"] for box in boxes}


def log(stack: Project, name: str) -> str:
    """What is in a file of the folder that the legacy machine and the workers share; empty when it is not there."""
    return legacy(stack, "sh", "-c", f"cat /srv/shop/log/{name} || true").strip()


PUT = """
import pika
channel = rabbitmq().channel()
channel.queue_declare("kept", durable=True)
channel.confirm_delivery()
channel.basic_publish("", "kept", b"rabbitmq", pika.BasicProperties(delivery_mode=2))
client = sqs()
client.send_message(QueueUrl=client.create_queue(QueueName="kept")["QueueUrl"], MessageBody="sqs")
with shop() as database, database.cursor() as cursor:
    cursor.execute("INSERT INTO stock_alerts (product, stock) VALUES (-1, 7)")
    database.commit()
"""
GET = """
_, _, body = rabbitmq().channel().basic_get("kept", auto_ack=True)
client = sqs()
messages = client.receive_message(QueueUrl=client.get_queue_url(QueueName="kept")["QueueUrl"]).get("Messages", [])
with shop() as database, database.cursor() as cursor:
    cursor.execute("SELECT stock FROM stock_alerts WHERE product = -1")
    print(body, [message["Body"] for message in messages], cursor.fetchall())
"""
LONG_POLL = """
from pathlib import Path
client = sqs()
queue = client.create_queue(QueueName="empty")["QueueUrl"]
Path("/srv/shop/log/asks").write_text("now")
client.receive_message(QueueUrl=queue, WaitTimeSeconds=20)
"""
SYSTEMS = "import sys; sys.path.insert(0, 'flows'); from systems import rabbitmq, shop, sqs\n"


@pytest.mark.stack
@pytest.mark.timeout(900)
def test_a_stop_kills_nothing_and_what_was_kept_is_there_afterwards(stack: Project) -> None:
    """But for the legacy machine. The queues of SQS are saved when it ends, which is before a long poll has ended."""
    stack.exec("worker-queues", "python", "-", stdin=SYSTEMS + PUT)
    stack.compose("exec", "--detach", "worker-queues", "python", "-c", SYSTEMS + LONG_POLL)
    assert until(lambda: log(stack, "asks"), PATIENCE)
    stack.compose("stop", "--timeout", "15", "sqs")
    assert exit_codes(stack)["sqs"] == 0, "it has waited for a long poll, and was killed"
    stack.compose("stop", "--timeout", "60")
    codes = exit_codes(stack)
    assert codes.pop("legacy") == 137 and set(codes.values()) <= {0, 143}, codes
    stack.up()
    got = stack.exec("worker-queues", "python", "-", stdin=SYSTEMS + GET)
    assert got == "b'rabbitmq' ['sqs'] ((7,),)"


LOCKED = """
import sys; sys.path.insert(0, "flows")
from prefect.concurrency.sync import concurrency
from run_command import run_command
for wait in (0, 1, None):
    print(run_command("true", lock="one", lock_wait=wait, return_state=True).type.value)
with concurrency("one", strict=True):
    for wait in (0, 1):
        print(run_command("true", lock="one", lock_wait=wait, return_state=True).type.value)
print(run_command("true", lock="none", lock_wait=0, return_state=True).type.value)
"""


READ = """
import sys; sys.path.insert(0, "flows")
import json, orders
orders.CHECK_URL = None
def is_order(id):
    try:
        return bool(orders.read(orders.Message("1", json.dumps({"id": id, "product": 1, "quantity": 1}), 0.0, None)))
    except orders.Poison:
        return False
print(json.dumps([is_order(id) for id in json.load(sys.stdin)]))
"""


@pytest.mark.stack
def test_an_id_that_the_shop_could_take_for_another_is_poison(stack: Project) -> None:
    """MariaDB compares without case and without blanks at the end: such an order would be new each time it comes."""
    ids = ["0f9619ff-8b86-d011-b42d-00c04fc964ff", "a" * 36, "A", "a ", "a\n", "", "a" * 37, "é", "a\0", None, ["a"]]
    said = json.loads(stack.exec("worker-queues", "python", "-c", READ, stdin=json.dumps(ids)))
    assert said == [True, True, *[False] * 9]


@pytest.mark.stack
def test_a_command_waits_for_its_lock_as_long_as_it_is_told(stack: Project) -> None:
    """A free lock is taken, also by whom no waiting is allowed; a missing limit is no lock that another holds."""
    stack.exec("worker-queues", "prefect", "--no-prompt", "gcl", "create", "one", "--limit", "1")
    said = stack.exec("worker-queues", "python", "-", stdin=LOCKED).split()
    assert said == [*["COMPLETED"] * 3, *["CANCELLED"] * 2, "FAILED"]
    stack.exec("worker-queues", "prefect", "--no-prompt", "gcl", "delete", "one")


@pytest.mark.stack
@pytest.mark.timeout(600)
def test_a_command_ends_before_its_worker(stack: Project) -> None:
    """`docker compose stop` gives it SIGTERM and time, and its run says at once what has become of it."""
    deploy = "prefect --no-prompt deploy flows/run_command.py:run_command --pool queues --name long"
    stack.exec("worker-drain", *deploy.split())
    deployment = ask("/deployments/name/run-command/long")["id"]
    told = "trap 'echo ended > /srv/shop/log/long; exit 0' TERM; echo began > /srv/shop/log/long; sleep 600 & wait"
    run = ask(f"/deployments/{deployment}/create_flow_run", {"parameters": {"command": told}})["id"]
    assert until(lambda: log(stack, "long") == "began", PATIENCE, every=1)
    stack.compose("stop", "--timeout", "60", "worker-drain")
    state = ask(f"/flow_runs/{run}")["state"]
    assert (log(stack, "long"), state["type"]) == ("ended", "CRASHED"), state
    assert "termination signal" in state["message"] and exit_codes(stack)["worker-drain"] == 0
    stack.up("worker-drain")
    stack.exec("worker-drain", "prefect", "--no-prompt", "deployment", "delete", "run-command/long")
