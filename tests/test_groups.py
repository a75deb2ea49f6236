"""The harness itself: what is missing is said, every test has a group, and no file falls through."""

import os
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
from support.groups import REST, Lock, changed_since, group_of, groups, locks
from support.pages import course_pages, lessons_of

from engine import docker
from engine.core import ROOT, UserError


def pytest_on(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of this repository in a process of its own."""
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words)
    return subprocess.run(command, cwd=folder, env=os.environ | env, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("what", "test", "env"),
    [
        ("engine", "tests/test_01_intro.py", {"LAB_ENGINE": "no"}),
        ("engine", "tests/test_01_intro.py", {"DOCKER_HOST": "unix:///nowhere.sock"}),
    ],
)
@pytest.mark.slow
def test_what_is_required_and_missing_is_one_line(what: str, test: str, env: dict[str, str]) -> None:
    done = pytest_on(ROOT, test, **{"REQUIRE": what, **env})
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("ERROR")]
    assert done.returncode == 4 and len(said) == 1
    assert said[0].startswith(f"ERROR: REQUIRE={what}, but there is none: ")


@pytest.mark.slow
def test_it_is_one_line_from_several_processes_too() -> None:
    """As `make test` and CI run them."""
    words = ("-n", "2", "--dist", "loadscope", "tests/test_01_intro.py")
    done = pytest_on(ROOT, *words, REQUIRE="engine", LAB_ENGINE="no")
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 4 and "ERROR: REQUIRE=engine, but there is none: LAB_ENGINE=no" in said
    assert not any("INTERNALERROR" in line for line in said)


@pytest.mark.slow
def test_a_folder_without_git_is_one_line() -> None:
    done = pytest_on(ROOT, "-n", "2", "--records", "tests/test_lint.py", GIT_DIR="/nowhere", PROVE="0", RECORD="0")
    said = (done.stdout + done.stderr).splitlines()
    assert done.returncode == 4 and "ERROR: git knows no commit of this folder: run the tests in a clone" in said
    assert not any("INTERNALERROR" in line for line in said)


@pytest.mark.slow
def test_without_require_what_is_missing_is_skipped_by_name() -> None:
    done = pytest_on(ROOT, "tests/test_01_intro.py", "-m", "stack", REQUIRE="", LAB_ENGINE="no")
    assert done.returncode == 0 and "needs a Docker engine: LAB_ENGINE=no" in done.stdout


@pytest.mark.slow
@pytest.mark.stack
def test_a_test_without_an_engine_takes_it_from_no_other() -> None:
    """Those of test_evidence.py set LAB_ENGINE=no; one that needs an engine runs after them all the same."""
    words = ("tests/test_evidence.py", "tests/test_why.py", "-k", "progress_file or holds_a_program or without_a_stack")
    done = pytest_on(ROOT, *words, REQUIRE="")
    assert done.returncode == 0 and "passed" in done.stdout and "skipped" not in done.stdout, done.stdout


@pytest.mark.slow
def test_require_of_something_unknown_is_one_line() -> None:
    done = pytest_on(ROOT, "tests/test_rooms.py", REQUIRE="luck")
    assert done.returncode == 4 and "REQUIRE=luck: there is engine and browser" in done.stdout + done.stderr


@pytest.mark.slow
def test_a_test_that_hangs_is_ended(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import threading\ndef test_it(): threading.Event().wait()\n")
    done = pytest_on(tmp_path, "--timeout", "1")
    assert done.returncode == 1 and "Timeout" in done.stdout


@pytest.mark.slow
def test_a_group_is_run_by_one_process() -> None:
    """Those of no group are spread: with two processes, both have some."""
    words = ("-vv", "-n", "2", "--dist", "loadscope", "--no-loadscope-reorder", "-m", "not stack")
    done = pytest_on(ROOT, *words, "tests/test_offline.py", "tests/test_cli.py", REQUIRE="")
    ran = re.findall(r"^\[(gw\d)\] .* PASSED tests/test_(offline|cli)", done.stdout, re.M)
    assert len({process for process, module in ran if module == "offline"}) == 1, done.stdout
    assert len({process for process, module in ran if module == "cli"}) == 2, done.stdout


@pytest.mark.slow
def test_a_page_is_run_by_one_process() -> None:
    """Its blocks share a shell, also where the page is in no group."""
    words = ("-vv", "-n", "2", "--dist", "loadscope", "--no-loadscope-reorder")
    done = pytest_on(ROOT, *words, "docs/en/missed-runs.md", "docs/en/instructor.md", REQUIRE="")
    ran = re.findall(r"^\[(gw\d)\] .* (?:PASSED|SKIPPED) docs/en/([\w-]+)", done.stdout, re.M)
    assert done.returncode == 0 and len(ran) > 2, done.stdout
    assert len(set(ran)) == len({page for _, page in ran}) == 2, done.stdout


def test_every_tracked_file_is_an_input_of_a_group() -> None:
    """So that no change falls through `make test SINCE=…`."""
    tracked = subprocess.check_output(("git", "ls-files"), cwd=ROOT, text=True).splitlines()
    assert all(pattern != "**" for group in groups() for pattern in group.inputs)
    assert [file for file in tracked if not any(group.depends_on(file) for group in groups())] == []


@pytest.mark.slow
def test_a_test_is_an_input_of_its_own_group() -> None:
    listed = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider"),
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    ).stdout.splitlines()  # fmt: skip
    ids = [line for line in listed if "::" in line]
    assert len(ids) > 500
    assert [id for id in ids if not group_of(id).depends_on(id.split("::")[0])] == []
    assert {group_of(id).name for id in ids} == {group.name for group in groups()}, "a group without a test"


def test_a_change_of_a_lesson_concerns_few_groups() -> None:
    def concerned(file: str) -> set[str]:
        return {group.name for group in groups() if group.depends_on(file)}

    assert concerned("01-intro/app.py") == {"intro", "offline", REST}
    assert concerned("engine/docker.py") == {group.name for group in groups()}


def test_an_unknown_revision_is_one_line() -> None:
    with pytest.raises(UserError, match="git knows no revision 'nowhere'"):
        changed_since("nowhere")


def test_a_lock_is_held_by_one_at_a_time() -> None:
    """Another process waits for it until the one that has it gives it back."""
    name = f"test-{os.getpid()}"
    lock = Lock(name)
    lock.hold(True)
    code = f"from support.groups import Lock; Lock({name!r}).hold(True); print('mine', flush=True)"
    env = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    other = subprocess.Popen((sys.executable, "-c", code), env=env, stdout=subprocess.PIPE, text=True)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(1)
        lock.hold(False)
        assert other.communicate(timeout=30)[0] == "mine\n"
    finally:
        other.kill()
        lock.path.unlink()


def test_pages_that_start_the_same_stack_run_in_turn() -> None:
    """Each takes down what it finds of that stack, also that of a page beside it."""
    held = {(page, lesson) for page in course_pages() for lesson in lessons_of(page.read_text())}
    for lesson in {lesson for _, lesson in held}:
        ids = [f"docs/en/{page.name}::line" for page, theirs in held if theirs == lesson]
        in_one = {group_of(id).name for id in ids}
        locked = [all(any(fnmatch(id, pattern) for pattern in patterns) for id in ids) for patterns in locks().values()]
        assert len(in_one) == 1 or any(locked), f"{lesson}: {ids}"


@pytest.mark.slow
def test_one_shell_runs_the_pages_in_the_order_of_the_course() -> None:
    said = pytest_on(ROOT, "--one-shell", "--collect-only", "docs/en").stdout
    pages = list(dict.fromkeys(re.findall(r"^docs/en/([\w-]+\.md)::", said, re.M)))
    assert pages == [page.name for page in course_pages() if "```console" in page.read_text()]


@pytest.mark.parametrize(
    ("said", "times"), [([docker.NOT_STARTED, docker.NOT_STARTED, ""], 3), (["no such container"], 1)]
)
def test_a_command_that_never_began_is_run_again(said: list[str], times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine of a busy machine may fail to start the process of an `exec`."""
    monkeypatch.setattr(docker, "PAUSES", (0, 0, 0, 0))
    runs = (subprocess.CompletedProcess([], 1, "", words) for words in said)
    assert docker.started(lambda: next(runs)).stderr == said[times - 1]
    assert list(runs) == []
