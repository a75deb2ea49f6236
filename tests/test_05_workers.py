"""The queues of lesson 05: orders under kill -9 on either broker, and what its checks make of other answers."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.engine import until
from support.records import commit, proving

from bench.queue_chaos import WRONG, wrong
from engine.core import ROOT
from engine.docker import docker
from lab.checks.registry import Outcome, all_checks

CHAOS = (sys.executable, "-m", "bench.queue_chaos")
BROKERS = ["rabbitmq", "sqs"]


def record(broker: str) -> dict[str, int]:
    """What the committed run counted."""
    counts: dict[str, int] = json.loads((ROOT / "bench/results/queues-chaos.json").read_text())["brokers"][broker]
    return counts


@pytest.mark.parametrize("broker", BROKERS)
def test_the_record_is_of_a_whole_run(broker: str) -> None:
    seen = record(broker)
    assert seen["sent"] == 20_000 and seen["consumers killed -9 at work"] >= 5 and seen["broker restarts"] == 2
    assert wrong(seen) == 0 and seen["replayed: mended, an order now"] == seen["unknown"] > 0


def test_each_way_to_be_wrong_counts() -> None:
    for what in (*WRONG, "replayed: twice in the shop", "replayed: lost"):
        assert wrong(record("sqs") | {what: 1}) == 1


@pytest.mark.stack
@pytest.mark.timeout(7200)
def test_kills_lose_no_order_and_double_none(tmp_path: Path) -> None:
    """A short run on one of the brokers; a whole one on both when nothing counts but a run: make prove."""
    brokers = BROKERS if proving() else [random.Random(commit()).choice(BROKERS)]
    number = 20_000 if proving() else 1_500
    env = {"MESSAGES": str(number), "KILLS": "20" if proving() else "2", "SEED": str(commit() % 1000 + 1)}
    done = subprocess.run(
        CHAOS, cwd=ROOT, env=os.environ | env | {"BROKERS": " ".join(brokers), "RESULTS": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for seen in json.loads((tmp_path / "queues-chaos.json").read_text())["brokers"].values():
        assert seen["sent"] == number == seen["orders in the shop"] + seen["poison"] and seen["poison"] > 0
        assert wrong(seen) == 0 and seen["consumers killed -9 at work"] > 0 and seen["broker restarts"] == 2


@pytest.mark.stack
def test_chaos_stopped_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    env = os.environ | {"QUEUES_PROJECT": (name := f"lab-test-queues-{os.getpid()}"), "RESULTS": str(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        chaos = subprocess.Popen(CHAOS, cwd=ROOT, env=env, stdout=log, stderr=log)
    assert until(lambda: name in docker("ps", "--format", "{{.Names}}") or chaos.poll() is not None, 300)
    chaos.send_signal(signal.SIGTERM)
    assert chaos.wait(120) == 143, (tmp_path / "log").read_text()
    assert name not in docker("ps", "--all") + docker("volume", "ls") + docker("network", "ls")


def judged(name: str, text: str, folder: Path) -> Outcome:
    check = all_checks()[f"05-migration/{name}"]
    (folder / check.file).write_text(text)
    outcome: Outcome = check.judge(folder / check.file)
    assert "\n" not in outcome.seen
    return outcome


@pytest.mark.clock
@pytest.mark.parametrize(
    ("name", "right", "wrong", "seen"),
    [
        ("poison", "(ValueError, KeyError, TypeError)", "ValueError", "KeyError: 'quantity'"),
        ("poison", "        continue\n", "        sys.exit()\n", "1 rows, 1 dead with a reason, 3 left"),
        ("poison", "        file.rename(dead / file.name)\n", "        file.unlink()\n", "0 dead with a reason, none left"),
        ("poison", ".write_text(repr(error))", ".touch()", "3 rows, 0 dead with a reason"),
        ("poison", "        continue\n    with", "        continue\n    file.unlink()\n    with", "FileNotFoundError"),
        ("hidden", "now + TIMEOUT, now", "now + 20, now", "at 29: b"),
        ("hidden", "now + TIMEOUT, now", "now + 3600, now", "at 30: nothing"),
        ("hidden", "else:\n    queue", "elif not sys.argv:\n    queue", "at 30: a"),
        ("hidden", "UPDATE messages SET visible_at = ?", "UPDATE messages SET body = ?", "at second 0: "),
    ],
)  # fmt: skip
def test_a_typical_wrong_answer_does_not_pass(name: str, right: str, wrong: str, seen: str, tmp_path: Path) -> None:
    text = all_checks()[f"05-migration/{name}"].solution.read_text()
    assert right in text
    outcome = judged(name, text.replace(right, wrong), tmp_path)
    assert not outcome.passed and seen in outcome.seen, outcome.seen


BURIES_ALL = """
import json, sqlite3, sys
from pathlib import Path

queue, dead = Path(sys.argv[1]), Path(sys.argv[2])
shop = sqlite3.connect(sys.argv[3], timeout=0.5)
shop.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, product INT, quantity INT)")
for file in sorted(queue.glob("*.json")):
    try:
        with shop:
            order = json.loads(file.read_text())
            shop.execute("INSERT OR IGNORE INTO orders VALUES (:id, :product, :quantity)", order)
        file.unlink()
    except Exception as error:
        (dead / f"{file.name}.reason").write_text(str(error))
        file.rename(dead / file.name)
"""
TWO_SORTS = BURIES_ALL.replace(
    "    except Exception", "    except sqlite3.OperationalError:\n        continue\n    except Exception"
)
TWO_STEPS = """
import sqlite3, sys

queue = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
if sys.argv[2] == "receive":
    now = int(sys.argv[3])
    queue.execute("BEGIN IMMEDIATE")
    found = queue.execute("SELECT id, body FROM messages WHERE visible_at <= ? ORDER BY id LIMIT 1", [now]).fetchone()
    if found:
        queue.execute("UPDATE messages SET visible_at = ? WHERE id = ?", [now + 30, found[0]])
        print(*found)
    queue.execute("COMMIT")
else:
    queue.execute("DELETE FROM messages WHERE id = ?", [sys.argv[3]])
"""


@pytest.mark.clock
def test_whoever_buries_what_a_locked_shop_refuses_does_not_pass(tmp_path: Path) -> None:
    outcome = judged("poison", BURIES_ALL, tmp_path)
    assert not outcome.passed and "with a locked shop: 3 orders dead" in outcome.seen, outcome.seen


@pytest.mark.clock
def test_two_that_look_before_either_hides_do_not_pass(tmp_path: Path) -> None:
    text = TWO_STEPS.replace('    queue.execute("BEGIN IMMEDIATE")\n', "").replace('    queue.execute("COMMIT")\n', "")
    outcome = judged("hidden", text, tmp_path)
    assert not outcome.passed and "two at once: c and c" in outcome.seen, outcome.seen


@pytest.mark.clock
@pytest.mark.parametrize(("name", "text"), [("poison", TWO_SORTS), ("hidden", TWO_STEPS)])
def test_another_right_answer_passes(name: str, text: str, tmp_path: Path) -> None:
    outcome = judged(name, text, tmp_path)
    assert outcome.passed, outcome.seen
