"""How the tests are run: pages as tests, groups side by side, and nothing green because it was skipped."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import pages
from support.groups import Lock, changed_since, group_of, groups, locks, scope_of
from support.pages import COMMAND_DEADLINE, close_shell, console, course_pages, executed
from support.records import Record, all_records, proving, recording, write
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser
from xdist.scheduler import LoadScopeScheduling

from engine.core import CACHE, UserError
from lab.checks.registry import all_checks

# A shell that starts pytest in the background makes it, and all that it starts, deaf to Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# What tests and pages check is nobody's progress.
CACHE.mkdir(exist_ok=True)
os.environ.setdefault("LAB_PROGRESS", str(CACHE / "progress-of-tests.json"))

pytest_collect_file = Sybil(
    parsers=[CodeBlockParser("console", console), SkipParser()],
    pattern="*.md",
    exclude="tests/pages/*.md",  # made for the browser
    teardown=close_shell,
).pytest()

held = {name: Lock(name) for name in locks()}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--group", action="append", choices=[group.name for group in groups()], help="of tests/groups.toml"
    )
    parser.addoption(
        "--since", metavar="REVISION", help="only groups whose inputs have changed since a revision of git"
    )
    parser.addoption("--records", action="store_true", help="leave out what has passed with the same inputs")
    parser.addoption(
        "--one-shell", action="store_true", help="pages in the order of the course, and nothing cleaned up between them"
    )


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark pages by what they need, choose groups and records, and put them in the order of groups.toml."""
    for item in items:
        if item.path.suffix == ".md":
            mark_page(item)
        if needs("time-lapse", item) or group_of(item.nodeid).name == "contrast-checks":
            item.add_marker("time_lapse")
    chosen = set(config.getoption("group") or (group.name for group in groups()))
    if revision := config.getoption("since"):
        try:
            changed = changed_since(revision)
        except UserError as error:
            raise pytest.UsageError(str(error)) from None
        chosen &= {group.name for group in groups() if any(map(group.depends_on, changed))}
    counting = records_that_count(config)
    runs = {
        item.nodeid: group_of(item.nodeid).name in chosen and not any(record.has(item.nodeid) for record in counting)
        for item in items
    }
    config.hook.pytest_deselected(items=[item for item in items if not runs[item.nodeid]])
    order = {group.name: number for number, group in enumerate(groups())}
    course = {str(page): number for number, page in enumerate(course_pages())}
    pages.clean_up = not config.getoption("one_shell")

    def place(item: pytest.Item) -> tuple[int, int]:
        group = 0 if config.getoption("one_shell") else order[group_of(item.nodeid).name]
        return group, course.get(str(item.path), -1)

    items[:] = sorted((item for item in items if runs[item.nodeid]), key=place)


