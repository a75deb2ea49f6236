"""Lesson 04: what each fault of the API does to both collectors, and that nothing is lost, doubled or torn."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import records
from support.engine import until

from bench.containers import Containers
from bench.incidents import COLLECTORS, FLOWS, IMAGE, LESSON, WRONG, start_api
from engine.core import ROOT, UserError
from engine.docker import docker
from engine.images import ensure_stack
from engine.web import PrefectApi, call

DRIVER = Path(__file__).with_name("incidents_inside.py")
# The harness keeps its runs in SQLite, where a run waits 2 s whenever the server writes by itself: it need not, here.
QUIET = (
    *("SERVER_SERVICES_TASK_RUN_RECORDER", "SERVER_SERVICES_EVENT_PERSISTER", "SERVER_SERVICES_TRIGGERS"),
    "LOGGING_TO_API",
)
POPS = 12
AGENCIES = "procedimento_operacional_padrao_orgaos_responsaveis"

Runs = dict[str, Any]


class Driver:
    """An API, and a container in which both collectors run as often as asked."""

    def __init__(self, containers: Containers) -> None:
        """Start them; the city's clock stands still."""
        start_api(containers, "api", POPS=str(POPS))
        env = {"INCIDENTS_API_URL": "http://api:8004/v2/adm_cor_comando/", "TIMEOUT": "1"}
        env |= {f"PREFECT_{part}_ENABLED": "false" for part in QUIET}
        driver = (*FLOWS, "--volume", f"{DRIVER}:/inside.py:ro")
        containers.start("driver", IMAGE, "sleep", "infinity", env=env, options=driver)
        self.box = subprocess.Popen(
            ["docker", "exec", "--interactive", containers.container("driver"), "python", "-B", "/inside.py"],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self.box.stdout and self.box.stdout.readline() == '"ready"\n'

    def ask(self, expression: str) -> Any:
        """The value of an expression in there."""
        assert self.box.stdin and self.box.stdout
        self.box.stdin.write(json.dumps(expression) + "\n")
        self.box.stdin.flush()
        answer = json.loads(self.box.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["value"]

    def both(self, *faults: dict[str, Any], anew: bool = True) -> Runs:
        """A run of each collector, as `both` in there."""
        runs: Runs = self.ask(f"both(*{faults!r}, anew={anew})")
        return runs


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    ensure_stack(LESSON)
    with Containers("incidents-test") as containers:
        started = Driver(containers)
        yield started
        started.box.kill()
        started.box.communicate()


def rows(text: str) -> dict[str, list[str]]:
    """The rows of a CSV file by id; no id twice."""
    lines = list(csv.reader(io.StringIO(text)))[1:]
    assert len({line[0] for line in lines}) == len(lines)
    return {line[0]: line for line in lines}


def assert_complete(runs: Runs) -> None:
    """Each incident that the API tells of is a row, as it is told, or a reject; and both collectors wrote the same."""
    told = {id: [e["bairro"], e["gravidade"], e["status"]] for id, e in runs["truth"]["rows"].items()}
    for one in COLLECTORS:
        kept = rows(runs[one]["incidents.csv"])
        assert {id: [row[3], row[8], row[9]] for id, row in kept.items()} == told and told
        assert len(rows(runs[one]["rejects.csv"])) == runs["truth"]["rejects"]
    for file in ("incidents.csv", "rejects.csv"):
        assert runs["prefect"][file] == runs["asyncio"][file]


def assert_ended(runs: Runs, prefect: str, code: int) -> None:
    assert (runs["prefect"]["end"], runs["asyncio"]["end"]) == (prefect, code), [runs[one]["log"] for one in COLLECTORS]


@pytest.mark.stack
def test_a_sound_api_is_asked_once_for_each_thing(driver: Driver) -> None:
    runs = driver.both()
    assert_ended(runs, "Completed", 0)
    assert_complete(runs)
    for one in COLLECTORS:
        asked = {"ocorrencias 200": 1, "ocorrencias_abertas 200": 1, "pops 200": 1, f"{AGENCIES} 200": POPS}
        assert runs[one]["answers"] == asked
        assert runs[one]["most_at_once"] <= 8
    assert re.fullmatch(r"incidents-\d{4}-\d\d-\d\dT\d\d:\d\d", runs["prefect"]["name"])
    table = driver.ask("artifact()")
    assert sum(row["open"] + row["closed"] for row in table) == len(runs["truth"]["rows"])


@pytest.mark.stack
def test_a_second_run_changes_nothing(driver: Driver) -> None:
    first, second = driver.both(), driver.both(anew=False)
    assert first["prefect"]["incidents.csv"] == second["prefect"]["incidents.csv"]
    assert second["prefect"]["message"] == "0 new, 0 changed, 0 rejected"
    assert_complete(second)


@pytest.mark.stack
@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        ({"kind": "error", "times": 2, "path": "pops"}, {"pops 500": 2, "pops 200": 1}),
        (
            {"kind": "truncated", "times": 2, "path": "abertas"},
            {"ocorrencias_abertas truncated": 2, "ocorrencias_abertas 200": 1},
        ),
        ({"kind": "hang", "times": 1, "seconds": 3, "path": "abertas"}, {"ocorrencias_abertas 200": 1}),
        ({"kind": "error", "share": 0.2, "path": AGENCIES}, {f"{AGENCIES} 200": POPS}),
        ({"kind": "slow", "seconds": 0.2}, {"pops slow": 1, f"{AGENCIES} slow": POPS}),
    ],
    ids=lambda value: value.get("kind"),
)
def test_what_may_pass_is_tried_again(driver: Driver, fault: dict[str, Any], asked: dict[str, int]) -> None:
    runs = driver.both(fault)
    assert_ended(runs, "Completed", 0)
    assert_complete(runs)
    for one in COLLECTORS:
        assert asked.items() <= runs[one]["answers"].items()


