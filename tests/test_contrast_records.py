"""The records of the fault board: each is made from the inputs that are here, or its fault is run anew.

The stack test runs every fault whose record does not match, a sample that the commit draws, and all with PROVE=1.
"""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from contrast import results
from contrast.fault import faults
from contrast.results import committed, inputs, stale
from contrast.summary import read
from engine.core import ROOT
from engine.records import digest

SAMPLE = 2  # faults that run always: they find what no digest can, a changed machine or a digest edited by hand
# Twenty programs start in one tick, and twelve clocks run 600 times as fast. A slow machine that does much else is late for
# that: these run when their record is stale, and in a proof, which does nothing else then.
WANTS_QUIET = {"dst-night", "herd"}


@cache
def stale_now() -> list[str]:
    return stale()


def to_run() -> list[str]:
    """The faults that this commit has to run anew."""
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    if os.environ.get("PROVE") == "1" or asked.returncode:  # without a commit there is nothing to draw from
        return list(faults())
    drawn = random.Random(asked.stdout.strip()).sample(sorted(faults().keys() - WANTS_QUIET), SAMPLE)
    return [name for name in faults() if name in {*stale_now(), *drawn}]


@pytest.mark.parametrize("name", faults())
def test_the_record_matches_its_inputs(name: str) -> None:
    """A record that does not is no error: the stack test below runs its fault anew."""
    if name in stale_now():
        pytest.xfail(f"made from other inputs, so it is run anew; to renew it: make contrast FAULT={name}")


@pytest.mark.parametrize("name", faults())
def test_what_is_shown_is_drawn_from_the_record(name: str) -> None:
    """Drawn otherwise now: `.venv/bin/python -m contrast.results` draws all anew, in a second."""
    shown = {kind: (results.FOLDER / f"{name}.{kind}").read_text() for kind in ("svg", "md")}
    assert shown == results.shown(committed(name))


def test_the_page_that_helps_to_choose_says_what_the_records_say() -> None:
    """In each of its rows a check mark stands where no harm was counted, and nowhere else."""
    page = (ROOT / "docs/en/which.md").read_text()
    rows = re.findall(r"^\| \[[^]]*\]\(contrast\.md#([\w-]+)\) \|(.*)\|$", page, re.M)
    assert len(rows) >= 8
    for name, cells in rows:
        plain, hardened, timer, cronjob, prefect = (cell.strip() for cell in cells.split(" | "))
        said = {"plain": plain, "hardened": hardened, "prefect": prefect}
        harm = {lane: sum(of["verdict"].values()) for lane, of in committed(name)["lanes"].items()}
        assert {lane: cell.startswith("✓") for lane, cell in said.items()} == {lane: not harm[lane] for lane in said}, (
            name
        )
        assert "✓" not in timer + cronjob, "they were not run"


