"""The fault board: what its page shows is counted from the records, and a lane that is worse is found out."""

import base64
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from contrast import results, timeline
from contrast.fault import Fault, faults
from contrast.results import committed
from contrast.stack import LANES, Stack
from contrast.summary import Lane, read
from docs import facts
from engine.core import UserError
from engine.docker import docker
from engine.images import ensure_stack

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/en/contrast.md").read_text()
LIMITS = [
    "Dependencies",
    "State",
    "Retry",
    "Parallel runs",
    "Monitoring",
    "Conditional flow",
    "Resources",
]  # of 02-cron
every_fault = pytest.mark.parametrize(("name", "fault"), faults().items(), ids=faults())


def contrast(*words: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the board as `make contrast` does, its results in a folder of the test."""
    env = os.environ | {"RESULTS": str(folder), "COMPOSE_PROJECT_NAME": "lab-test-contrast"} | settings
    return subprocess.run([sys.executable, "-m", "contrast", *words], cwd=ROOT, env=env, capture_output=True, text=True)


def leftovers(project: str) -> list[str]:
    """Containers, networks and volumes of a Compose project."""
    label = f"label=com.docker.compose.project={project}"
    asked = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
    return [
        line
        for words in asked
        for line in subprocess.check_output(["docker", *words, "--quiet", "--filter", label], text=True).split()
    ]


@every_fault
def test_committed_verdicts_are_the_expected_ones(name: str, fault: Fault) -> None:
    result = committed(name)
    assert {lane: got["verdict"] for lane, got in result["lanes"].items()} == fault.expected
    assert list(result["lanes"]) == list(LANES)
    assert result["claim"] == fault.claim and result["limit"] == fault.limit


@every_fault
def test_harm_and_figures_are_counted_from_the_record(name: str, fault: Fault) -> None:
    record = committed(name)
    for key, lane in read(record).items():
        assert fault.harm(lane) == lane.verdict, key
        assert (fault.figures(lane) if fault.figures else {}) == record["lanes"][key]["figures"], key


def said(lane: Lane, what: str) -> int:
    """The number that stands with a word in what the table says of a lane; 0 when the word does not."""
    found = re.search(what.replace("N", r"(\d+)"), lane.words().partition("; alerts: ")[0])
    return int(found[1]) if found else 0


# Each harm that the words have a figure for too: what they make of it.
IN_WORDS = {
    "runs failed": lambda lane: said(lane, r"\bfailed N") + said(lane, r"\bkilled N"),
    "runs without a record": lambda lane: said(lane, "asked for by hand N"),
    "runs too many at once": lambda lane: max(0, said(lane, "up to N at once") - 1),
    "alerts missing": lambda lane: int(bool(said(lane, r"\bfailed N")) and "; alerts: " not in lane.words()),
    "runs missing": None,  # of a plan that is finer than the ticks, or of five nights that the picture does not show
}


@every_fault
def test_a_figure_of_the_words_that_is_also_a_harm_has_the_same_number(name: str, fault: Fault) -> None:
    for key, lane in read(committed(name)).items():
        for harm, count in lane.verdict.items():
            if by_words := IN_WORDS.get(harm):
                assert by_words(lane) == count, (key, harm, lane.words())
        shared = {word for harm in lane.verdict if harm not in IN_WORDS for word in harm.split()}
        words = set(re.findall(r"[a-z]+", re.sub(r"“[^”]*”", "", lane.words()))) - {"at", "of", "for", "in", "no", "up"}
        assert not shared & words, f"{key}: {shared & words} has two meanings in one row"


def test_a_misspelt_word_of_a_fault_is_an_error() -> None:
    known = faults()["no-env"]
    fields = {field.name: getattr(known, field.name) for field in dataclasses.fields(known)}
    assert Fault(**fields) == known
    with pytest.raises(TypeError, match="upstraem"):
        Fault(**fields, upstraem={})  # type: ignore[call-arg]  # mypy sees it before it runs


def at_once(result: dict[str, Any]) -> int:
    """Most runs of the hardened lane at work at once; 0 when none was beside another."""
    return read(result)["hardened"].crowd()[0]


# Where flock lets in more than one: two by xargs --max-procs, one of each machine, four by four locks.
AT_ONCE = {"burst": 2, "two-schedulers": 2, "herd": 4}


@pytest.mark.parametrize("name", faults())
def test_the_lock_of_hardened_cron_is_seen(name: str) -> None:
    assert at_once(committed(name)) == AT_ONCE.get(name, 0)


@pytest.mark.parametrize("name", faults())
def test_pictures_and_tables_are_drawn_from_the_committed_results(name: str, tmp_path: Path) -> None:
    results.write(committed(name), tmp_path)
    for kind in ("json", "svg", "md"):
        assert (tmp_path / f"{name}.{kind}").read_text() == (results.FOLDER / f"{name}.{kind}").read_text()
    assert timeline.table(committed(name)) in (results.FOLDER / f"{name}.md").read_text()


def test_the_board_of_the_page_has_each_fault_with_its_counts() -> None:
    board = facts.facts()["board"]
    for name in faults():
        [row] = [line for line in board.splitlines() if f"(#{name}) `{name}`" in line]
        cells = [cell.strip() for cell in row.split("|")[2:5]]
        for cell, lane in zip(cells, committed(name)["lanes"].values(), strict=True):
            counted = [count for count in lane["verdict"].values() if count]
            assert ("✓" in cell) == (not counted) and all(str(n) in cell for n in counted if n > 1), (name, cell)
    scores = board.splitlines()[2]
    assert re.findall(rf"(\d+) of {len(faults())}\b", scores) == [
        str(sum(not any(committed(name)["lanes"][lane]["verdict"].values()) for name in faults()))
        for lane in ("plain", "hardened", "prefect")
    ]


def test_the_table_of_the_results_is_that_of_the_records() -> None:
    assert (
        results.summary_table([committed(name) for name in faults()], link=True)
        in (results.FOLDER / "board.md").read_text()
    )


@every_fault
def test_the_page_has_the_claim_and_the_picture_of_each_fault(name: str, fault: Fault) -> None:
    section = re.split(r"^### ", PAGE, flags=re.M)
    [own] = [part for part in section if part.split("\n")[0].endswith(f" {{ #{name} }}")]
    assert f"*Claim:* {fault.claim}" in own
    for file in (f"contrast/results/{name}.svg", f"contrast/results/{name}.md"):
        assert f'--8<-- "{file}"' in own
    if fault.limit:
        assert f"[{fault.limit.lower()}](02-cron.md#{fault.limit.lower().replace(' ', '-')})" in own


TWENTIES = [f"twenty-{ones}" for ones in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")]


@pytest.mark.parametrize("page", ["README.md", "docs/en/index.md", "docs/en/missed-runs.md"])
def test_a_page_that_counts_the_faults_counts_right(page: str) -> None:
    counted = re.findall(rf"({'|'.join(TWENTIES)}|\w+teen|\d+) faults", (ROOT / page).read_text())
    assert counted and set(counted) == {TWENTIES[len(faults()) - 21]}


def test_each_limit_of_cron_has_a_fault_that_proves_it() -> None:
    """Plain cron comes to harm by it, and the limits are the headings of 02-cron."""
    page = (ROOT / "docs/en/02-cron.md").read_text()
    for limit in LIMITS:
        assert f"\n### {limit}\n" in page
        assert any(sum(fault.expected["plain"].values()) for fault in faults().values() if limit == fault.limit), limit
    assert {fault.limit for fault in faults().values()} == {*LIMITS, None}


def test_cron_is_the_better_one_somewhere() -> None:
    """In three faults at least one of the two crons comes to less harm than Prefect, and in more to as little."""
    harm = {name: {lane: sum(fault.expected[lane].values()) for lane in LANES} for name, fault in faults().items()}
    better = [name for name, lane in harm.items() if min(lane["plain"], lane["hardened"]) < lane["prefect"]]
    assert len(better) >= 3 and {
        *("dst-night", "host-asleep", "overhead", "orchestrator-down", "redeploy-at-tick")
    } <= set(better)
    assert sum(lane["hardened"] <= lane["prefect"] for lane in harm.values()) >= 10
    unharmed = {lane: sum(not of[lane] for of in harm.values()) for lane in LANES}
    more = unharmed["hardened"] - unharmed["prefect"]
    assert f"hardened cron has {('no', 'one', 'two', 'three')[more]} more than Prefect" in PAGE


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["slow-rum"], "there is no fault 'slow-rum'; there is: backfill, "),
        (["--lanes", "nowhere"], "nowhere is no folder"),
    ],
)
def test_a_wrong_word_is_one_line(words: list[str], said: str, tmp_path: Path) -> None:
    done = contrast(*words, folder=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith(said) and done.stderr.count("\n") == 1


@pytest.mark.parametrize("times", ["0", "x"])
def test_a_wrong_number_of_times_is_one_line(times: str, tmp_path: Path) -> None:
    done = contrast("crash", folder=tmp_path, REPEAT=times)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"REPEAT={times} is not a whole number above 0")


@pytest.mark.stack
def test_a_crontab_without_its_lock_is_found_out(tmp_path: Path) -> None:
    """`flock` taken out of the hardened lane: the verdict is another one, and the command fails."""
    lanes = Path(shutil.copytree(ROOT / "contrast/lanes", tmp_path / "lanes"))
    crontab = lanes / "hardened/load.txt"
    changed = crontab.read_text().replace("flock --nonblock /tmp/load ", "")
    assert changed != crontab.read_text()
    crontab.write_text(changed)
    done = contrast("slow-run", "--only", "hardened", "--lanes", str(lanes), folder=tmp_path / "results")
    assert done.returncode == 1, done.stdout
    assert re.search(r"NOT AS EXPECTED slow-run, hardened: runs too many at once \d+; expected: ✓", done.stdout)


@pytest.mark.stack
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    project = "lab-test-contrast-c"
    env = os.environ | {"RESULTS": str(tmp_path), "COMPOSE_PROJECT_NAME": project}
    command = [sys.executable, "-m", "contrast", "slow-run", "--only", "plain", "--only", "hardened"]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as board:
        deadline = time.monotonic() + 120
        while len(leftovers(project)) < 6 and time.monotonic() < deadline:  # five containers and a network
            time.sleep(0.5)
        assert len(leftovers(project)) >= 6
        board.send_signal(signal.SIGINT)
        _, said = board.communicate(timeout=60)
    assert board.returncode == 130 and said == "interrupted: nothing is left running\n"
    assert not leftovers(project)


@pytest.mark.stack
def test_a_clock_of_the_containers_that_is_ahead_is_refused(tmp_path: Path) -> None:
    """As after a virtual machine has slept: the sink is three seconds ahead of the machine that sets the ticks."""
    ensure_stack(ROOT / "contrast")
    read = "cat /usr/lib/*/faketime/libfaketime.so.1 | base64"
    library = docker("run", "--rm", "--network", "none", "contrast-lane", "sh", "-c", read)
    board = Path(shutil.copytree(ROOT / "contrast", tmp_path / "contrast"))
    (board / "faketime.so").write_bytes(base64.b64decode(library))
    faked = "LD_PRELOAD: /faketime.so, FAKETIME: +3s, FAKETIME_DONT_FAKE_MONOTONIC: 1, FAKETIME_DISABLE_SHM: 1, "
    user, volume = "POSTGRES_USER: contrast, ", '"./inside/sink.sql:'
    compose = (board / "docker-compose.yml").read_text()
    assert compose.count(user) == compose.count(volume) == 1
    compose = compose.replace(user, faked + user).replace(volume, '"./faketime.so:/faketime.so:ro", ' + volume)
    (board / "docker-compose.yml").write_text(compose)
    stack = Stack(["hardened"], name="lab-test-contrast-clock")
    stack.folder = board
    with pytest.raises(UserError, match=r"the containers is (2\.[5-9]|3\.0) s away from this machine's"), stack:
        pass
    assert not leftovers("lab-test-contrast-clock")
