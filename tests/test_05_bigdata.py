"""From MariaDB to the warehouse: every row as it is, whatever comes late, fails or is killed; and the SQL for Redshift."""

import ast
import json
import runpy
from collections.abc import Iterator
from typing import Any

import pytest
import sqlglot
from sqlglot import exp
from support.records import commit, proving

from engine.core import ROOT
from engine.docker import docker
from engine.images import ensure_stack
from engine.stacks import Project

LESSON = ROOT / "05-migration"
INSIDE = (ROOT / "tests/bigdata_inside.py").read_text()
BUCKET = "import boto3, os; boto3.client('s3', endpoint_url=os.environ['S3_ENDPOINT_URL'])"
KILLS = 10 if proving() else 3
SIZE = 80  # orders of a partition: 250 of them, more than any machine has done before the last kill


class Box:
    """A container with the flows, beside shop, warehouse, bucket and Prefect's server."""

    def __init__(self, name: str) -> None:
        self.name = name

    def python(self, *words: str, stdin: str = "", **env: str) -> str:
        """What a Python program prints there."""
        variables = [word for key, value in env.items() for word in ("--env", f"{key}={value}")]
        return docker("exec", "--interactive", *variables, self.name, "python", *words, stdin=stdin)

    def inside(self, word: str, **env: str) -> dict[str, Any]:
        """The answer of a function of tests/bigdata_inside.py."""
        told: dict[str, Any] = json.loads(self.python("-", word, stdin=INSIDE, **env))
        return told


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    ensure_stack(LESSON)
    ports = {"PREFECT_PORT": "14209", "RABBITMQ_PORT": "15677", "COMPOSE_PROFILES": "prefect"}
    with Project(LESSON, "lab-test-bigdata", ports) as project:
        project.up("shop", "warehouse", "sqs", "prefect-server")
        house = ("--volume", f"{ROOT}/bench/inside:/house/bench/inside:ro", "--env", "PYTHONPATH=/house:/lesson/flows")
        name = "lab-test-bigdata-box"
        project.compose("run", "--detach", "--no-deps", "--name", name, *house, "worker-bigdata", "sleep", "infinity")
        yield Box(name)


@pytest.mark.stack
def test_every_text_arrives_and_every_change_is_seen(box: Box) -> None:
    told = box.inside("texts")
    assert told == {"copied": 20015, "same": True, "again": 0, "missed": [], "doubled is seen": True, "equal": True}


@pytest.mark.stack
def test_what_comes_late_or_changes_soon_is_there_once(box: Box) -> None:
    told = box.inside("late")
    assert len(told) == 6 and set(told.values()) == {True}, told


@pytest.mark.stack
def test_what_a_watermark_cannot_see_the_checksum_does(box: Box) -> None:
    assert box.inside("old") == {"seen by watermark": False, "seen by checksum": True, "mended": True}


@pytest.mark.stack
def test_a_load_that_fails_half_way_has_done_nothing(box: Box) -> None:
    told = box.inside("half")
    assert told == {"failed": ["CheckViolation"] * 2, "as before": True, "noted as before": True}


@pytest.mark.stack
def test_a_partition_that_another_run_has_copied_is_not_copied_again(box: Box) -> None:
    assert box.inside("held") == {"waited": True, "copied": [0]}


@pytest.mark.stack
def test_by_way_of_the_bucket_the_same_arrives_and_nothing_stays_there(box: Box) -> None:
    """With the client that is Python alone, too."""
    box.python("-", stdin=BUCKET + ".create_bucket(Bucket='stage')")
    assert box.inside("by_bucket", STAGING_BUCKET="stage", SHOP_DRIVER="pymysql") == {"parts": [4, 0], "same": True}


@pytest.mark.stack
@pytest.mark.timeout(1800)
def test_killed_it_goes_on_where_it_was(box: Box) -> None:
    """At random moments of the flow, as `make bench-migration` does it with millions of orders."""
    words = ("-P", "-m", "bench.inside.migration.kills", str(KILLS), str(SIZE), str(commit() % 2**32))
    told = json.loads(box.python(*words))
    print(told)
    assert told["exit_code"] == 0 and len(told["done_at_kills"]) == KILLS
    assert told["done_at_kills"] == sorted(told["done_at_kills"]) and told["done_at_kills"][-1] > 0
    assert told["partitions"] == told["noted"] == told["different"] > KILLS  # none was copied twice to its end
    assert told["rows"] == told["ids"] and told["shop"] == told["warehouse"]


def texts_of(name: str) -> dict[str, str]:
    """The texts that a file of the lesson gives names to."""
    tree = ast.parse((LESSON / "flows" / name).read_text())
    named = [(node.targets[0], node.value) for node in tree.body if isinstance(node, ast.Assign)]
    return {
        name.id: text.value
        for name, text in named
        if isinstance(name, ast.Name) and isinstance(text, ast.Constant) and isinstance(text.value, str)
    }


def redshift() -> dict[str, str]:
    """What the flows send to Redshift, where it is not sent to PostgreSQL too."""
    tables = runpy.run_path(str(LESSON / "flows/tables.py"))
    target = texts_of("target.py")
    sums = {
        f"checksum of {name}": f"SELECT {tables['checksum'](name, 'redshift')} FROM {name}"
        for name in tables["COLUMNS"]
    }
    copy = target["FROM_BUCKET"].format(table="orders", manifest="s3://stage/2026-W49/orders/0/manifest")
    return sums | {"copy": copy, "replace": texts_of("watermark.py")["REPLACE"].format(table="orders")}


@pytest.mark.parametrize("name", ["checksum of orders", "checksum of products", "copy", "replace"])
def test_the_sql_for_redshift_is_redshifts(name: str) -> None:
    """It was never run there: what can be had is that a parser of its dialect reads all of it."""
    for tree in sqlglot.parse(redshift()[name], dialect="redshift"):
        assert tree is not None and not list(tree.find_all(exp.Command)), redshift()[name]


def test_the_copy_of_redshift_says_what_the_lines_are() -> None:
    [tree] = sqlglot.parse(redshift()["copy"], dialect="redshift")
    assert isinstance(tree, exp.Copy) and tree.this.name == "orders"
    told = tree.sql("redshift")
    print(told)
    for words in ("s3://stage/2026-W49/orders/0/manifest", "MANIFEST", "ESCAPE"):
        assert words in told
