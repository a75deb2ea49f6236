"""The front door: `make help`, `lab up` and `lab down`, and what they say when something is in the way."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import engine, up
from lab.engine import ROOT, Trouble

Lab = Callable[..., "subprocess.CompletedProcess[str]"]
MADE = shutil.ignore_patterns(".git", ".venv", ".cache", ".*_cache", "__pycache__", "dist", "site")


@pytest.fixture
def port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the repository that a test may edit."""
    return Path(shutil.copytree(ROOT, tmp_path / "course", ignore=MADE))


@pytest.fixture
def lab(checkout: Path, port: int) -> Iterator[Lab]:
    """`lab up` and `lab down` in that copy, without Docker, on a free port."""

    def run(command: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        program = (sys.executable, "-c", f"from lab.up import *; {command}()")
        env = os.environ | {"LAB_ENGINE": "no", "LAB_PORT": str(port)} | environment
        return subprocess.run(program, cwd=checkout, env=env, capture_output=True, text=True, timeout=90)

    yield run
    run("down")


def page(port: int, path: str = "") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
        return str(answer.read().decode())


def edit(checkout: Path, port: int) -> None:
    """Edit a page and wait until the site shows it."""
    with (checkout / "docs/en/index.md").open("a") as file:
        file.write("\n\nThe page was edited.\n")
    deadline = time.monotonic() + 30
    while "The page was edited." not in page(port):
        assert time.monotonic() < deadline, "the edited page did not show"
        time.sleep(0.2)


def test_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.M)
    assert phony
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^make ([a-z-]+) +\S", listed, re.M) == phony[1].split()


@pytest.mark.parametrize("text", ["http", "0", "65536", "-1", "80 80"])
def test_a_port_must_be_a_number(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_PORT", text)
    with pytest.raises(Trouble, match=f"LAB_PORT={text} is not a port: .* LAB_PORT=8001 make up"):
        up.chosen_port()


def test_a_taken_port_is_named_with_its_holder(port: int) -> None:
    up.require_port(port)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        with pytest.raises(Trouble) as trouble:
            up.require_port(port)
    line = str(trouble.value)
    assert re.fullmatch(rf"port {port} is taken by .*: stop it, or choose another: LAB_PORT={port + 1} make up", line)
    if Path("/proc/net/tcp").exists():
        assert "(process " in line


def test_too_little_disk_is_said_in_one_line(tmp_path: Path) -> None:
    engine.require_space(tmp_path / "not" / "there yet", 0)
    with pytest.raises(Trouble, match=r"GB free on the disk of /.*, 1e\+06 are needed: docker system prune --all"):
        engine.require_space(tmp_path, 1e6)


def test_a_failed_step_names_its_log() -> None:
    with pytest.raises(Trouble, match=r"sample failed: no such thing; the whole log: cat \.cache/sample\.log"):
        engine.run("sh", "-c", "echo working; echo no such thing >&2; exit 3", log="sample")
    (engine.CACHE / "sample.log").unlink()


def test_without_an_engine_the_course_is_served_from_the_environment(lab: Lab, checkout: Path, port: int) -> None:
    first = lab("up")
    assert first.returncode == 0, first.stderr
    assert f"http://localhost:{port}" in first.stdout and "lab doctor" in first.stdout
    assert "Docker does not run here" in first.stdout
    assert "<title>Beyond Cron" in page(port)
    again = lab("up")
    assert again.returncode == 0 and "starting" not in again.stdout
    edit(checkout, port)
    started = time.monotonic()
    assert lab("down").stdout == "The course is stopped.\n"
    assert time.monotonic() - started < 3
    assert lab("down").stdout == "The course was not running.\n"
    up.require_port(port)


def test_a_taken_port_leaves_the_running_course_alone(lab: Lab, port: int) -> None:
    lab("up")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        refused = lab("up", LAB_PORT=str(listener.getsockname()[1]))
    assert refused.returncode == 1 and refused.stdout == "" and refused.stderr.count("\n") == 1
    assert "is taken by" in refused.stderr
    assert "<title>Beyond Cron" in page(port)


def test_a_site_that_does_not_build_is_said_with_its_log(lab: Lab, checkout: Path, port: int) -> None:
    (checkout / "mkdocs.yml").write_text("site_name: [")
    failed = lab("up")
    assert failed.returncode == 1
    assert failed.stderr == f"the course does not answer on port {port}: cat .cache/site.log\n"


@pytest.mark.stack
def test_a_daemon_that_does_not_answer_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.delenv("LAB_ENGINE", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    with pytest.raises(Trouble) as trouble:
        engine.ready()
    line = str(trouble.value)
    assert line.startswith(f"no Docker daemon answers at DOCKER_HOST=tcp://127.0.0.1:{port} (")
    assert "unset DOCKER_HOST" in line and "LAB_ENGINE=no make up" in line and "\n" not in line


@pytest.mark.stack
def test_plain_compose_serves_the_course_and_shows_an_edited_page(
    checkout: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_PORT", str(port))
    compose = ["docker", "compose", "--project-directory", str(checkout), "--project-name", f"beyond-cron-{port}"]
    try:
        subprocess.run([*compose, "up", "--detach", "--wait"], check=True, capture_output=True)
        assert "<title>Beyond Cron" in page(port)
        edit(checkout, port)
        inside = subprocess.run(
            [*compose, "exec", "site", "sh", "-c", "id -un; touch /course/x"], capture_output=True, text=True
        )
        assert inside.stdout.strip() == "reader" and "Read-only file system" in inside.stderr
        with pytest.raises(Trouble, match=f"taken by the container beyond-cron-{port}-site-1"):
            up.require_port(port)
    finally:
        started = time.monotonic()
        subprocess.run([*compose, "down"], check=True, capture_output=True)
    assert time.monotonic() - started < 2
