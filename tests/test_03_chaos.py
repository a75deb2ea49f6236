"""A short form of `make chaos-etl`, and the proof that it can fail."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.stack
ROOT = Path(__file__).parents[1]


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
    code = process.wait(timeout=600)
    text = log.read_text()
    print(text)  # for whoever reads of a failure
    everything = ("ps --all", "volume ls", "network ls")
    listed = [subprocess.check_output(["docker", *words.split()], text=True) for words in everything]
    assert project not in "".join(listed)
    return code, {what: int(n) for what, n in re.findall(r"^\| (.+?) +\| +(\d+) +\|$", text, re.M)}


def test_eight_faults_lose_nothing_and_double_nothing(runs: dict[str, Chaos]) -> None:
    code, seen = ended(runs["lesson"])
    assert code == 0
    assert seen["kills, restarts and cuts"] == 8 and seen["ETL killed -9"] >= 4
    for fault in ("ClickHouse killed -9", "PostgreSQL killed -9", "worker killed -9", "network cut"):
        assert seen[fault] >= 1
    assert seen["after reconcile: rows compared"] > 60_000 and seen["looks of the reader at a view"] > 20
    for flow in ("sales_etl", "reconcile"):
        assert [seen[f"after {flow}: rows {what}"] for what in ("lost", "doubled", "different")] == [0, 0, 0]
    assert seen["after reconcile: rows extra"] == seen["looks that showed a row twice"] == 0


def test_the_same_chaos_catches_the_usual_script(runs: dict[str, Chaos]) -> None:
    """Plain inserts, and the newest row of the target for a watermark."""
    code, seen = ended(runs["naive"])
    assert code == 1
    assert (
        seen["after naive: rows lost"] + seen["after naive: rows different"] > 0
        and seen["after naive: rows doubled"] > 0
    )
    assert seen["looks that showed a row twice"] > 0
