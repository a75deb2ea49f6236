"""What `lab doctor` sees: real sockets, files and repositories; engines that are not here give recorded answers."""

import json
import os
import re
import socket
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from engine.core import ROOT
from engine.system import COMMANDS, install, install_compose
from lab.doctor import command, containers, engine, machine
from lab.doctor.finding import Finding

COMMAND = typer.Typer(add_completion=False)
COMMAND.command()(command.doctor)

# What `docker info` of a real engine says, as far as the doctor asks.
INFO = {
    "ServerVersion": "26.1.5+dfsg1", "OperatingSystem": "Debian GNU/Linux 13 (trixie)", "OSType": "linux",
    "Architecture": "x86_64", "NCPU": 2, "MemTotal": 25278443520, "Name": "laptop", "DockerRootDir": "/var/lib/docker",
    "SecurityOptions": ["name=seccomp,profile=builtin"], "ServerErrors": None,
}  # fmt: skip
CPUINFO = "processor\t: 0\nmodel name\t: a processor\nflags\t\t: fpu sse4_2 avx avx2 bmi2\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 atomics asimddp\n"
HERE = {
    "version --format": "26.1.5",
    "version": "Client: Docker Engine",
    "info --format {{json .}}": json.dumps(INFO),
    "compose version": "2.26.1-4",
    "image inspect --format {{.Id}}": "sha256:1",
    "image inspect": "",
    "run": CPUINFO,
    "ps": "",
    "ps --filter": "",
}
GIBIBYTE = 2**30
Canned = Callable[..., None]


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Canned:
    """A `docker` that gives recorded answers: those of HERE, but for some commands, which begin so, others.

    The clock of its engine is `away` seconds from this machine's.
    """
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for variable in ("CLICKHOUSE", "LAB_PORT", "PREFECT_PORT"):
        monkeypatch.delenv(variable, raising=False)

    def answer(away: float = 0, info: dict[str, object] | None = None, others: dict[str, str] | None = None) -> None:
        answers = HERE | {"info --format {{json .}}": json.dumps(INFO | (info or {}))} | (others or {})
        cases = [f"'info --format {{{{.SystemTime}}}}') exec date --utc --date '{away} seconds' +%FT%T.%NZ ;;"]
        for number, (beginning, text) in enumerate(sorted(answers.items(), reverse=True)):  # the longer ones first
            (tmp_path / f"answer-{number}").write_text(f"{text}\n")
            cases.append(f"'{beginning}'*) exec cat {tmp_path}/answer-{number} ;;")
        program = tmp_path / "docker"
        program.write_text("\n".join(["#!/bin/sh", 'case "$*" in', *cases, "*) exit 64 ;;", "esac", ""]))
        program.chmod(0o755)

    return answer


def found() -> dict[str, Finding]:
    return {finding.name: finding for finding in command.findings()}


def taken() -> socket.socket:
    """A port that is taken by something that answers nobody."""
    other = socket.socket()
    other.bind(("127.0.0.1", 0))
    return other


def on(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("engine.system", "lab.doctor.engine"):
        monkeypatch.setattr(f"{module}.system", lambda: system)


@pytest.fixture
def no_daemon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    host = f"unix://{tmp_path}/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", host)
    return host


@pytest.fixture
def no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_dead_socket(no_daemon: str) -> None:
    seen = engine.answers()
    assert seen.state == "bad"
    assert seen.seen in (f"no daemon at DOCKER_HOST={no_daemon}", "docker is not installed")


def test_without_docker_it_says_what_works(no_docker: None) -> None:
    result = CliRunner().invoke(COMMAND)
    assert result.exit_code == 1
    assert "docker is not installed" in result.output
    assert command.WITHOUT_DOCKER in result.output
    assert "Python" in result.output and "engine clock" not in result.output


@pytest.mark.stack
def test_with_docker_nothing_must_be_fixed() -> None:
    seen = found()
    assert {name for name, finding in seen.items() if finding.state == "bad"} == set()
    assert list(seen) == [
        *("engine", "compose", "memory", "processor", "engine clock", "images", "container names", "credentials"),
        *("port 8000", "port 4200", "disk", "architecture", "line endings", "clock", "time zones", "Python"),
    ]
    assert seen["processor"].seen in ("amd64 with avx2, in a container", "arm64 with asimddp, in a container")


def test_a_good_engine(canned: Canned) -> None:
    canned()
    seen = found()
    for name in (
        "engine",
        "compose",
        "memory",
        "processor",
        "engine clock",
        "images",
        "container names",
        "credentials",
    ):
        assert seen[name].state == "ok", seen[name]
    assert seen["memory"].seen == "25.3 GB, 2 processors for containers"


