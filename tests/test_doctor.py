"""What `lab doctor` sees: real sockets, files, repositories and a daemon that is not there."""

import socket
import subprocess
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from lab import doctor

COMMAND = typer.Typer(add_completion=False)
COMMAND.command()(doctor.doctor)


@pytest.fixture
def no_daemon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    host = f"unix://{tmp_path}/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", host)
    return host


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_dead_socket(no_daemon: str) -> None:
    found = doctor.engine()
    assert found.state == "bad"
    assert found.seen in (f"no daemon at DOCKER_HOST={no_daemon}", "docker is not installed")


def test_without_docker_it_says_what_works(no_docker: None) -> None:
    result = CliRunner().invoke(COMMAND)
    assert result.exit_code == 1
    assert "docker is not installed" in result.output
    assert doctor.WITHOUT_DOCKER in result.output
    assert "Python" in result.output and "container clock" not in result.output


@pytest.mark.stack
def test_with_docker_nothing_must_be_fixed() -> None:
    found = {finding.name: finding for finding in doctor.findings()}
    assert {finding.name for finding in found.values() if finding.state == "bad"} == set()
    assert found["container clock"].state in ("ok", "note")
    assert list(found) == [
        *("engine", "compose", "port 8000", "port 4200", "memory", "disk", "architecture", "line endings", "clock"),
        *("container clock", "time zones", "Python"),
    ]


@pytest.mark.parametrize(
    ("said", "state"), [("2.19.1", "bad"), ("2.20.0", "ok"), ("v2.26.1-4", "ok"), ("5.0.0", "ok"), ("", "bad")]
)
def test_compose_is_new_enough(said: str, state: str) -> None:
    assert doctor.compose(said).state == state


def test_a_free_port_and_a_taken_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        found = doctor.port(number, "the course")
        assert (found.name, found.state, found.seen) == (f"port {number}", "note", "taken, and it is for the course")
    assert doctor.port(number, "the course").state == "ok"


def test_a_port_taken_by_the_course_itself() -> None:
    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<title>Beyond Cron</title>")

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Site) as site:
        threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        found = doctor.port(site.server_port, "the course")
        site.shutdown()
    assert (found.state, found.seen) == ("ok", "the course answers")


def test_space(tmp_path: Path) -> None:
    assert doctor.disk(tmp_path, needed=0).state == "ok"
    assert doctor.disk(tmp_path, needed=10**9).fix == "1e+09 GB are needed: docker system prune --all"


@pytest.mark.parametrize(("gigabytes", "state"), [(1.9, "note"), (8.3, "ok")])
def test_memory(gigabytes: float, state: str) -> None:
    assert doctor.memory(gigabytes).state == state


@pytest.mark.parametrize(("machine", "state"), [("x86_64", "ok"), ("ARM64", "ok"), ("riscv64", "note")])
def test_architecture(machine: str, state: str) -> None:
    assert doctor.architecture(machine).state == state


@pytest.mark.parametrize("tracked", [True, False])
def test_crlf_in_a_lesson(tmp_path: Path, tracked: bool) -> None:
    lesson = tmp_path / "02-cron"
    lesson.mkdir()
    (lesson / "image.png").write_bytes(b"\0\r\n")
    (lesson / "crontab.txt").write_bytes(b"* * * * * /x\n")
    (tmp_path / "notes.txt").write_bytes(b"not a lesson\r\n")
    git = ["git", "-C", str(tmp_path)]
    if tracked:
        subprocess.run([*git, "init", "--quiet"], check=True)
        subprocess.run([*git, "config", "core.autocrlf", "false"], check=True)
        subprocess.run([*git, "add", "--all"], check=True)
    assert doctor.line_endings(tmp_path).state == "ok"
    (lesson / "crontab.txt").write_bytes(b"* * * * * /x\r\n")
    found = doctor.line_endings(tmp_path)
    assert (found.state, found.seen) == ("bad", "CRLF in 02-cron/crontab.txt: cron chokes on it")
    if tracked:
        (lesson / "crontab.txt").write_bytes(b"* * * * * /x\n")
        subprocess.run([*git, "config", "core.autocrlf", "true"], check=True)
        assert doctor.line_endings(tmp_path).fix == "git config core.autocrlf input"


def test_the_fix_for_crlf_works(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    (tmp_path / "02-cron").mkdir()
    crontab = tmp_path / "02-cron" / "crontab.txt"
    (tmp_path / ".gitattributes").write_text("* text=auto eol=lf\n")
    crontab.write_bytes(b"* * * * * /x\n")
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "as shipped"]):
        subprocess.run([*git, *words], check=True)
    crontab.write_bytes(b"* * * * * /x\r\n")
    repair = doctor.line_endings(tmp_path).fix.partition(": ")[2]
    subprocess.run(repair, shell=True, check=True, cwd=tmp_path, capture_output=True)
    assert crontab.read_bytes() == b"* * * * * /x\n"


@pytest.mark.parametrize(("year", "state"), [(1970, "bad"), (2027, "ok"), (2099, "bad")])
def test_clock(year: int, state: str) -> None:
    assert doctor.clock(datetime(year, 1, 2, tzinfo=UTC)).state == state


def test_zones_are_known() -> None:
    assert doctor.time_zones().state == "ok"
