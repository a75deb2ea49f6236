"""A short form of `make chaos-etl`, and the proof that it can fail."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core import ROOT
from engine.docker import docker

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1260)]

Chaos = tuple[str, Path, "subprocess.Popen[bytes]"]  # project, log, process


def start(folder: Path, name: str, *options: str) -> Chaos:
    """A run with 60 000 lines, on a project of its own."""
    project = f"chaos-test-{os.getpid()}-{name}"
    command = [sys.executable, "-m", "bench.chaos", "--lines=60000", *options]
    variables = {"CHAOS_PROJECT": project, "RESULTS": str(folder)}  # bench/results are of a long run
    with (folder / "log").open("w") as log:
        return (
            project,
            folder / "log",
            subprocess.Popen(command, cwd=ROOT, env=os.environ | variables, stdout=log, stderr=log),
        )


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Chaos]]:
    """Both, side by side: they wait for containers most of the time."""
    # The seeds have in few faults what a long run has in many: see FAULTS, and at which moments the ETL is killed.
    options = {"lesson": ("--kills=8", "--seed=236445"), "naive": ("--kills=6", "--seed=324", "--naive")}
    started = {name: start(tmp_path_factory.mktemp(name), name, *words) for name, words in options.items()}
    yield started
    for _, _, process in started.values():
        if process.poll() is None:  # nobody waited for it
            process.terminate()
        process.wait(timeout=60)


def ended(run: Chaos) -> tuple[int, dict[str, int]]:
    """Exit code and table of a run, which has left nothing behind."""
    project, log, process = run
    code = process.wait(timeout=1200)
    text = log.read_text()
    print(text)  # for whoever reads of a failure
    assert project not in docker("ps", "--all") + docker("volume", "ls") + docker("network", "ls")
    return code, {what: int(n) for what, n in re.findall(r"^\| (.+?) +\| +(\d+) +\|$", text, re.M)}


def test_eight_faults_lose_nothing_and_double_nothing(runs: dict[str, Chaos]) -> None:
    code, seen = ended(runs["lesson"])
    assert code == 0
    assert seen["kills, restarts and cuts"] == 8 and seen["ETL killed -9"] >= 4
    for fault in ("ClickHouse killed -9", "PostgreSQL killed -9", "worker killed -9", "network cut"):
        assert seen[fault] >= 1
    assert seen["after reconcile: rows compared"] > 60_000 and seen["reads of a view"] > 20
    for flow in ("sales_etl", "reconcile"):
        assert [seen[f"after {flow}: rows {what}"] for what in ("lost", "doubled", "different")] == [0, 0, 0]
    assert seen["after reconcile: rows extra"] == seen["reads that showed a row twice"] == 0


def test_the_same_chaos_catches_the_usual_script(runs: dict[str, Chaos]) -> None:
    """Plain inserts, and the newest row of the target for a watermark."""
    code, seen = ended(runs["naive"])
    assert code == 1
    assert seen["after naive: rows lost"] + seen["after naive: rows different"] > 0
    assert seen["after naive: rows doubled"] > 0
    assert seen["reads that showed a row twice"] > 0


@pytest.mark.parametrize(
    ("stop", "moment"), [(signal.SIGINT, "starting the stack"), (signal.SIGTERM, "the first load is done")]
)
def test_stopped_in_the_middle_it_leaves_nothing(tmp_path: Path, stop: signal.Signals, moment: str) -> None:
    project, log, process = run = start(tmp_path, stop.name.lower(), "--kills=1000", "--naive")
    deadline = time.monotonic() + 300
    while not (moment in log.read_text() and docker("ps", "--quiet", "--filter", f"name={project}-")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    process.send_signal(stop)
    code, _ = ended(run)
    assert code == 128 + stop
    assert "Traceback" not in log.read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