# What the engine says otherwise → what is found, and its fix on Linux.
TROUBLE: list[tuple[dict[str, Any], str, str, str, str]] = [
    ({"info": {"ServerVersion": "24.0.9"}}, "engine", "bad", "Docker 24.0.9, and 25.0 is needed", "docs.docker.com"),
    ({"info": {"ServerVersion": ""}}, "engine", "note", "Podman", "install Docker"),
    ({"others": {"version": "Server: Podman Engine"}}, "engine", "note", "Podman", "install Docker"),
    ({"others": {"compose version": "2.23.3"}}, "compose", "bad", "Compose 2.23.3, and 2.24.4 is needed", "install"),
    ({"others": {"compose version": "v2.24.3-x"}}, "compose", "bad", "Compose v2.24.3-x, and 2.24.4 is needed", "install"),
    ({"others": {"compose version": ""}}, "compose", "bad", "docker compose is not installed", "install"),
    ({"info": {"MemTotal": 2 * GIBIBYTE}}, "memory", "bad", "2.1 GB, 2 processors .* needs 4 GB", "make etl"),
    ({"info": {"MemTotal": 2 * GIBIBYTE, "Name": "colima"}}, "memory", "bad", "2.1 GB", "colima start --cpu 2 --memory 6"),
    (
        {"info": {"MemTotal": 2 * GIBIBYTE, "OperatingSystem": "Docker Desktop"}},
        "memory", "bad", "2.1 GB", "Docker Desktop: Settings, Resources",
    ),
    ({"info": {"MemTotal": 4 * GIBIBYTE * 0.93}}, "memory", "ok", "4.0 GB", ""),
    ({"info": {"NCPU": 1}}, "memory", "note", "1 processor for containers; lesson 03 is slow", "two"),
    ({"others": {"run": CPUINFO.replace("avx2 ", "")}}, "processor", "bad", "amd64 without avx2", "export CLICKHOUSE=26.3"),
    ({"others": {"run": ARM}, "info": {"Architecture": "aarch64"}}, "processor", "ok", "arm64 with asimddp, in a co", ""),
    (
        {"others": {"run": ARM.replace(" asimddp", "")}, "info": {"Architecture": "aarch64"}},
        "processor", "bad", "arm64 without asimddp", "another machine",
    ),
    ({"away": 60}, "engine clock", "bad", r"(5\d|60)\.\d s away", "restart docker"),
    ({"away": -60}, "engine clock", "bad", r"(5\d|60)\.\d s away", "restart docker"),
    ({"away": -1.9}, "engine clock", "note", r"[01]\.\d s away from this machine's: make contrast refuses", "restart docker"),
    ({"others": {"image inspect": "Debian's"}}, "images", "note", "stand-ins from Debian packages: python:.*, red", "make im"),
    ({"others": {"image inspect --format {{.Id}}": ""}}, "images", "note", "not here yet: python:.*, redis", "make images"),
    ({"others": {"ps": "python-scheduler\t/other/01-intro"}}, "container names", "note", "is of /other/01", "rm --force py"),
    ({"others": {"ps": "python-scheduler\t/other/mine"}}, "container names", "bad", "is of /other/mine", "rm --force pyt"),
    ({"others": {"ps": "python-scheduler-cron\t"}}, "container names", "bad", "cron is of no lesson", "rm --force python"),
    ({"others": {"ps": f"python-scheduler\t{ROOT}/01-intro"}}, "container names", "ok", "", ""),
    ({"info": {"SecurityOptions": ["name=selinux"]}}, "SELinux", "bad", "keeps containers from", "chcon --recursive"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "name", "state", "said", "fix"), TROUBLE)
def test_an_engine_with_trouble(
    changes: dict[str, Any], name: str, state: str, said: str, fix: str, canned: Canned, monkeypatch: pytest.MonkeyPatch
) -> None:
    on("linux", monkeypatch)
    canned(**changes)
    seen = found()[name]
    assert (seen.state, bool(seen.fix)) == (state, state != "ok")
    assert re.search(said, seen.seen) and fix in seen.fix, seen


