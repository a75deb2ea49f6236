"""The benchmarks run at a tiny size, report what they claim, and leave nothing behind; how fast is not tested."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.etl import failures, hopeless, report, results_table
from bench.report import machine
from engine.core import ROOT, UserError
from engine.docker import ask, docker, lines
from engine.images import PYTHON
from engine.markdown import table

# It changes one quantity on its way: as many rows arrive, and one of them is another.
FORGER = r"""psql "$SOURCE_URL" --command "COPY ($SELECT) TO STDOUT" | awk -F '\t' -v OFS='\t' 'NR == 1 { $4 += 1 } 1' \
| clickhouse-client $CLIENT --query "$INTO FORMAT TabSeparated" """


ROUTES = {"pipe", "load", "checked", "naive", "own"}
VARIABLES = {
    "etl": {"ROUTES": " ".join(ROUTES), "OWN": FORGER, "ROWS": "100000", "REPEAT": "1", "GROWTH": "0"},
    "overhead": {"REPEAT": "1", "RUNS": "2", "WORKERS": "1", "FLOWS": "1", "TASKS": "5", "LATE": "1", "IDLE": "1"},
}
RESULTS = {"etl": "etl", "overhead": "prefect"}  # module → the name of its results
DEADLINE = 600  # seconds for a benchmark of that size, on a busy machine too

Benchmark = tuple["subprocess.Popen[str]", Path]  # and where its results go


def start(module: str, **variables: str) -> "subprocess.Popen[str]":
    words = [sys.executable, "-m", f"bench.{module}"]
    pipe = subprocess.PIPE
    return subprocess.Popen(words, cwd=ROOT, env=os.environ | variables, text=True, stdout=pipe, stderr=pipe)


@pytest.mark.parametrize(
    "module",
    ["alerts", "chaos", "etl", "incidents", "migration", "outages", "overhead", "queue_chaos", "queues", "vectors"],
)
def test_help_is_what_the_program_says_of_itself(module: str) -> None:
    """And it starts nothing."""
    about = (ast.get_docstring(ast.parse((ROOT / f"bench/{module}.py").read_text()), clean=False) or "").strip()
    done = subprocess.run((sys.executable, "-m", f"bench.{module}", "--help"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and about in done.stdout and not done.stderr


@pytest.mark.parametrize(
    "module", ["alerts", "etl", "incidents", "migration", "outages", "overhead", "queue_chaos", "queues", "vectors"]
)
def test_a_word_that_a_benchmark_does_not_know_is_one_line(module: str) -> None:
    words = (sys.executable, "-m", f"bench.{module}", "fast")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1) and "'fast'" in done.stderr


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Benchmark]]:
    """Both, side by side: each waits a lot, and how fast they are is not tested."""
    folders = {module: tmp_path_factory.mktemp(module) for module in VARIABLES}
    started = {
        module: (start(module, RESULTS=str(folders[module]), **VARIABLES[module]), folders[module])
        for module in VARIABLES
    }
    yield started
    for process, _ in started.values():
        if process.poll() is None:  # nobody waited for it
            process.terminate()
            process.communicate(timeout=60)


def result(benchmark: Benchmark, module: str) -> tuple[dict[str, Any], str]:
    """What a benchmark writes as JSON and as text; it must end well and leave nothing."""
    process, folder = benchmark
    output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
    assert leftovers(process.pid) == ""
    text = (folder / f"{RESULTS[module]}.md").read_text()
    assert text in output
    return json.loads((folder / f"{RESULTS[module]}.json").read_text()), text


STOPS = (signal.SIGINT, signal.SIGTERM)
MOMENTS: dict[str, Callable[[int], bool]] = {
    "while its containers start": lambda pid: bool(docker("ps", "--quiet", "--filter", f"name=-{pid}-")),
    "while it measures": lambda pid: "sleep 600" in (ask("top", f"bench-etl-{pid}-clients") or ""),
}


def leftovers(pid: int) -> str:
    return docker("ps", "--all", "--quiet", "--filter", f"name=-{pid}-") + docker(
        "network", "ls", "--quiet", "--filter", f"name=-{pid}"
    )


@pytest.mark.stack
def test_every_route_is_measured_and_checked(benchmarks: dict[str, Benchmark]) -> None:
    data, text = result(benchmarks["etl"], "etl")
    results = data["rows"]["100000"]
    assert results.keys() == ROUTES
    for route, one in results.items():
        assert one["trouble"] == "", route
        assert one["seconds"] > one["cpu"] / data["machine"]["cores"] > 0, route
        assert one["wrong"] == ("as many rows, but not the same" if route == "own" else ""), route
    assert results["naive"]["mb"] > results["load"]["mb"] > 10  # all rows at once, or some; a Python with a driver
    assert text.count("| WRONG: as many rows, but not the same |") == 1
    assert data["machine"]["clickhouse"] and data["machine"]["date"] in text


@pytest.mark.stack
def test_prefect_is_measured_on_a_real_server(benchmarks: dict[str, Benchmark]) -> None:
    data, text = result(benchmarks["overhead"], "overhead")
    assert all(seconds > 0.5 for seconds in data["start_seconds"].values())
    assert all(seconds > 0 for seconds in data["overhead_seconds"].values())
    assert data["bursts"]["1"]["runs"] == 2
    assert [len(offsets) for offsets in data["late_seconds"].values()] == [1, 1]
    idle = {name: use["mb"] for name, use in data["idle"].items()}
    assert idle["server"] > idle["worker-1"] > idle["cron"] > 0
    assert f"Prefect {data['machine']['prefect']}" in text


@pytest.mark.stack
def test_stopped_in_the_middle_it_leaves_nothing(tmp_path: Path) -> None:
    """By Ctrl-C and by SIGTERM, while its containers start and while it measures; side by side."""
    own = {"ROWS": "100", "GROWTH": "0", "ROUTES": "own", "OWN": "exec sleep 600", "RESULTS": str(tmp_path)}
    started = [(stop, moment, start("etl", **own)) for stop in STOPS for moment in MOMENTS]
    deadline = time.monotonic() + DEADLINE
    for stop, moment, process in started:
        while not MOMENTS[moment](process.pid):
            assert time.monotonic() < deadline and process.poll() is None, moment
            time.sleep(0.1)
        process.send_signal(stop)
    for stop, moment, process in started:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 128 + stop, moment
        assert "Traceback" not in errors
        assert leftovers(process.pid) == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.stack
def test_lines_that_nobody_reads_any_more_are_not_waited_for() -> None:
    """The command in the container goes on for ten minutes; the one out here ends at once."""
    container = docker("run", "--detach", "--init", PYTHON, "sleep", "600")
    try:
        output = lines("exec", container, "sh", "-c", "echo one; exec sleep 600")
        assert isinstance(output, Generator) and next(output) == "one\n"
        reader = threading.Thread(target=output.close, daemon=True)
        reader.start()
        reader.join(60)
        assert not reader.is_alive()
    finally:
        docker("rm", "--force", container)


def test_the_machine_cannot_be_described_without_a_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(UserError, match="docker") as error:
        machine()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "module", ["alerts", "etl", "migration", "overhead", "chaos", "queues", "queue_chaos", "vectors", "conform"]
)
def test_without_an_engine_it_says_so_in_one_line(module: str) -> None:
    process = start(module, LAB_ENGINE="no")
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors.count("\n")) == (2, "", 1)
    assert "needs a Docker engine" in errors


@pytest.mark.parametrize("wrong", [{"ROWS": "2e6"}, {"ROWS": "0"}, {"REPEAT": "no"}, {"ROUTES": "load teleport"}])
def test_a_wrong_variable_is_refused_before_anything_starts(wrong: dict[str, str]) -> None:
    process = start("etl", **wrong)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors.count("\n")) == (2, "", 1)
    assert next(iter(wrong)) in errors


def test_a_route_is_skipped_where_its_own_figures_say_that_it_is_hopeless() -> None:
    measured = {"trouble": "", "wrong": "", "seconds": 10.0, "cpu": 9.0, "mb": 1000.0}
    known: dict[int, dict[str, dict[str, Any]]] = {1_000_000: {"naive": measured, "dlt": {"trouble": "Syntax error"}}}
    assert hopeless("naive", 2_000_000, known, 600, 8e9) == ""
    assert "need about 10 GB; the limit is 8" in hopeless("naive", 10_000_000, known, 600, 8e9)
    assert "need about 20 s; the limit is 15" in hopeless("naive", 2_000_000, known, 15, 8e9)
    assert hopeless("dlt", 2_000_000, known, 600, 8e9) == "Syntax error"
    assert hopeless("load", 2_000_000, known, 600, 8e9) == ""


def test_what_does_not_work_has_no_row_and_says_why_once() -> None:
    good = {"trouble": "", "wrong": "", "seconds": 0.5, "cpu": 0.4, "mb": 30.0}
    bad, late = {"trouble": "no such <column> `x`.\n Stack trace: 0"}, {"trouble": "skipped: 2 000 rows took 9 s"}
    text = results_table([("ours", 1000, good, good), ("theirs", 1000, bad, good)])
    assert "| ours | 0.50 |  2\u00a0000 |   1.00 |" in text and "theirs" not in text
    assert failures({1000: {"load": good, "dlt": bad, "naive": good}, 2000: {"dlt": bad, "naive": late}}) == [
        "- dlt 1.31.0: does not work here: `no such <column> 'x'.`",
        "- fetchall, execute, 2\u00a0000 rows: skipped: 2\u00a0000 rows took 9 s",
    ]
    assert len({len(line) for line in table(["", "s"], [["one", "1"], ["two", "22"]]).splitlines()}) == 1


def test_the_figures_of_the_load_are_those_that_were_measured() -> None:
    """The page includes etl.md, which is made of etl.json; what a tool said is code there, and no HTML."""
    data = json.loads((ROOT / "bench/results/etl.json").read_text())
    known = {int(rows): results for rows, results in data["rows"].items()}
    text = (ROOT / "bench/results/etl.md").read_text()
    assert text == report(data["machine"], data["repeat"], known) + "\n"
    assert "<" not in re.sub(r"`[^`\n]*`", "", text) and not re.search(r"\d \d{3}\b", text)


def imports(file: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return names | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}


def test_what_runs_in_containers_needs_nothing_else_of_the_house() -> None:
    for file in (ROOT / "bench/inside").rglob("*.py"):
        house = {name for name in imports(file) if name.split(".")[0] in ("bench", "engine", "lab", "contrast")}
        assert all(name.startswith("bench.inside.") for name in house), file


def test_no_module_has_the_name_of_a_library_that_bench_imports() -> None:
    files = [*(ROOT / "bench").rglob("*.py")]
    libraries = {name.split(".")[0] for file in files for name in imports(file)} - {"bench"}
    assert {file.stem for file in files} & libraries == set()