@pytest.mark.stack
def test_a_retry_after_is_kept_and_seen(driver: Driver) -> None:
    """Not by Prefect's own delay: the state says when, and the attempts are no retries."""
    runs = driver.both({"kind": "busy", "times": 2, "seconds": 1, "path": "pops"})
    assert_ended(runs, "Completed", 0)
    assert_complete(runs)
    said = [line for line in runs["prefect"]["log"] if line.startswith("ask-pops")]
    assert sum("429: the server says, again in 1 s" in line for line in said) == 2, said
    for one in COLLECTORS:
        assert runs[one]["answers"]["pops 429"] == 2


@pytest.mark.stack
@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        ({"kind": "busy", "seconds": 3600, "path": "pops"}, {"pops 429": 1}),  # too long to wait for
        ({"kind": "busy", "seconds": 0, "path": "pops"}, {"pops 429": 6}),  # without end: five waits are enough
        ({"kind": "error", "status": 403, "path": "pops"}, {"pops 403": 1}),
        ({"kind": "schema", "path": "pops"}, {"pops schema": 1}),
        ({"kind": "schema", "path": "abertas"}, {"ocorrencias_abertas schema": 1}),
    ],
    ids=["busy-long", "busy-always", "forbidden", "schema-pops", "schema-events"],
)
def test_what_will_not_pass_is_not_tried_again(driver: Driver, fault: dict[str, Any], asked: dict[str, int]) -> None:
    """The run fails, and what was in the file stays as it was."""
    before = driver.both()
    runs = driver.both(fault, anew=False)
    assert_ended(runs, "Failed", 1)
    for one in COLLECTORS:
        assert asked.items() <= runs[one]["answers"].items()
        assert runs[one]["incidents.csv"] == before[one]["incidents.csv"]


@pytest.mark.stack
def test_a_pop_without_an_answer_does_not_stop_the_others(driver: Driver) -> None:
    """The run is Failed and says which; the next one brings what was missing."""
    runs = driver.both({"kind": "error", "status": 404, "times": 1, "path": AGENCIES})
    assert_ended(runs, "Failed", 1)
    assert re.search(r"without an answer: POP \d+$", runs["prefect"]["message"])
    assert "without an answer: POP " in runs["asyncio"]["log"][-1]
    for one in COLLECTORS:
        assert runs[one]["answers"] | {f"{AGENCIES} 404": 1, f"{AGENCIES} 200": POPS - 1} == runs[one]["answers"]
    again = driver.both(anew=False)
    assert_ended(again, "Completed", 0)
    assert {*rows(again["prefect"]["incidents.csv"])} == {*again["truth"]["rows"]}


