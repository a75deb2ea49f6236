"""The queues of lesson 05: orders under kill -9 on either broker."""

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
    """A short run on one of the brokers, a longer one on both in a proof; the campaign is `make chaos-queues`."""
    brokers = BROKERS if proving() else [random.Random(commit()).choice(BROKERS)]
    number = 6_000 if proving() else 1_500
    env = {"MESSAGES": str(number), "KILLS": "6" if proving() else "2", "SEED": str(commit() % 1000 + 1)}
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