def test_an_older_warehouse_can_be_chosen(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    canned(others={"run": CPUINFO.replace("avx2 ", "")})
    monkeypatch.setenv("CLICKHOUSE", "26.3")
    assert found()["processor"].seen == "amd64 without avx2, and clickhouse/clickhouse-server:26.3 is chosen"


def test_a_missing_credential_helper(canned: Canned, tmp_path: Path) -> None:
    canned()
    (tmp_path / "config.json").write_text('{"auths": {}, "credsStore": "desktop.exe"}')
    seen = found()["credentials"]
    assert (seen.state, seen.seen) == ("bad", "docker-credential-desktop.exe is not installed, so docker pull fails")
    assert seen.fix == f"take the line that names desktop.exe out of {tmp_path}/config.json"
    (tmp_path / "docker-credential-desktop.exe").write_text("#!/bin/sh\n")
    (tmp_path / "docker-credential-desktop.exe").chmod(0o755)
    assert found()["credentials"] == Finding("credentials", "ok", "desktop.exe")
    (tmp_path / "config.json").write_text("{")
    assert found()["credentials"].state == "bad"


# An engine on which everything is wrong that can be.
WRONG: dict[str, Any] = {
    "away": 60,
    "info": {"ServerVersion": "24.0.9", "MemTotal": 2 * GIBIBYTE},
    "others": {
        "compose version": "2.20.0", "run": CPUINFO.replace("avx2 ", ""),
        "ps": "python-scheduler\t/other/01-intro",
    },
}  # fmt: skip
OF_LINUX = re.compile(r"\b(apt-get|dnf|zypper|systemctl|service|timedatectl|usermod|ss|chcon|wsl)\b|/proc|Windows")


def test_on_a_mac_no_fix_is_a_command_of_linux(canned: Canned, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    on("macos", monkeypatch)
    canned(**WRONG)
    (tmp_path / "config.json").write_text('{"credsStore": "osxkeychain"}')
    with taken() as one, taken() as two:
        monkeypatch.setenv("LAB_PORT", str(one.getsockname()[1]))
        monkeypatch.setenv("PREFECT_PORT", str(two.getsockname()[1]))
        seen = [*found().values(), machine.clock(datetime(1970, 1, 2, tzinfo=UTC))]
    assert len([finding for finding in seen if finding.fix]) >= 10, seen
    assert [finding for finding in seen if OF_LINUX.search(finding.fix)] == []
    fixes = [COMMANDS[what]["macos"] for what in COMMANDS] + [install("tzdata"), install_compose()]
    assert [fix for fix in fixes if OF_LINUX.search(fix)] == []


def test_every_command_is_known_on_every_system() -> None:
    assert {what: set(how) for what, how in COMMANDS.items()} == {what: {"linux", "wsl", "macos"} for what in COMMANDS}
    assert all(OF_LINUX.search(how["linux"]) or "http" in how["linux"] for how in COMMANDS.values())


def test_a_port_that_the_environment_names(canned: Canned, monkeypatch: pytest.MonkeyPatch) -> None:
    canned()
    with taken() as other:
        number = other.getsockname()[1]
        monkeypatch.setenv("PREFECT_PORT", str(number))
        assert "port 4200" not in found()
        seen = found()[f"port {number}"]
        assert seen.state == "note" and seen.seen == "taken, and it is for Prefect"
        assert seen.fix.startswith(f"PREFECT_PORT={number + 1} docker compose up, or see who has it: ")
        canned(others={"ps --filter": f"{ROOT}/03-prefect"})
        assert found()[f"port {number}"] == Finding(f"port {number}", "ok", "the course answers")
        canned(others={"ps --filter": "/other/03-prefect"})
        assert found()[f"port {number}"].seen == "taken by /other/03-prefect, and it is for Prefect"
    monkeypatch.setenv("PREFECT_PORT", "4200a")
    assert found()["port 4200a"].fix == "export PREFECT_PORT=4201"


# Keys of services, healthchecks, builds and dependencies that every Compose since 2.7 knows, with any engine.
OLD = {
    *("services", "name", "extends"),
    *("build", "command", "container_name", "depends_on", "environment", "healthcheck", "hostname", "image", "init"),
    *("mem_limit", "ports", "pull_policy", "restart", "volumes", "working_dir", "profiles", "user", "stop_signal"),
    *("stop_grace_period", "tmpfs", "entrypoint", "env_file", "networks", "labels", "shm_size", "cpus", "expose"),
    *("test", "interval", "timeout", "retries", "start_period", "disable"),
    *("context", "dockerfile", "args", "target", "condition"),
}


class Loader(yaml.SafeLoader):
    """YAML with the tags that are Compose's own, like `!reset`."""


Loader.add_multi_constructor("!", lambda loader, tag, node: None)


def features(text: str) -> set[str]:
    """What a compose file asks of Compose and the engine: its keys, also below a service, and its own tags."""
    whole = yaml.load(text, Loader)
    used = set(re.findall(r"(?:: |- )(![a-z]+)", text)) | {key for key in whole if not key.startswith("x-")}
    for service in whole["services"].values():
        needs = service.get("depends_on")
        parts = [service, service.get("healthcheck"), service.get("build")]
        parts += needs.values() if isinstance(needs, dict) else []
        used |= {key for part in parts if isinstance(part, dict) for key in part}
    return used


def test_every_feature_of_a_compose_file_has_its_minimum_in_the_doctor() -> None:
    listed = subprocess.check_output(("git", "ls-files", "*.yml"), cwd=ROOT, text=True).splitlines()
    files = {name: text for name in listed if "\nservices:" in f"\n{(text := (ROOT / name).read_text())}"}
    assert len(files) >= 8
    unknown = {name: features(text) - OLD - set(engine.FEATURES) for name, text in files.items()}
    assert {name: keys for name, keys in unknown.items() if keys} == {}
    used: set[str] = set().union(*map(features, files.values()))
    assert set(engine.FEATURES) <= used, "a feature that nothing uses"


def test_a_feature_without_its_minimum_is_seen() -> None:
    file = (
        "services:\n  a: {image: b, healthcheck: {test: c, start_interval: 1s}, develop: {}}\n  d: {ports: !reset []}\n"
    )
    assert features(file) - OLD == {"start_interval", "develop", "!reset"}
    assert features(f"include: [other.yml]\n{file}") - OLD == {"include", "start_interval", "develop", "!reset"}


def test_a_free_port_and_a_taken_one() -> None:
    with taken() as other:
        number = other.getsockname()[1]
        seen = containers.port("NO_PORT", number, "the course", "make up")
        assert (seen.name, seen.state, seen.seen) == (f"port {number}", "note", "taken, and it is for the course")
    assert containers.port("NO_PORT", number, "the course", "make up").state == "ok"


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
        seen = containers.port("NO_PORT", site.server_port, "the course", "make up")
        site.shutdown()
    assert (seen.state, seen.seen) == ("ok", "the course answers")


def test_space(tmp_path: Path) -> None:
    assert machine.disk(str(tmp_path), needed=0).state == "ok"
    assert machine.disk("", needed=0).state == machine.disk("/not/on/this/machine", needed=0).state == "ok"
    assert machine.disk(str(tmp_path), needed=10**9).fix == "1e+09 GB are needed: docker system prune --all"


@pytest.mark.parametrize(("kind", "state"), [("x86_64", "ok"), ("ARM64", "ok"), ("riscv64", "note")])
def test_architecture(kind: str, state: str) -> None:
    assert machine.architecture(kind).state == state


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
    assert machine.line_endings(tmp_path).state == "ok"
    (lesson / "crontab.txt").write_bytes(b"* * * * * /x\r\n")
    seen = machine.line_endings(tmp_path)
    assert (seen.state, seen.seen) == ("bad", "CRLF in 02-cron/crontab.txt: cron chokes on it")
    if tracked:
        (lesson / "crontab.txt").write_bytes(b"* * * * * /x\n")
        subprocess.run([*git, "config", "core.autocrlf", "true"], check=True)
        assert machine.line_endings(tmp_path).fix == "git config core.autocrlf input"


def test_the_fix_for_crlf_works(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    (tmp_path / "02-cron").mkdir()
    crontab = tmp_path / "02-cron" / "crontab.txt"
    (tmp_path / ".gitattributes").write_text("* text=auto eol=lf\n")
    crontab.write_bytes(b"* * * * * /x\n")
    for words in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "as shipped"]):
        subprocess.run([*git, *words], check=True)
    crontab.write_bytes(b"* * * * * /x\r\n")
    repair = machine.line_endings(tmp_path).fix.partition(": ")[2]
    subprocess.run(repair, shell=True, check=True, cwd=tmp_path, capture_output=True)
    assert crontab.read_bytes() == b"* * * * * /x\n"


@pytest.mark.parametrize(
    ("date", "state"),
    [("1970-01-02", "bad"), ("2026-11-22", "bad"), ("2026-11-24", "ok"), ("2027-01-02", "ok"), ("2099-01-02", "bad")],
)
def test_clock(date: str, state: str) -> None:
    now, course = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (date, "2026-11-24"))
    assert machine.clock(now, course).state == state


def test_the_clock_of_this_machine_is_compared_with_the_newest_commit(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    written = Path(machine.__file__).stat().st_mtime
    assert machine.newest_commit(tmp_path).timestamp() == pytest.approx(written, abs=1)
    env = os.environ | {"GIT_COMMITTER_DATE": "2031-05-06T07:08:09Z"}
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "--message", "later"], check=True, env=env)
    assert machine.newest_commit(tmp_path) == datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert machine.clock().state == "ok"


def test_zones_are_known() -> None:
    assert machine.time_zones().state == "ok"