@pytest.mark.stack
def test_faults_of_the_data(driver: Driver) -> None:
    """Told twice: once in the file. Late: it comes. Corrected: the older self is gone. Unreadable: a reject with a reason."""
    runs = driver.both({"kind": "late"}, {"kind": "broken"})
    assert_ended(runs, "Completed", 0)
    assert_complete(runs)
    reasons = {row[1].split(":")[0] for row in rows(runs["prefect"]["rejects.csv"]).values()}
    assert reasons == {"latitude", "inicio", "id", "pop_id"}
    late = driver.both({"kind": "duplicates"}, {"kind": "corrected"}, {"kind": "broken"}, anew=False)
    assert {*late["truth"]["rows"]} > {*runs["truth"]["rows"]}
    assert "Vila Isabel" in late["prefect"]["incidents.csv"]
    for one in COLLECTORS:  # in which order late ones were added is the same too
        assert {*rows(late[one]["incidents.csv"])} == {*late["truth"]["rows"]}
    assert late["prefect"]["incidents.csv"] == late["asyncio"]["incidents.csv"]
    readable = driver.both(anew=False)
    rejects = rows(readable["prefect"]["rejects.csv"]).values()
    assert {row[1].split(":")[0] for row in rejects} == {"id"}, "what can be read by now is no reject any more"


@pytest.mark.stack
def test_above_a_hundred_pops_a_task_asks_for_many(driver: Driver) -> None:
    """Each of them is repeated alone: what was told stays told."""
    spans = driver.ask("[__import__('tasks').span(dict.fromkeys(range(*ends))) for ends in ((7, 8), (51, 101))]")
    assert spans == ["pop-7", "pops-51-to-100"]
    driver.ask("[setattr(incidents_by_pop, 'FEW', 5), setattr(incidents_by_pop, 'CHUNK', 4)]")
    runs = driver.both({"kind": "error", "share": 0.2, "path": AGENCIES})
    driver.ask("setattr(incidents_by_pop, 'FEW', 100)")
    assert_ended(runs, "Completed", 0)
    assert_complete(runs)
    assert runs["prefect"]["answers"][f"{AGENCIES} 200"] == POPS


@pytest.mark.stack
def test_what_classify_says(driver: Driver) -> None:
    no, yes = [False, None], [True, None]
    assert driver.ask("verdicts()") == {
        **{"400": no, "401": no, "404": no, "422": no, "429": yes, "500": yes, "502": yes, "503": yes},
        **{"429 in 7 s": [True, 7], "503 in 7 s": [True, 7], "503 long ago": [True, 0], "503 never": yes},
        **{
            "429 in an hour": [False, 3600],
            "no connection": yes,
            "no answer": yes,
            "half an answer": yes,
            "half a letter": yes,
        },
        **{"another schema": no},
    }


@pytest.mark.stack
def test_a_merge_replaces_appends_and_removes(driver: Driver) -> None:
    one, two = ["1", 'a "quoted", line\nand another'], ["2", "b"]
    steps = [({"1": one}, []), ({"1": one}, []), ({"1": ["1", "c"], "2": two}, []), ({}, ["1"])]
    first = 'id,text\n1,"a ""quoted"", line\nand another"\n'
    assert driver.ask(f"merged(*{steps!r})") == [
        [1, 0, first],
        [0, 0, first],
        [1, 1, "id,text\n1,c\n2,b\n"],
        [0, 0, "id,text\n2,b\n"],
    ]


@pytest.mark.stack
def test_one_collector_at_a_time(driver: Driver) -> None:
    assert driver.ask("held(0.3)") == "another collector has had /data/held for 0 s"


# What may change the outcome of the chaos.
CHAOS = [
    LESSON / "api",
    LESSON / "flows",
    LESSON / "requirements.lock",
    ROOT / "bench/incidents.py",
    ROOT / "bench/inside/incidents",
]


@pytest.mark.stack
@pytest.mark.timeout(7200)
def test_chaos_loses_doubles_and_tears_nothing(tmp_path: Path) -> None:
    """Four runs of each collector, or sixty in a proof; the campaign of 200 is `make chaos-incidents`."""
    number = 60 if records.proving() else 4
    words = (sys.executable, "-m", "bench.incidents", "chaos")
    env = os.environ | {"RUNS": str(number), "RESULTS": str(tmp_path), "SEED": str(records.commit() % 1000)}
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for seen in json.loads((tmp_path / "incidents-chaos.json").read_text())["collectors"].values():
        assert seen["runs"] == number and [seen[what] for what in WRONG] == [0] * len(WRONG)
        assert seen["rows expected"] == seen["rows in the CSV file"] > 0
        assert seen["rejects expected"] == seen["rows in the rejects file"] > 0


