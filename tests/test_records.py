"""The records of `make test`: what has passed runs again when an input has changed, when it is drawn, and in a proof."""

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from support import records
from support.records import Record, all_records, known, passed

from engine.core import ROOT

SAMPLE = Record("sample", ("tests/test_sample.py::*",), ("input.txt",))


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one file, whose record is written, on a commit that does not draw it."""
    subprocess.run(("git", "init", "--quiet", tmp_path), check=True)
    (tmp_path / "input.txt").write_text("one")
    for module in (records, sys.modules["engine.records"]):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(records, "PASSED", tmp_path / "passed.json")
    monkeypatch.setattr(records, "all_records", lambda: [SAMPLE])
    monkeypatch.setattr(records, "known", known.__wrapped__)
    monkeypatch.setattr(records, "commit", lambda: 2)
    for name in ("PROVE", "RECORD"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_what_has_passed_counts_until_an_input_changes(course: Path) -> None:
    assert not SAMPLE.counts(), "nothing is written yet"
    assert records.write({"tests/test_sample.py::test_a[x-1]": True, "tests/test_other.py::test_b": False}) == [
        "sample"
    ]
    assert SAMPLE.counts()
    (course / "input.txt").write_text("two")
    assert not SAMPLE.counts(), "an input has changed"
    (course / "input.txt").rename(course / "other.txt")
    assert not SAMPLE.counts(), "an input has gone"


def test_a_record_is_written_when_all_of_it_has_passed(course: Path) -> None:
    assert records.write({"tests/test_sample.py::test_a": True, "tests/test_sample.py::test_b": False}) == []
    assert records.write({"tests/test_other.py::test_a": True}) == [] and passed() == {}


def test_a_digest_that_was_changed_by_hand_does_not_count(course: Path) -> None:
    records.write({"tests/test_sample.py::test_a": True})
    written = course / "passed.json"
    written.write_text(json.dumps({"sample": "0" * 64}))
    assert not SAMPLE.counts()


def test_one_commit_in_four_draws_it_and_a_proof_runs_all(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records.write({"tests/test_sample.py::test_a": True})
    counted = 0
    for commit in range(400):
        monkeypatch.setattr(records, "commit", lambda commit=commit: commit)
        counted += SAMPLE.counts()
    assert 260 < counted < 340
    monkeypatch.setattr(records, "commit", lambda: 2)
    for name in ("PROVE", "RECORD"):
        monkeypatch.setenv(name, "1")
        assert not SAMPLE.counts(), name
        monkeypatch.delenv(name)


@pytest.mark.parametrize("record", all_records(), ids=lambda record: record.name)
def test_each_pattern_of_its_inputs_finds_a_file(record: Record) -> None:
    assert [pattern for pattern in record.inputs if not any(fnmatch(file, pattern) for file in known())] == []


def test_every_record_that_is_written_is_one_of_groups_toml() -> None:
    assert passed().keys() <= {record.name for record in all_records()}


@pytest.mark.slow
def test_make_test_leaves_out_what_is_recorded() -> None:
    """Whoever names a file to pytest without --records runs all of it."""
    command = (sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", "--records")
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120).stdout
    ids = re.findall(r"^\S+?::.+$", listed, re.M)
    runs = {record.name: any(map(record.has, ids)) for record in all_records()}
    assert runs == {record.name: not record.counts() for record in all_records()}
    assert len(ids) > 500
