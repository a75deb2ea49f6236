"""A short form of `make chaos-etl`, and the proof that it can fail."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.stack
ROOT = Path(__file__).parents[1]


def chaos(*options: str) -> tuple[int, dict[str, int]]:
    """Exit code and table of a run with 60 000 lines and the choices of seed 324."""
    command = [sys.executable, "-m", "bench.chaos", "--lines=60000", "--seed=324", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)  # for whoever reads of a failure
    return done.returncode, {what: int(n) for what, n in re.findall(r"^\| (.+?) +\| +(\d+) +\|$", done.stdout, re.M)}


def left_behind() -> str:
    everything = ("ps --all", "volume ls", "network ls")
    listed = [subprocess.check_output(["docker", *words.split()], text=True) for words in everything]
    return "".join(line for text in listed for line in text.splitlines(keepends=True) if "chaos-test-" in line)


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CHAOS_PROJECT", f"chaos-test-{os.getpid()}")
    monkeypatch.setenv("RESULTS", str(tmp_path))  # those in bench/results are of a long run


def test_a_dozen_faults_lose_nothing_and_double_nothing() -> None:
    code, seen = chaos("--kills=12")
    assert code == 0
    assert seen["kills, restarts and cuts"] == 12 and seen["ETL killed -9"] >= 4 and seen["ClickHouse killed -9"] >= 1
    assert seen["after reconcile: rows compared"] > 60_000 and seen["looks of the reader at a view"] > 20
    for flow in ("sales_etl", "reconcile"):
        assert [seen[f"after {flow}: rows {what}"] for what in ("lost", "doubled", "different")] == [0, 0, 0]
    assert seen["after reconcile: rows extra"] == seen["looks that showed a row twice"] == 0
    assert left_behind() == ""


def test_the_same_chaos_catches_the_usual_script() -> None:
    """Plain inserts, and the newest row of the target for a watermark."""
    code, seen = chaos("--kills=6", "--naive")
    assert code == 1
    assert (
        seen["after naive: rows lost"] + seen["after naive: rows different"] > 0
        and seen["after naive: rows doubled"] > 0
    )
    assert seen["looks that showed a row twice"] > 0
    assert left_behind() == ""