@pytest.mark.stack
def test_chaos_stopped_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    words = (sys.executable, "-m", "bench.incidents", "chaos")
    with (tmp_path / "log").open("wb") as log:
        chaos = subprocess.Popen(words, cwd=ROOT, env=os.environ | {"RESULTS": str(tmp_path)}, stdout=log, stderr=log)
    mine = f"bench-incidents-{chaos.pid}-"
    assert until(lambda: docker("ps", "--quiet", "--filter", f"name={mine}api-0-runs") or chaos.poll() is not None, 300)
    chaos.send_signal(signal.SIGTERM)
    assert chaos.wait(120) == 143, (tmp_path / "log").read_text()
    assert docker("ps", "--all", "--quiet", "--filter", f"name={mine}") == ""
    assert docker("network", "ls", "--quiet", "--filter", f"name={mine[:-1]}") == ""


@pytest.mark.stack
def test_a_worker_killed_in_mid_run_leaves_no_slot_taken(tmp_path: Path) -> None:
    """The slot is a lease, and would be free after five minutes: here, as soon as the automation misses a heartbeat."""
    lesson = shutil.copytree(LESSON, tmp_path / "04-incidents", ignore=shutil.ignore_patterns(".venv", ".local"))
    automation = lesson / "crash-zombies.yaml"
    shorter = automation.read_text().replace("within: 90", "within: 45")  # a heartbeat comes every 30 seconds
    automation.write_text(shorter)
    env = os.environ | {"COMPOSE_PROJECT_NAME": "lab-test-zombies", "PREFECT_PORT": "14504", "API_PORT": "14505"}
    api = PrefectApi("127.0.0.1:14504", "admin:beyond-cron")

    def compose(*words: str) -> str:
        return docker("compose", *words, cwd=lesson, env=env)

    def faults(*wanted: dict[str, Any]) -> None:
        call("http://127.0.0.1:14505/admin/faults", wanted)

    def server(path: str, body: Any = None, method: str | None = None) -> Any:
        """On a busy machine SQLite is locked for longer than the server waits: 503, and nothing is done."""
        end = time.monotonic() + 240
        while True:
            try:
                return api(path, body, method)
            except UserError as error:
                if " answers 503" not in str(error) or time.monotonic() > end:
                    raise
            time.sleep(1)

    def start() -> str:
        return str(server(f"{deployment}/create_flow_run", {})["id"])

    def ends(run: str) -> str:
        def state() -> str:
            return str(server(f"/flow_runs/{run}")["state_type"])

        until(lambda: state() not in ("SCHEDULED", "PENDING", "RUNNING"), 240)
        return state()

    try:
        compose("up", "--detach", "--wait", "api")
        faults({"kind": "busy", "seconds": 100, "path": "pops"})
        compose("up", "--detach", "--wait", "worker")
        deployment = f"/deployments/{server('/deployments/name/incidents-by-pop/every-20-minutes')['id']}"
        server(deployment, {"paused": True}, "PATCH")  # no run but those that are asked for
        at_work = {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
        [killed] = until(lambda: server("/flow_runs/filter", at_work), 240)
        compose("kill", "worker")
        faults()
        asked = server(f"/flow_runs/{start()}/set_state", {"state": {"type": "PENDING"}})  # as a worker does
        assert asked["state"]["type"] == "CANCELLED", "its slot is taken"
        assert ends(killed["id"]) == "CRASHED"
        compose("up", "--detach", "--wait", "--no-deps", "worker")  # the deployer would start a run of its own
        assert ends(start()) == "COMPLETED"
    finally:
        compose("down", "--volumes", "--remove-orphans", "--timeout", "1")


def test_nothing_is_installed_that_lesson_03_has_not() -> None:
    """The same versions too, so that one of them is never newer than the lesson's tests know."""

    def pinned(lesson: str) -> set[str]:
        return set(
            re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==[\w.]+", (ROOT / lesson / "requirements.lock").read_text(), re.M)
        )

    assert pinned("04-incidents") and pinned("04-incidents") <= pinned("03-prefect")
