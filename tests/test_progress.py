"""Progress: what `lab list`, `lab next` and `lab watch` say, the file that they share with the pages, and other formats."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
import typer
from typer.testing import CliRunner

from engine.core import ROOT, UserError
from lab.checks.formats import as_junit
from lab.checks.registry import Outcome, all_checks
from lab.cli import app
from lab.progress import store
from lab.progress import watch as wing
from lab.progress.store import FORMAT, MOST, VERSION, Answer, Judged, Progress

THREE_AM = "01-intro/three-am"
NIGHT = "05-migration/spring-night"  # its check starts no process, and so has no deadline
CHECKS = all_checks()


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which progress is kept."""
    monkeypatch.setenv("LAB_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.delenv("LAB_PORT", raising=False)
    return tmp_path / "progress.json"


def lab(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(words))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def listed(*words: str) -> dict[str, str]:
    """The state of each exercise that `lab list` names, by its id."""
    code, text, _ = lab("list", *words)
    assert code == 0
    lines = [line for line in text.splitlines() if line.startswith("  ")]
    return {line[17:].split()[0]: line[2:15].strip() for line in lines}


def judged(id: str, passed: bool = True, file: Path | None = None) -> None:
    digest = store.digest(file or CHECKS[id].path)
    store.keep(lambda own: Progress(own.answers, own.checks | {id: Judged(passed, digest)}))


def test_a_list_has_every_exercise_of_the_course() -> None:
    states = listed()
    assert set(CHECKS) <= set(states) and len(states) > 120
    assert {"minute-field", "etl-interval"} & set(states) == {"etl-interval"}
    assert set(states.values()) == {"not tried"}


def test_a_check_is_listed_as_it_ended_until_its_file_changes() -> None:
    assert lab("check", NIGHT)[0] == 1
    assert listed("migrate")[NIGHT] == "failed"
    judged(NIGHT)
    assert listed("migrate")[NIGHT] == "passed"
    judged(NIGHT, file=CHECKS[NIGHT].solution)
    assert listed("migrate")[NIGHT] == "changed since"
    assert "migrate: 0 of 8 done, 1 changed since\n" in lab("list", "migrate")[1]


def test_a_solution_that_is_checked_is_nobodys_progress(kept: Path) -> None:
    assert lab("check", "--solutions", NIGHT)[0] == 0
    assert not kept.exists()


def test_a_list_of_a_lesson_has_its_other_pages_too() -> None:
    pages = [line.split(":")[0] for line in lab("list", "05-migration")[1].splitlines() if line[0] != " "]
    assert pages == ["05-migration", "migrate", "move", "workers", "bigdata", "monitoring", "together"]
    assert set(listed("migrate")) < set(listed("05-migration"))
    code, _, line = lab("list", "07-x")
    assert code == 2 and line.startswith("there is no lesson or page '07-x' with exercises; there is: 01-intro, ")


def page_file(folder: Path, **answers: dict[str, object]) -> Path:
    """A file as a page saves it."""
    file = folder / "saved.json"
    file.write_text(json.dumps({"format": FORMAT, "version": VERSION, "answers": answers}))
    return file


ANSWERS: dict[str, dict[str, object]] = {
    "drift-hour": {"value": "x", "verdict": "right", "done": True},
    "late-run": {"value": "x", "verdict": "wrong", "done": False},
    "lost-rows": {"value": "x", "verdict": "", "done": False},
    "etl-interval": {"value": "each hour", "verdict": "compared", "done": True},
    "loop-edit": {"value": "done", "verdict": "done", "done": True},
    "every-five-seconds": {},
    "three-am": {"value": "done", "verdict": "done", "done": True},
    "no-longer-there": {"value": "x", "verdict": "right", "done": True},
}


def test_a_file_of_a_page_is_taken_over_and_kept(tmp_path: Path) -> None:
    states = listed("01-intro", "--progress", str(page_file(tmp_path, **ANSWERS)))
    assert [states[id] for id in ("drift-hour", "late-run", "lost-rows")] == ["passed", "failed", "not tried"]
    assert [states[id] for id in ("etl-interval", "loop-edit", "every-five-seconds")] == ["done", "done", "not tried"]
    assert states[THREE_AM] == "done" and "no-longer-there" not in states
    assert listed("01-intro") == states
    judged(THREE_AM, passed=False)
    assert listed("01-intro")[THREE_AM] == "failed", "what was judged counts more than a mark"
    again = page_file(tmp_path, **{"late-run": {"value": "y", "verdict": "right", "done": True}})
    states = listed("01-intro", "--progress", str(again))
    assert (states["late-run"], states["drift-hour"], states[THREE_AM]) == ("passed", "passed", "failed")


def test_what_is_kept_can_be_taken_to_another_machine(kept: Path, tmp_path: Path) -> None:
    judged(THREE_AM)
    brought = kept.rename(tmp_path / "brought.json")
    assert listed("01-intro", "--progress", str(brought))[THREE_AM] == "passed"
    judged(THREE_AM, passed=False)
    assert listed("01-intro", "--progress", str(brought))[THREE_AM] == "failed", "what this machine judged stays"


def document(**other: object) -> str:
    return json.dumps({"format": FORMAT, "version": VERSION} | other)


# What is no file with progress, and a part of the line that says why.
BROKEN = {
    "empty": (b"", "it is no JSON (line 1: "),
    "words": (b"nothing\n", "it is no JSON (line 1: "),
    "bytes": (b"\x80\xff", "it is no text"),
    "deep": (b"[" * 200_000, "it is nested too deep"),
    "digits": (b'{"version": ' + b"9" * 5000 + b"}", "no file with progress"),
    "enormous": (b" " * (MOST + 1), "it is larger than 1,000,000 bytes"),
    "list": (b"[]", f'it does not say "format": "{FORMAT}"'),
    "other": (b'{"format": "junit"}', f'it does not say "format": "{FORMAT}"'),
    "newer": (document(version=2).encode(), "its version is 2, and this course reads version 1"),
    "answers": (document(answers=[]).encode(), "answers is no object"),
    "id": (document(answers={"\x1b[31m../x": {}}).encode(), "answers has '\\x1b[31m../x', which is no id"),
    "answer": (document(answers={"a": 1}).encode(), "answers has a, which is no object"),
    "value": (document(answers={"a": {"value": 1}}).encode(), "value is no text"),
    "verdict": (document(answers={"a": {"verdict": "x" * 999}}).encode(), "verdict is 'xxxxx"),
    "unhashable": (document(answers={"a": {"verdict": []}}).encode(), "verdict is []"),
    "done": (document(answers={"a": {"done": 1}}).encode(), "done is neither true nor false"),
    "check": (document(checks={"a": {}}).encode(), "checks has 'a', which is no id of an exercise"),
    "passed": (document(checks={"a/b": {"file": ""}}).encode(), "passed is neither true nor false"),
    "digest": (document(checks={"a/b": {"passed": True, "file": "/etc/passwd"}}).encode(), "file is no SHA-256"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_progress_is_one_line(name: str, tmp_path: Path, kept: Path) -> None:
    data, part = BROKEN[name]
    file = tmp_path / "saved.json"
    file.write_bytes(data)
    code, text, line = lab("list", "--progress", str(file))
    assert (code, text, line.count("\n")) == (2, "", 1) and line.startswith(f"{file} is no file with progress: ")
    assert part in line and len(line) < 400 and "\x1b" not in line and not kept.exists()


def test_a_device_and_a_pipe_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", str(tmp_path / "pipe"), str(tmp_path)):
        code, text, line = lab("list", "--progress", path)
        assert (code, text) == (2, "") and line == f"{path} is no file with progress: it is a folder or a device\n"


def test_a_half_of_a_surrogate_is_kept_as_it_came(tmp_path: Path) -> None:
    file = page_file(tmp_path, **{"etl-loop": {"value": "\ud800", "verdict": "compared", "done": True}})
    assert listed("01-intro", "--progress", str(file))["etl-loop"] == "done"
    assert store.kept().answers["etl-loop"].value == "\ud800"


def test_what_would_grow_too_large_is_not_written(kept: Path) -> None:
    with pytest.raises(UserError, match="larger than 1,000,000 bytes"):
        store.keep(lambda _: Progress({"etl-loop": Answer("x" * MOST)}))
    assert not list(kept.parent.glob("*progress*"))


def test_progress_that_cannot_be_kept_does_not_change_a_verdict(kept: Path) -> None:
    kept.write_text("broken")
    code, text, line = lab("check", NIGHT)
    assert code == 1 and text.endswith("0 of 1 passed\n") and line.count("\n") == 1
    assert line.startswith(f"lab list will not know of it: {kept} is no file with progress: ") and f"rm {kept}" in line
    assert kept.read_text() == "broken"


def test_many_who_keep_at_the_same_time_lose_nothing() -> None:
    def mark(number: int) -> None:
        store.keep(lambda own: Progress(own.answers | {f"a{number}": Answer()}, own.checks))

    threads = [threading.Thread(target=mark, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(store.kept().answers) == 20


def test_next_names_what_to_open_and_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *_ = [id for id in listed("02-cron") if "/" in id]
    judged(first)
    monkeypatch.setenv("LAB_PORT", "8001")
    title = "The job that never fires"
    assert lab("next", "02-cron")[1].splitlines() == [
        f"{second} (not tried)",
        f"  task:  {title}",
        "  page:  http://localhost:8001/02-cron/#ex-never-fires",
        "  file:  02-cron/exercises/never_fires.txt",
        f"  check: lab check {second}",
    ]
    assert lab("next")[1].startswith("01-intro/fixed-rate (not tried)\n")


def test_next_of_a_lesson_that_is_done_says_so() -> None:
    for id in listed("01-intro"):
        if "/" in id:
            judged(id)
    assert lab("next", "01-intro")[:2] == (
        0,
        "nothing is left: 3 of 3 done; questions on the pages: lab list 01-intro\n",
    )


def test_json_is_all_that_is_printed() -> None:
    code, text, line = lab("check", NIGHT, "--json")
    said = json.loads(text)
    assert (code, line, said.pop("seconds") >= 0) == (1, "", True)
    [exercise] = said.pop("exercises")
    assert said == {"format": "beyond-cron check", "version": 1, "passed": 0, "failed": 1}
    assert exercise.pop("expected") != exercise.pop("seen") and exercise.pop("hint")
    assert exercise == {"id": NIGHT, "file": "05-migration/exercises/spring_night.txt", "verdict": "failed"}
    assert json.loads(lab("check", "--solutions", NIGHT, "--json")[1])["exercises"][0]["verdict"] == "passed"


def test_junit_has_a_case_for_each_exercise(tmp_path: Path) -> None:
    file = tmp_path / "lab.xml"
    code, text, _ = lab("check", NIGHT, "--junit", str(file))
    assert code == 1 and text.startswith(f"✗ failed {NIGHT}\n")
    [suite] = ElementTree.parse(file).getroot()
    assert [suite.get(name) for name in ("tests", "failures", "errors")] == ["1", "1", "0"]
    [case] = suite
    assert (case.get("classname"), case.get("name")) == ("05-migration", "spring-night")
    [failure] = case
    assert failure.text and [line.split(":")[0] for line in failure.text.splitlines()] == ["expected", "seen", "hint"]


def test_junit_that_has_no_folder_is_one_line_before_anything_runs(tmp_path: Path, kept: Path) -> None:
    code, text, line = lab("check", NIGHT, "--junit", str(tmp_path / "no/lab.xml"))
    assert (code, text, line.count("\n")) == (2, "", 1) and not kept.exists()


def test_junit_can_hold_what_a_program_printed() -> None:
    outcome = Outcome(False, "<&>", "\x1b[31mred\x00 \ud800 ]]> é")
    text = as_junit([(CHECKS[THREE_AM], outcome)], 0.0)
    failure = ElementTree.fromstring(text.encode()).find(".//failure")
    assert failure is not None and failure.get("message") == "\ufffd[31mred\ufffd \ufffd ]]> é"


class Watch:
    """`lab watch` on a course of its own, and what it prints."""

    def __init__(self, course: Path, *words: str) -> None:
        program = "from lab.cli import app; app()"
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", program, "watch", *words],
            cwd=course, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as printed:
            for line in printed:
                self.lines.put(line.rstrip("\n"))

    def until(self, last: str) -> list[str]:
        """The lines up to that one. Raises queue.Empty when it does not come."""
        deadline, lines = time.monotonic() + 120, [""]
        while lines[-1] != last:
            lines.append(self.lines.get(timeout=max(0.0, deadline - time.monotonic())))
        return lines[1:]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course whose exercises may be changed: the rest of it is that of this repository."""
    course = tmp_path / "course"
    for room in ("engine", "05-migration"):
        shutil.copytree(ROOT / room, course / room, ignore=shutil.ignore_patterns("__pycache__"))
    for room in ("lab", "contrast", "docs", "mkdocs.yml"):
        (course / room).symlink_to(ROOT / room)
    return course


@pytest.fixture
def watch(course: Path) -> Iterator[Watch]:
    watch = Watch(course, "05-migration")
    try:
        watch.until("watching 13 files: each save is checked, Ctrl+C ends this")
        yield watch
    finally:
        watch.process.kill()
        watch.process.wait()
        watch.reader.join(60)


def verdicts(lines: list[str]) -> list[str]:
    """What was printed, without what is said of a verdict: it is indented."""
    return [line for line in lines if not line.startswith("  ")]


@pytest.mark.clock
def test_each_save_is_checked_once_and_ctrl_c_ends_it(watch: Watch, course: Path, kept: Path) -> None:
    """Written in pieces, moved into place, gone for a moment, and written by a broken program: a verdict each."""
    file, solution = (course / f"05-migration/{folder}/spring_night.txt" for folder in ("exercises", "solutions"))
    passed = [f"{NIGHT} was saved", f"✓ passed {NIGHT}", "1 of 1 passed"]
    with file.open("w") as piece:
        for line in solution.read_text().splitlines(keepends=True):
            piece.write(line)
            piece.flush()
    assert verdicts(watch.until("1 of 1 passed")) == passed

    beside = file.with_name("spring_night.txt~")
    beside.write_text(solution.read_text().replace("15 3", "15 2"))
    beside.replace(file)
    failed = watch.until("0 of 1 passed")
    assert failed[:2] == [f"{NIGHT} was saved", f"✗ failed {NIGHT}"]

    file.unlink()
    time.sleep(0.3)  # three looks find no file
    shutil.copy(solution, file)
    assert verdicts(watch.until("1 of 1 passed")) == passed
    assert json.loads(kept.read_text())["checks"][NIGHT]["passed"] is True

    watch.process.send_signal(signal.SIGINT)
    assert watch.process.wait(60) == 130
    assert watch.until("interrupted: nothing is left running") == ["interrupted: nothing is left running"]


@pytest.mark.clock
def test_ctrl_c_in_the_middle_of_a_check_ends_it_too(watch: Watch, course: Path) -> None:
    file = course / "05-migration/exercises/spring_night.txt"
    file.write_text(file.read_text() + "\n")
    watch.until("05-migration/spring-night was saved")
    watch.process.send_signal(signal.SIGINT)
    assert watch.process.wait(120) == 130
    assert watch.until("interrupted: nothing is left running") == ["interrupted: nothing is left running"]


def test_an_exercise_that_cannot_be_checked_does_not_end_a_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that it is given raises what `lab check` may raise; the fourth save ends the test."""
    raised = [UserError("no engine answers"), FileNotFoundError(2, "gone", "x.py"), typer.Exit(1), KeyboardInterrupt()]

    def check(id: str) -> None:
        raise raised.pop(0)

    monkeypatch.setattr(wing, "saved", lambda marks: iter([CHECKS[THREE_AM].path] * 4))
    with pytest.raises(KeyboardInterrupt):
        wing.command(check)(THREE_AM)
    assert raised == []


def test_an_exercise_is_what_it_was_when_its_check_began(monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    """Saved again while it is judged, it has changed since."""
    file = kept.with_name("answer.py")
    file.write_text("first")

    def judge(file: Path) -> Outcome:
        file.write_text("second")
        return Outcome(True, "", "")

    fake = replace(CHECKS[THREE_AM], judge=judge, file=str(file))
    monkeypatch.setattr("lab.checks.command.find_checks", lambda _: [fake])
    monkeypatch.setattr(type(fake), "path", file)
    assert lab("check", NIGHT)[0] == 0
    file.write_text("first")
    assert store.kept().checks[THREE_AM].file == store.digest(file)
