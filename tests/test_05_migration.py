"""The stack of lesson 05: both systems are started, each job of the crontab does its work, and each defect its harm."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from support.engine import until

from engine.core import ROOT
from engine.images import ensure_stack
from engine.stacks import Project
from lab.checks.registry import all_checks
from lab.cron.crontab import Job, Setting, read

LESSON = ROOT / "05-migration"
CRONTAB = list(read((LESSON / "legacy/crontab.txt").read_bytes()))
JOBS = [line for line in CRONTAB if isinstance(line, Job)]
PORT = "14205"
PATIENCE = 240  # seconds
SERVICES = {
    *("shop", "rabbitmq", "sqs", "warehouse", "feed", "legacy", "prefect-db", "prefect-server"),
    *("worker-scheduler", "worker-queues", "worker-bigdata"),
}


@pytest.fixture(scope="module")
def stack() -> Iterator[Project]:
    ensure_stack(LESSON)
    ports = {"PREFECT_PORT": PORT, "RABBITMQ_PORT": "15675", "COMPOSE_PROFILES": "legacy,prefect"}
    with Project(LESSON, "lab-test-migration", ports) as project:
        project.up()
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


@pytest.mark.stack
def test_each_pool_runs_its_flow_and_a_second_deployment_changes_nothing(stack: Project) -> None:
    before = {one["name"]: one for one in ask("/deployments/filter", {})}
    assert set(before) == {"hourly", "often", "daily"}
    runs = [ask(f"/deployments/{one['id']}/create_flow_run", {})["id"] for one in before.values()]
    stack.compose("run", "--rm", "-T", "deployer")
    after = {one["name"]: one for one in ask("/deployments/filter", {})}
    for name, one in before.items():
        assert one["id"] == after[name]["id"] and one["schedules"][0]["slug"] == after[name]["schedules"][0]["slug"]
        assert len(after[name]["schedules"]) == 1

    def states() -> set[str]:
        return {ask(f"/flow_runs/{run}")["state"]["type"] for run in runs}

    assert until(lambda: states() == {"COMPLETED"}, PATIENCE, every=1), states()


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


@pytest.mark.stack
@pytest.mark.timeout(600)
def test_each_defect_does_its_harm(stack: Project) -> None:
    theirs = legacy(stack, "crontab", "-l")
    printed = stack.exec("legacy", "python", "defects")
    told = re.findall(r"^\| .+ \| (\d.*) \|$", printed, re.M)
    counts = [[int(n) for n in re.findall(r"\d+", words)] for words in told]
    assert len(counts) == 7, printed
    [lost_rabbitmq], poison, [lost_sqs], [doubled], backup, report, [loaded, twice] = counts
    assert 0 < lost_rabbitmq < 2000 and 0 < lost_sqs < 400 and doubled == 600, printed
    assert poison == [20, 0] and backup == [0, 1] and report == [0, 0], printed
    assert twice > 0 and twice % 500 == 0 and loaded - twice > 2000, printed
    assert legacy(stack, "crontab", "-l") == theirs


@pytest.mark.parametrize(
    ("name", "right", "wrong", "seen"),
    [
        ("ack-last", " PRIMARY KEY", "", "2 delivered again: 5 rows"),
        ("ack-last", "file.read_text())", "file.read_text())\n    file = file.rename(f'{file}.mine')", "started again: 2 rows"),
        ("ack-last", "    file.unlink()\n", "", "3 left in the queue"),
        ("batch-again", 'DELETE FROM orders WHERE day = ?", [f"{day}"]', 'DELETE FROM orders"', "started again: 20 orders"),
        ("batch-again", "DELETE FROM", "SELECT * FROM", "60 twice"),
    ],
)  # fmt: skip
def test_a_typical_wrong_answer_does_not_pass(name: str, right: str, wrong: str, seen: str, tmp_path: Path) -> None:
    check = all_checks()[f"05-migration/{name}"]
    text = check.solution.read_text()
    assert right in text
    (tmp_path / check.file).write_text(text.replace(right, wrong))
    outcome = check.judge(tmp_path / check.file)
    assert not outcome.passed and seen in outcome.seen and "\n" not in outcome.seen, outcome.seen


WHOLE_WEEK = """
import sqlite3, sys
from datetime import date, timedelta

warehouse = sqlite3.connect(sys.argv[2])
warehouse.execute("ATTACH ? AS shop", [sys.argv[1]])
week = [sys.argv[3], str(date.fromisoformat(sys.argv[3]) + timedelta(days=7))]
with warehouse:
    warehouse.execute("DELETE FROM orders WHERE day >= ? AND day < ?", week)
    warehouse.execute("INSERT INTO orders SELECT id, day, amount FROM shop.orders WHERE day >= ? AND day < ?", week)
"""
INBOX = """
import json, sqlite3, sys
from pathlib import Path

shop = sqlite3.connect(sys.argv[2], timeout=60)
shop.execute("CREATE TABLE IF NOT EXISTS orders (id, product, quantity)")
shop.execute("CREATE TABLE IF NOT EXISTS inbox (id PRIMARY KEY)")
for file in Path(sys.argv[1]).iterdir():
    order = json.loads(file.read_bytes())
    with shop:
        if shop.execute("INSERT OR IGNORE INTO inbox VALUES (:id)", order).rowcount:
            shop.execute("INSERT INTO orders VALUES (:id, :product, :quantity)", order)
    file.unlink()
"""


@pytest.mark.parametrize(("name", "text"), [("batch-again", WHOLE_WEEK), ("ack-last", INBOX)])
def test_another_right_answer_passes(name: str, text: str, tmp_path: Path) -> None:
    check = all_checks()[f"05-migration/{name}"]
    (tmp_path / check.file).write_text(text)
    outcome = check.judge(tmp_path / check.file)
    assert outcome.passed, outcome.seen
