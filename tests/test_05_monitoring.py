"""What watches lesson 05: each alert reaches the pager, each question of the dashboard is answered, a run has one trace."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from support.engine import tried, until

from bench.alerts import CAUSES, ENV, PATIENCE, Drill
from engine.core import ROOT
from engine.images import ALERTMANAGER, PROMETHEUS, ensure_stack
from engine.stacks import Project
from engine.web import call

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1200)]
LESSON = ROOT / "05-migration"
MONITORING = LESSON / "monitoring"
BOARD = MONITORING / "grafana/dashboards/orders.json"
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@pytest.fixture(scope="module")
def stack() -> Iterator[Project]:
    ensure_stack(LESSON)
    with Project(LESSON, "lab-test-monitoring", ENV) as project:
        project.up()
        yield project


@pytest.fixture(scope="module")
def drill(stack: Project) -> Drill:
    return Drill(stack)


def query(stack: Project, expr: str) -> list[dict[str, Any]]:
    """What Prometheus answers now: a list of labels and values."""
    url = f"http://{stack.address('prometheus', 9090)}/api/v1/query?{urlencode({'query': expr})}"
    told: list[dict[str, Any]] = call(url)["data"]["result"]
    return told


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (PROMETHEUS, "promtool check config /m/prometheus/prometheus.yml"),
        (PROMETHEUS, "promtool check rules /m/prometheus/rules.yml"),
        (PROMETHEUS, "promtool test rules /m/prometheus/rules_test.yml"),
        (ALERTMANAGER, "amtool check-config /m/alertmanager.yml"),
    ],
)
def test_the_tools_of_prometheus_find_no_mistake(image: str, words: str) -> None:
    program, *rest = words.split()
    # Prometheus names its rules by the path that they have in its container.
    mounts = ("--volume", f"{MONITORING}:/m:ro", "--volume", f"{MONITORING}/prometheus:/etc/prometheus:ro")
    done = tried("run", "--rm", *mounts, "--entrypoint", program, image, *rest)
    assert done.returncode == 0, done.stdout


def test_every_flow_has_its_zeros_before_its_first_run_ends(stack: Project, drill: Drill) -> None:
    """Else `increase` would not see its first failure."""

    def states() -> dict[str, set[str]]:
        told: dict[str, set[str]] = {}
        for one in query(stack, "prefect_flow_runs_ended_total"):
            told.setdefault(one["metric"]["flow"], set()).add(one["metric"]["state"])
        return told

    deployed = {"probe", "new-products", "queue-depth", "compare-orders"}
    assert until(lambda: deployed <= set(states()), PATIENCE), states()
    assert all(told == ENDED for told in states().values())


def test_all_that_is_asked_answers(stack: Project) -> None:
    answers = 'up{job!="consumers"} == 1'
    assert until(lambda: len(query(stack, answers)) == 4, PATIENCE), query(stack, "up")


def test_each_alert_reaches_the_pager(drill: Drill) -> None:
    """Caused one by one; that of the monitor that has stopped comes from the pager itself."""
    took = drill.all()
    print({alert: round(seconds, 1) for alert, seconds in took.items()})
    assert took.keys() == CAUSES.keys() and min(took.values()) > 0


def test_the_dashboard_is_what_its_program_makes() -> None:
    """Grafana's own library refuses what no dashboard may hold."""
    made = subprocess.run(
        [sys.executable, MONITORING / "dashboard.py"], capture_output=True, text=True, check=True
    ).stdout
    assert json.loads(made) == json.loads(BOARD.read_text()), "python dashboard.py > grafana/dashboards/orders.json"


def test_every_question_of_the_dashboard_is_answered(stack: Project, drill: Drill) -> None:
    """Grafana has the dashboard, and its source of data has the address that Prometheus has."""
    board = call(f"http://{stack.address('grafana', 3000)}/api/dashboards/uid/orders")["dashboard"]
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert asked == [target["expr"] for panel in json.loads(BOARD.read_text())["panels"] for target in panel["targets"]]
    assert len(asked) >= 9
    silent = until(lambda: not [expr for expr in asked if not query(stack, expr)], PATIENCE)
    assert silent, [expr for expr in asked if not query(stack, expr)]
    with urlopen(f"http://{stack.address('grafana', 3000)}/d/orders", timeout=30) as answer:
        assert "Orders and flows" in answer.read().decode()


def kind(span: dict[str, Any]) -> str:
    """A flow, a task, or the system that was asked."""
    tags = {tag["key"]: tag["value"] for tag in span["tags"]}
    return str(tags.get("prefect.run.type") or tags.get("db.system") or tags.get("messaging.system") or "")


def spans_of(stack: Project, operation: str) -> list[dict[str, Any]]:
    """The spans of the newest trace that has a span of that name and is whole, parents first.

    A flow's own span ends last, and comes last.
    """
    address = f"http://{stack.address('jaeger', 16686)}/api/traces?service=probe&limit=50"
    for trace in call(address)["data"]:
        there = {span["operationName"] for span in trace["spans"]} | {kind(span) for span in trace["spans"]}
        if {operation, "flow"} <= there:
            return sorted(trace["spans"], key=lambda span: span["startTime"])
    return []


def test_a_run_is_one_trace_from_its_flow_to_sql_and_a_message(stack: Project, drill: Drill) -> None:
    drill.run()
    spans = until(lambda: spans_of(stack, "probes receive"), PATIENCE)
    by_id = {span["spanID"]: span for span in spans}

    def above(span: dict[str, Any]) -> list[str]:
        """The tasks and the flow that a span belongs to."""
        parents = [by_id[one["spanID"]] for one in span["references"] if one["spanID"] in by_id]
        return [name for parent in parents for name in (kind(parent), *above(parent))]

    kinds = [(kind(span), tuple(above(span))) for span in spans]
    assert kinds.count(("flow", ())) == 1 and kinds.count(("task", ("flow",))) == 3, kinds
    for system in ("mysql", "postgresql"):
        assert (system, ("task", "flow")) in kinds, kinds
    [received] = [span for span in spans if span["operationName"] == "probes receive"]
    assert set(above(received)) == {"rabbitmq", "task", "flow"}, kinds