@pytest.mark.stack
@pytest.mark.timeout(2400)  # all faults, where the records are stale
def test_a_fresh_run_gives_the_committed_verdicts(tmp_path: Path) -> None:
    names = to_run()
    print(f"run anew: {', '.join(names)}")
    env = os.environ | {"RESULTS": str(tmp_path), "COMPOSE_PROJECT_NAME": "lab-test-contrast"}
    done = subprocess.run([sys.executable, "-m", "contrast", *names], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr  # the verdicts are the expected ones
    for name in names:
        fresh = json.loads((tmp_path / f"{name}.json").read_text())
        verdicts = {lane: got["verdict"] for lane, got in fresh["lanes"].items()}
        assert verdicts == {lane: got["verdict"] for lane, got in committed(name)["lanes"].items()}, name
        crowds = [read(result)["hardened"].crowd()[0] for result in (fresh, committed(name))]
        assert crowds[0] == crowds[1], f"{name}: the lock of hardened cron"
        assert fresh["inputs"] == inputs(name)
    label = "label=com.docker.compose.project=lab-test-contrast"
    assert not subprocess.check_output(["docker", "ps", "--all", "--quiet", "--filter", label])


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what the records depend on, which the records are compared with instead."""
    for folder in ("contrast", "engine", "offline"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "03-prefect").mkdir()
    for file in ("Dockerfile", "requirements.lock"):
        shutil.copy(ROOT / "03-prefect" / file, tmp_path / "03-prefect")
    monkeypatch.setattr("engine.records.ROOT", tmp_path)
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "BOARD", tmp_path / "contrast")
    monkeypatch.setattr(results, "FOLDER", tmp_path / "contrast/results")
    return tmp_path


def now() -> dict[str, str]:
    return {name: inputs(name) for name in faults()}


def test_a_copy_has_the_same_digests(copy: Path) -> None:
    here = now()
    assert len(set(here.values())) == len(here), "each fault counts its own module"
    (copy / "contrast/inside/__pycache__").mkdir(exist_ok=True)
    (copy / "contrast/inside/__pycache__/job.cpython-313.pyc").write_bytes(b"x")
    for shown in ("contrast/results/crash.md", "contrast/timeline.py"):
        (copy / shown).write_text("drawn from the record, so no input of it")
    assert now() == here


@pytest.mark.slow
@pytest.mark.parametrize(
    "file",
    [
        "contrast/lanes/hardened/load.txt",
        "contrast/inside/job.py",
        "contrast/runner.py",
        "contrast/docker-compose.yml",
        "engine/stacks.py",
        "03-prefect/Dockerfile",
        "03-prefect/requirements.lock",
        "offline/postgres/Dockerfile",
    ],
)
def test_a_changed_input_makes_all_records_stale(copy: Path, file: str) -> None:
    before = now()
    (copy / file).write_text((copy / file).read_text() + "# changed\n")
    after = now()
    assert all(after[name] != digest_before for name, digest_before in before.items())


def test_a_changed_fault_makes_its_own_record_stale(copy: Path) -> None:
    before = now()
    (copy / "contrast/faults/crash.py").write_text("# changed\n")
    assert [name for name, other in now().items() if other != before[name]] == ["crash"]


def test_a_renamed_or_removed_input_makes_a_record_stale(copy: Path) -> None:
    before = now()
    lanes = copy / "contrast/lanes/hardened"
    (lanes / "load.txt").rename(lanes / "loads.txt")
    assert not set(now().values()) & set(before.values())
    (copy / "offline/python").rename(copy / "offline/python3")
    with pytest.raises(FileNotFoundError):
        now()


@pytest.mark.slow
def test_a_digest_edited_by_hand_is_stale(copy: Path) -> None:
    for name, here in now().items():
        file = results.FOLDER / f"{name}.json"
        file.write_text(json.dumps(committed(name) | {"inputs": here}))
    assert stale() == []
    file = results.FOLDER / "burst.json"
    file.write_text(json.dumps(committed("burst") | {"inputs": "0" * 64}))
    assert stale() == ["burst"]


def test_the_digest_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    assert digest([one, two]) == digest([two, one]) == digest([tmp_path]) != digest([one])
    before = digest([tmp_path])
    one.write_text("2")
    two.write_text("1")
    assert digest([tmp_path]) != before, "the same contents under other names"
    one.write_text("12")
    two.write_text("")
    swapped = digest([tmp_path])
    one.write_text("1")
    two.write_text("2")
    assert digest([tmp_path]) == before != swapped


def test_all_that_is_imported_is_an_input() -> None:
    """Also what that imports in turn; of the faults each counts its own module."""
    files = "*(getattr(module, '__file__', None) or '' for module in sys.modules.values())"
    code = f"import sys; from contrast.runner import run; from contrast.fault import faults; faults(); print({files})"
    printed = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True, timeout=60)
    rooms = [ROOT / room for room in ("contrast", "engine", "lab", "bench", "docs", "tests")]
    used = {path for word in printed.split() if any((path := Path(word)).is_relative_to(room) for room in rooms)}
    inside = {path for name in faults() for path in results.input_paths(name, ROOT / "contrast/lanes")}
    assert used and used <= inside
    assert {path for path in inside if path.parent.name == "engine"} <= used
