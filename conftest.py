"""Run every `console` block of the pages, in order, in one shell for each page; skip what this machine cannot run."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

ROOT = Path(__file__).parent
STEP = re.compile(r"^\$ (?P<command>.*(?:\n> .*)*)(?P<output>(?:\n(?!\$ ).*)*)", re.M)
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
END = "--- end of output, exit code "
# Commands that only read may be early (a tick of cron, a health check): they are repeated until they match.
READS = re.compile(
    r"(docker (exec \S+ (cat|tail|grep|ls|sh -c 'cat)|logs|ps|inspect|compose (ps|logs))|cat|tail|grep|ls|curl"
    r"|(\.venv/bin/)?prefect \S+ (ls|inspect|logs)|runs)\b"  # of 03-prefect, whose pages define `runs`
)
READ_DEADLINE = 100  # seconds; a job of every minute may be 60 away
COMMAND_TIMEOUT = 600  # seconds
NEEDS_TIME = re.compile(r"^\s*\$ make (etl|start-server)\b", re.M)
NEEDS_DOCKER = re.compile(r"^\s*\$ .*(\bdocker\b|\blab check\b|\bmake up\b)", re.M)

# A shell that starts pytest in the background makes it, and all that it starts, deaf to Ctrl-C, which some tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)

executed: Counter[str] = Counter()


def clean() -> None:
    """Take down what any lesson left running, so that no page sees another's leftovers."""
    for compose in sorted(ROOT.glob("0*/docker-compose.yml")):
        subprocess.run(
            ["docker", "compose", "--file", compose, "down", "--volumes", "--remove-orphans", "--timeout", "1"],
            capture_output=True,
            check=False,
        )


def clean_host() -> None:
    """The same for lesson 03 without Docker, whose server would keep its port after a page that failed."""
    lesson = ROOT / "03-prefect"
    if (lesson / ".local").exists() and (lesson / ".venv").exists():
        subprocess.run(["make", "--directory", lesson, "clean"], capture_output=True, check=False)


def open_shell(namespace: dict[str, Any]) -> None:
    if shutil.which("docker"):
        clean()
    drop = {"COMPOSE_FILE", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    env = {key: value for key, value in os.environ.items() if key not in drop}
    env |= {"PATH": f"{Path(sys.executable).parent}:{env['PATH']}", "TERM": "dumb"}
    namespace["shell"] = subprocess.Popen(
        ["bash", "--noprofile", "--norc"],
        cwd=ROOT,
        env=env,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def close_shell(namespace: dict[str, Any]) -> None:
    namespace["shell"].communicate(timeout=60)
    clean_host()
    if shutil.which("docker"):
        clean()


def run(shell: "subprocess.Popen[str]", command: str) -> tuple[str, int]:
    """Run a command in the page's shell; return what it printed, without colours, and its exit code."""
    assert shell.stdin and shell.stdout
    shell.stdin.write(f"{{ {command}\n}} </dev/null\n(code=$?; echo; echo '{END}'$code; exit $code)\n")
    shell.stdin.flush()
    watchdog = threading.Timer(COMMAND_TIMEOUT, shell.kill)
    watchdog.start()
    lines: list[str] = []
    for line in iter(shell.stdout.readline, ""):
        if line.startswith(END):
            watchdog.cancel()
            return ANSI.sub("", "".join(lines)).strip("\n"), int(line.removeprefix(END))
        lines.append(line)
    raise AssertionError(
        f"$ {command}\nthe shell ended, or the command took over {COMMAND_TIMEOUT} s\n{''.join(lines)}"
    )


def console(example: Example) -> None:
    """Run the steps of one block and compare; `...` is the only wildcard, no expected output means exit code 0."""
    for step in STEP.finditer(example.parsed):
        command = step["command"].replace("\n> ", "\n")
        expected = step["output"].strip("\n")
        pattern = re.compile(".*".join(map(re.escape, expected.split("..."))), re.S)
        deadline = time.monotonic() + (READ_DEADLINE if READS.match(command) else 0)
        while True:
            actual, code = run(example.namespace["shell"], command)
            if pattern.fullmatch(actual) if expected else code == 0:
                break
            assert time.monotonic() < deadline, f"$ {command}\n--- expected\n{expected}\n--- got, exit {code}\n{actual}"
            time.sleep(1)
        executed[str(Path(example.path).relative_to(ROOT))] += 1


pytest_collect_file = Sybil(
    parsers=[CodeBlockParser("console", console), SkipParser()],
    pattern="*.md",
    exclude="exercises.md",  # a page of tests/pages, made for the browser
    setup=open_shell,
    teardown=close_shell,
).pytest()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the pages that use Docker or take long; fast tests go first, so that a slip is seen at once."""
    for item in items:
        if item.path.suffix == ".md" and NEEDS_DOCKER.search(item.path.read_text()):
            item.add_marker("stack")
        if item.path.suffix == ".md" and NEEDS_TIME.search(item.path.read_text()):
            item.add_marker("clock")
    items.sort(key=lambda item: item.get_closest_marker("stack") is not None)


@cache
def engine_trouble() -> str:
    """Why no Docker engine can be used here; empty when one answers."""
    if os.environ.get("LAB_ENGINE") == "no":
        return "LAB_ENGINE=no"
    if not shutil.which("docker"):
        return "docker is not installed"
    asked = subprocess.run(["docker", "compose", "ls"], capture_output=True, text=True, check=False)
    return (asked.stderr.strip().splitlines() or ["no reason given"])[-1] if asked.returncode else ""


@cache
def browser_trouble() -> str:
    """Why no browser can be driven here; empty when one can."""
    if not Path("/usr/bin/chromium").exists():
        return "apt-get install chromium"
    asked = subprocess.run([sys.executable, "-m", "playwright", "--version"], capture_output=True, check=False)
    return "Playwright does not start, apt-get install libatomic1" if asked.returncode else ""


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("stack") and (reason := engine_trouble()):
        pytest.skip(f"needs a Docker engine: {reason}")
    if item.get_closest_marker("browser") and (reason := browser_trouble()):
        pytest.skip(f"needs a browser: {reason}")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Count the commands that ran, for each page."""
    if executed:
        pages = ", ".join(f"{page} {count}" for page, count in sorted(executed.items()))
        terminalreporter.write_line(f"console commands executed: {executed.total()} ({pages})")