def records_that_count(config: pytest.Config) -> list[Record]:
    """The records whose tests need not run now."""
    if not config.getoption("records"):
        return []
    try:
        return [record for record in all_records() if record.counts()]
    except subprocess.CalledProcessError:
        raise pytest.UsageError("git knows no commit of this folder: run the tests in a clone") from None


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a whole group or page to one process. (xdist's loadgroup wants node ids that pytest 9.2 does not keep.)"""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


def mark_page(item: pytest.Item) -> None:
    """A page needs what its commands need, and as much time as the longest of them may take."""
    text = item.path.read_text()
    item.add_marker(pytest.mark.timeout(COMMAND_DEADLINE + 60))
    item.add_marker("slow")
    checked = re.findall(r"^ *\$ lab check (?:--[\w-]+ )*(\S*)", text, re.M)
    needs_docker = any(name not in without_docker() for name in checked)
    if needs_docker or any(word in text for word in ("$ docker ", "$ make up", "$ make contrast")):
        item.add_marker("stack")
    if "$ make etl" in text or "$ make start-server" in text:
        item.add_marker("clock")


@cache
def without_docker() -> set[str]:
    """The exercises whose checks need no engine."""
    return {id for id, check in all_checks().items() if not check.needs_docker}


@cache
def missing(what: str) -> str:
    """Why there is no engine or no browser that can be used; empty when there is one."""
    return engine_trouble() if what == "engine" else browser_trouble()


def engine_trouble() -> str:
    if os.environ.get("LAB_ENGINE") == "no":
        return "LAB_ENGINE=no"
    if not shutil.which("docker"):
        return "docker is not installed"
    asked = subprocess.run(["docker", "compose", "ls"], capture_output=True, text=True, check=False, timeout=60)
    return (asked.stderr.strip().splitlines() or ["no reason given"])[-1] if asked.returncode else ""


def browser_trouble() -> str:
    if not Path("/usr/bin/chromium").exists():
        return "apt-get install chromium"
    command = [sys.executable, "-m", "playwright", "--version"]
    asked = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return "Playwright does not start, apt-get install libatomic1" if asked.returncode else ""


NEEDS = {"stack": "engine", "browser": "browser"}  # marker → what a test with it needs


def require(wanted: Callable[[str], bool]) -> None:
    """Raise UsageError, one line, when REQUIRE names something that is wanted and that this machine has not."""
    for what in filter(None, os.environ.get("REQUIRE", "").split(",")):
        marker = next((marker for marker, need in NEEDS.items() if need == what), None)
        if marker is None:
            raise pytest.UsageError(f"REQUIRE={what}: there is {' and '.join(NEEDS.values())}")
        if wanted(marker) and (reason := missing(what)):
            raise pytest.UsageError(f"REQUIRE={what}, but there is none: {reason}")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where several processes run the tests, only they know which: all kinds are wanted that -m does not leave out."""
    if session.config.getoption("numprocesses"):
        records_that_count(session.config)  # or its trouble would be theirs, with a traceback each
        require(lambda marker: f"not {marker}" not in session.config.getoption("markexpr"))


def pytest_collection_finish(session: pytest.Session) -> None:
    """Where one process runs them, what is wanted is what they need."""
    needed = {marker for marker in NEEDS if any(item.get_closest_marker(marker) for item in session.items)}
    for marker in needed:  # now, before a test takes the engine away from itself
        missing(NEEDS[marker])
    if not hasattr(session.config, "workerinput"):  # those of several have been asked for in the beginning
        require(needed.__contains__)


def pytest_sessionfinish() -> None:
    if pages.terminal:
        pages.terminal.shell.close()


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker, what in NEEDS.items():
        if item.get_closest_marker(marker) and (reason := missing(what)):
            pytest.skip(f"needs {'a Docker engine' if what == 'engine' else 'a browser'}: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """Hold the locks of a test until the end of its file, so that other groups get their turn."""
    for name, lock in held.items():
        if needs(name, item):
            lock.hold(True)
    try:
        return (yield)
    finally:
        for name, lock in held.items():
            lock.hold(
                nextitem is not None and nextitem.path == item.path and needs(name, item) and needs(name, nextitem)
            )


def needs(lock: str, item: pytest.Item) -> bool:
    """Whether a test holds what a lock stands for."""
    return any(fnmatch(item.nodeid, pattern) for pattern in locks()[lock])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Send with the report what only the process that ran the test knows: its group, and the commands it ran."""
    if call.when == "call":
        item.user_properties += [("group", group_of(item.nodeid).name), ("commands", list(executed))]
        executed.clear()
    return (yield)


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int) -> None:
    """Say how long each group took, how many commands of each page ran, and in a proof what the tests measured.

    The times are kept in .cache/durations.json, and what the commands printed in .cache/outputs.json.
    """
    seconds: Counter[str] = Counter()
    tests: Counter[str] = Counter()
    passed: dict[str, bool] = {}
    commands: list[tuple[str, int, str, str]] = []
    for report in (one for of in terminalreporter.stats.values() for one in of if hasattr(one, "duration")):
        group = group_of(report.nodeid).name
        seconds[group] += report.duration
        tests[report.nodeid] += report.duration
        passed[report.nodeid] = passed.get(report.nodeid, True) and report.passed
        if report.when == "call":
            commands += dict(report.user_properties).get("commands", [])
            if proving() and report.nodeid.startswith("tests/") and report.passed and report.capstdout.strip():
                terminalreporter.write_line(f"{report.nodeid}\n{textwrap.indent(report.capstdout.strip(), '  ')}")
    options = terminalreporter.config
    if recorded := records_that_count(options):
        names = ", ".join(record.name for record in recorded)
        terminalreporter.write_line(f"not run again, since they passed with the same inputs: {names}")
    part = options.getoption("keyword") or options.getoption("markexpr") or any("::" in word for word in options.args)
    whole = not part and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)  # not stopped in the middle
    if options.getoption("records") and recording() and whole:
        terminalreporter.write_line(f"written to tests/records/passed.json: {', '.join(write(passed)) or 'none'}")
    if commands:
        counts = Counter(page for page, *_ in commands)
        pages = ", ".join(f"{page} {count}" for page, count in sorted(counts.items()))
        terminalreporter.write_line(f"console commands executed: {counts.total()} ({pages})")
        keep_outputs(commands)
    if seconds:
        terminalreporter.write_line(
            "seconds: " + ", ".join(f"{name} {took:.0f}" for name, took in seconds.most_common())
        )
        CACHE.mkdir(exist_ok=True)
        kept = {"groups": seconds, "tests": tests}
        rounded = {what: {name: round(took, 1) for name, took in of.most_common()} for what, of in kept.items()}
        (CACHE / "durations.json").write_text(json.dumps(rounded, indent=1) + "\n")


def keep_outputs(commands: list[tuple[str, int, str, str]]) -> None:
    """Keep what each block of these pages printed, for `make outputs`, beside that of pages which did not run now."""
    printed: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for page, line, command, output in commands:
        printed.setdefault(page, {}).setdefault(str(line), []).append((command, output))
    file = CACHE / "outputs.json"
    kept = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(kept | printed, indent=1) + "\n")
