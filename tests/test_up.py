"""The front door: `make help`, `lab up` and `lab down`, and what they say when something is in the way."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from support.engine import until

from engine import core, docker, images
from engine.core import ROOT, UserError
from lab import up

Lab = Callable[..., "subprocess.CompletedProcess[str]"]
MADE = shutil.ignore_patterns(".git", ".venv", ".local", ".cache", ".*_cache", "__pycache__", "dist", "site")


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
        program = (sys.executable, "-c", f"from lab.cli import app; app(['{command}'])")
        env = os.environ | {"LAB_ENGINE": "no", "LAB_PORT": str(port)} | environment
        return subprocess.run(program, cwd=checkout, env=env, capture_output=True, text=True, timeout=90)

    yield run
    run("down")


def page(port: int, path: str = "") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=60) as answer:  # it waits for a build
        return str(answer.read().decode())


def edit(checkout: Path, port: int) -> None:
    """Edit a page and wait until the site shows it."""
    with (checkout / "docs/en/index.md").open("a") as file:
        file.write("\n\nThe page was edited.\n")
    deadline = time.monotonic() + 120
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
    with pytest.raises(UserError, match=f"LAB_PORT={text} is not a port: .* LAB_PORT=8001 make up"):
        up.chosen_port()


def test_a_taken_port_is_named_with_its_holder(port: int) -> None:
    up.require_port(port)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        listener.listen()
        with pytest.raises(UserError) as trouble:
            up.require_port(port)
    line = str(trouble.value)
    assert re.fullmatch(rf"port {port} is taken by .*: stop it, or choose another: LAB_PORT={port + 1} make up", line)
    if Path("/proc/net/tcp").exists():
        assert "(process " in line


def test_too_little_disk_is_said_in_one_line(tmp_path: Path) -> None:
    docker.require_space(tmp_path / "not" / "there yet", 0)
    with pytest.raises(UserError, match=r"GB free on the disk of /.*, 1e\+06 are needed: docker system prune --all"):
        docker.require_space(tmp_path, 1e6)


def test_a_failed_step_names_its_log() -> None:
    with pytest.raises(UserError, match=r"sample failed: no such thing; the whole log: cat \.cache/sample\.log"):
        core.run("sh", "-c", "echo working; echo no such thing >&2; exit 3", log="sample")
    (core.CACHE / "sample.log").unlink()


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_taken_port_leaves_the_running_course_alone(lab: Lab, port: int) -> None:
    lab("up")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        refused = lab("up", LAB_PORT=str(listener.getsockname()[1]))
    assert refused.returncode == 2 and refused.stdout == "" and refused.stderr.count("\n") == 1
    assert "is taken by" in refused.stderr
    assert "<title>Beyond Cron" in page(port)


@pytest.mark.slow
def test_ctrl_c_during_the_start_leaves_no_server(checkout: Path, port: int) -> None:
    env = os.environ | {"LAB_ENGINE": "no", "LAB_PORT": str(port)}
    command = (sys.executable, "-c", "from lab.cli import app; app(['up'])")
    with subprocess.Popen(command, cwd=checkout, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as lab:
        lock = checkout / ".cache/site.lock"
        assert until(lambda: lock.exists() and lock.read_text() != "", 60)
        lab.send_signal(signal.SIGINT)
        assert lab.wait(60) == 130
    up.require_port(port)


@pytest.mark.slow
def test_a_site_that_does_not_build_is_said_with_its_log(lab: Lab, checkout: Path, port: int) -> None:
    (checkout / "mkdocs.yml").write_text("site_name: [")
    failed = lab("up")
    assert failed.returncode == 2
    assert failed.stderr == f"the course does not answer on port {port}: cat .cache/site.log\n"


@pytest.mark.stack
def test_a_daemon_that_does_not_answer_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.delenv("LAB_ENGINE", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")
    with pytest.raises(UserError) as trouble:
        docker.ready()
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
        with pytest.raises(UserError, match=f"taken by the container beyond-cron-{port}-site-1"):
            up.require_port(port)
    finally:
        started = time.monotonic()
        subprocess.run([*compose, "down"], check=True, capture_output=True)
    assert time.monotonic() - started < 2


@contextmanager
def registry(status: int, code: str, message: str) -> Iterator[str]:
    """A registry on this machine that answers every pull so; yields its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = self.path == "/v2/"
            body = b"{}" if good else f'{{"errors": [{{"code": "{code}", "message": "{message}"}}]}}'.encode()
            self.send_response(200 if good else status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def rude(monkeypatch: pytest.MonkeyPatch) -> Iterator[images.Image]:
    """The warehouse's image, from a registry that has had too many pulls; this machine cannot build a stand-in."""
    with registry(429, "TOOMANYREQUESTS", "You have reached your unauthenticated pull rate limit.") as address:
        image = images.Image(f"{address}/warehouse", "26.8", "clickhouse", 950)
        monkeypatch.setattr(images, "TABLE", images.TABLE | {image.name: image})
        monkeypatch.setattr(images, "BASES", [images.PYTHON, image.name, images.POSTGRES])
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        yield image


@pytest.mark.stack
def test_a_registry_that_refuses_one_image_does_not_keep_the_course_from_being_served(
    rude: images.Image, port: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The site comes first; the image that is missing is named once, with the reason and what helps."""
    project = f"beyond-cron-{port}"
    monkeypatch.setattr(up, "PROJECT", project)
    for name, value in {"COMPOSE_PROJECT_NAME": project, "LAB_PORT": str(port)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("LAB_ENGINE", raising=False)
    monkeypatch.setattr(images, "ensure_stack", lambda stack: None)  # those of the lessons have tests of their own
    try:
        up.up()
        assert "<title>Beyond Cron" in page(port)
        said = capfd.readouterr().out
        assert (
            said.index("The course is at") < said.index(f"pulling {rude.name}, about 950 MB") < said.index("What next")
        )
        [line] = [line for line in said.splitlines() if line.startswith("Not ready yet: ")]
        assert line.startswith(
            f"Not ready yet: the registry gives no {rude.name} now (toomanyrequests: You have reached"
        )
        assert "docker login, then make images, or load a class bundle" in line
    finally:
        subprocess.run(["docker", "compose", "down"], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.stack
def test_what_cannot_be_had_is_one_error_with_a_line_for_each(
    rude: images.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make images` tries all of them first; a registry that does not know the image is another reason."""
    tried: list[Path] = []
    monkeypatch.setattr(images, "ensure_stack", tried.append)
    with registry(404, "MANIFEST_UNKNOWN", "manifest unknown") as address:
        stranger = images.Image(f"{address}/nothing", "1.0", "redis", 1)
        monkeypatch.setattr(images, "TABLE", images.TABLE | {stranger.name: stranger})
        monkeypatch.setattr(images, "BASES", [*images.BASES, stranger.name])
        with pytest.raises(UserError) as trouble:
            images.ensure_all()
    limit, unknown = str(trouble.value).splitlines()
    assert limit.startswith(f"the registry gives no {rude.name} now (toomanyrequests")
    assert unknown.startswith(f"no registry gives {stranger.name} (manifest unknown), and only root on Debian can")
    assert tried == images.stacks()


def test_an_official_image_takes_the_place_of_its_stand_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was built on the stand-in is forgotten. No registry answers here: that it gives the image is assumed."""
    monkeypatch.setattr(images, "BASES", [images.PYTHON])
    monkeypatch.setattr(images, "stand_in", lambda name: "Debian's Python")
    monkeypatch.setattr(images, "pull", lambda name: "")
    monkeypatch.setattr(images, "CACHE", tmp_path)
    (tmp_path / "built").mkdir()
    assert images.replace_stand_ins() == {}
    assert not (tmp_path / "built").exists()
    said = "".join(capsys.readouterr())
    assert said.startswith(f"{images.PYTHON} is the official image now") and "docker compose down --volumes" in said


@pytest.mark.stack
def test_a_stand_in_stays_where_the_registry_still_refuses(rude: images.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make images` asks again for what a stand-in stands for, and `make real` refuses it in one line."""
    monkeypatch.setattr(images, "BASES", [rude.name])
    monkeypatch.setattr(shutil, "rmtree", lambda *words, **more: pytest.fail("what is built on it stays as it is"))
    recipe = f'FROM {images.PYTHON}\nLABEL beyond-cron.stand-in="made by a test"\n'
    subprocess.run(["docker", "build", "-qt", rude.name, "-"], input=recipe, text=True, check=True, capture_output=True)
    try:
        assert images.stand_in(rude.name) == "made by a test"
        assert list(images.replace_stand_ins()) == [rude.name]
        with pytest.raises(
            UserError, match=f"make real needs the official images, and no registry gives {rude.name} here"
        ):
            images.require_official()
    finally:
        subprocess.run(["docker", "image", "rm", rude.name], check=True, capture_output=True)
