"""The fault board: what is committed is what a fresh run gives, and a lane that is worse is found out."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from contrast import results, timeline
from contrast.stack import LANES
from contrast.tally import NAMES, read
from contrast.window import faults, load

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
MODULES = {name: load(name) for name in faults()}


def committed(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((results.FOLDER / f"{name}.json").read_text())
    return result


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


@pytest.mark.parametrize(("name", "fault"), MODULES.items(), ids=MODULES)
def test_committed_verdicts_are_the_expected_ones(name: str, fault: ModuleType) -> None:
    result = committed(name)
    assert {lane: got["verdict"] for lane, got in result["lanes"].items()} == fault.EXPECTED
    assert list(result["lanes"]) == list(LANES)
    assert result["claim"] == fault.CLAIM and result["limit"] == fault.LIMIT


def at_once(result: dict[str, Any]) -> int:
    """Most runs of the hardened lane at work at once; 0 when none was beside another."""
    [lane] = [lane for lane in read(result) if lane.name == NAMES["hardened"]]
    return lane.crowd()[0]


@pytest.mark.parametrize("name", MODULES)
def test_the_lock_of_hardened_cron_is_seen(name: str) -> None:
    assert at_once(committed(name)) == (2 if name == "burst" else 0), "flock, and in burst xargs --max-procs 2"


@pytest.mark.parametrize("name", MODULES)
def test_pictures_and_tables_are_drawn_from_the_committed_results(name: str, tmp_path: Path) -> None:
    results.write(committed(name), tmp_path)
    for kind in ("json", "svg", "md"):
        assert (tmp_path / f"{name}.{kind}").read_text() == (results.FOLDER / f"{name}.{kind}").read_text()
    assert timeline.table(committed(name)) in (results.FOLDER / f"{name}.md").read_text()


def test_the_table_of_the_page_is_that_of_the_results() -> None:
    assert results.board([committed(name) for name in faults()], link=True) in (results.FOLDER / "board.md").read_text()


@pytest.mark.parametrize(("name", "fault"), MODULES.items(), ids=MODULES)
def test_the_page_has_the_claim_and_the_picture_of_each_fault(name: str, fault: ModuleType) -> None:
    section = re.split(r"^### ", PAGE, flags=re.M)
    [own] = [part for part in section if part.startswith(f"{name} ")]
    assert f"*Claim:* {fault.CLAIM}" in own
    for file in (f"contrast/results/{name}.svg", f"contrast/results/{name}.md"):
        assert f'--8<-- "{file}"' in own
    if fault.LIMIT:
        assert f"[{fault.LIMIT.lower()}](02-cron.md#{fault.LIMIT.lower().replace(' ', '-')})" in own


def test_each_limit_of_cron_has_a_fault_that_proves_it() -> None:
    """Plain cron comes to harm by it, and the limits are the headings of 02-cron."""
    page = (ROOT / "docs/en/02-cron.md").read_text()
    for limit in LIMITS:
        assert f"\n### {limit}\n" in page
        assert any(sum(fault.EXPECTED["plain"].values()) for fault in MODULES.values() if limit == fault.LIMIT), limit
    assert {fault.LIMIT for fault in MODULES.values()} == {*LIMITS, None}


def test_cron_is_the_better_one_somewhere() -> None:
    """In three faults at least one of the two crons comes to less harm than Prefect, and in more to as little."""
    harm = {name: {lane: sum(fault.EXPECTED[lane].values()) for lane in LANES} for name, fault in MODULES.items()}
    better = [name for name, lane in harm.items() if min(lane["plain"], lane["hardened"]) < lane["prefect"]]
    assert len(better) >= 3 and {"dst-night", "host-asleep", "overhead"} <= set(better)
    assert sum(lane["hardened"] <= lane["prefect"] for lane in harm.values()) >= 10
    unharmed = {lane: sum(not of[lane] for of in harm.values()) for lane in LANES}
    assert unharmed["hardened"] > unharmed["prefect"], "the page says so"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["slow-rum"], "there is no fault 'slow-rum'; there is: backfill, "),
        (["--lanes", "nowhere"], "nowhere is no folder"),
    ],
)
def test_a_wrong_word_is_one_line(words: list[str], said: str, tmp_path: Path) -> None:
    done = contrast(*words, folder=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith(said) and done.stderr.count("\n") == 1


@pytest.mark.parametrize("times", ["0", "x"])
def test_a_wrong_number_of_times_is_one_line(times: str, tmp_path: Path) -> None:
    done = contrast("crash", folder=tmp_path, REPEAT=times)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"REPEAT={times} is not a whole number above 0")


@pytest.mark.stack
def test_a_fresh_run_gives_the_committed_verdicts(tmp_path: Path) -> None:
    """All faults, in all lanes: this is `make contrast`."""
    done = contrast(folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in faults():
        fresh = json.loads((tmp_path / f"{name}.json").read_text())
        for lane, got in fresh["lanes"].items():
            assert got["verdict"] == committed(name)["lanes"][lane]["verdict"], (name, lane)
        assert at_once(fresh) == at_once(committed(name)), name
    assert not leftovers("lab-test-contrast")


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
    assert board.returncode == 1 and said == "interrupted: nothing is left running\n"
    assert not leftovers(project)
