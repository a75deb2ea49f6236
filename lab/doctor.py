"""`lab doctor`: what this machine has for the course, and the repair of what it lacks."""

import http.client
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from lab.engine import GIGABYTE, ROOT, docker, silence

MARKS = {"ok": "[green]✓[/]", "note": "[yellow]![/]", "bad": "[red]✗[/]"}
COMPOSE = (2, 20)  # July 2023; older ones lack `include`
MEMORY, DISK = 3, 5  # gigabytes
LOCAL_IMAGES = ("02-cron-python-app", "python:3.13-slim", "beyond-cron-site")
WITHOUT_DOCKER = (
    "Without Docker you can read the course, answer its questions, and use lab cron explain and lab cron lint."
)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `state` is "ok", "note" (the course works all the same) or "bad"; `fix` is empty when ok."""

    name: str
    state: str
    seen: str
    fix: str = ""


def engine() -> Finding:
    """Whether a Docker daemon answers within 10 s, and which."""
    why = silence()
    if not why:
        return Finding("engine", "ok", f"Docker {docker('version', '--format', '{{.Server.Version}}')}")
    if not shutil.which("docker"):
        return Finding("engine", "bad", "docker is not installed", "make up (as root on Debian), or install Docker")
    if "permission denied" in why.lower():
        fix = "sudo usermod -aG docker $USER, then log in again"
        return Finding("engine", "bad", "you may not talk to the daemon", fix)
    if host := os.environ.get("DOCKER_HOST"):
        return Finding("engine", "bad", f"no daemon at DOCKER_HOST={host}", "unset DOCKER_HOST")
    fix = "sudo systemctl start docker" if sys.platform == "linux" else "open Docker Desktop"
    return Finding("engine", "bad", "the daemon does not answer", fix)


def compose(seen: str | None = None) -> Finding:
    """The version of Docker Compose, asked of docker when it is not given."""
    text = docker("compose", "version", "--short") if seen is None else seen
    found = re.match(r"v?(\d+)\.(\d+)", text)
    if not found:
        return Finding("compose", "bad", "docker compose is not installed", "apt-get install docker-compose-plugin")
    if (int(found[1]), int(found[2])) < COMPOSE:
        return Finding("compose", "bad", f"Compose {text}", f"update it: {COMPOSE[0]}.{COMPOSE[1]} or later is needed")
    return Finding("compose", "ok", f"Compose {text}")


def port(number: int, use: str, repair: str = "stop the program that has it: ss -ltnp") -> Finding:
    """Whether a port of 127.0.0.1 is free, or is the course's own."""
    name = f"port {number}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection just closed does not count
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            if is_the_course(number):
                return Finding(name, "ok", "the course answers")
            return Finding(name, "note", f"taken, and it is for {use}", repair)
    return Finding(name, "ok", f"free, for {use}")


def is_the_course(number: int) -> bool:
    """Whether the page that this port serves is the course's."""
    site = http.client.HTTPConnection("127.0.0.1", number, timeout=2)
    try:
        site.request("GET", "/")
        return b"Beyond Cron" in site.getresponse().read(20_000)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        site.close()


def memory(gigabytes: float | None = None) -> Finding:
    """The memory of this machine, in gigabytes."""
    if gigabytes is None:
        gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGABYTE
    state, fix = ("ok", "") if gigabytes >= MEMORY else ("note", "start one lesson at a time")
    return Finding("memory", state, f"{gigabytes:.0f} GB", fix)


def disk(path: Path | None = None, needed: float = DISK) -> Finding:
    """The free space, in gigabytes, where Docker keeps its images, or else where the course is."""
    path = path or Path(docker("info", "--format", "{{.DockerRootDir}}") or ROOT)
    path = path if path.exists() else ROOT  # Docker Desktop names a path of its own virtual machine
    free = shutil.disk_usage(path).free / GIGABYTE
    state, fix = ("ok", "") if free >= needed else ("bad", f"{needed:g} GB are needed: docker system prune --all")
    return Finding("disk", state, f"{free:.0f} GB free", fix)


def architecture(machine: str | None = None) -> Finding:
    """The processor: every image of the course comes for two kinds."""
    machine = (machine or platform.machine()).lower()
    if machine in ("x86_64", "amd64", "aarch64", "arm64"):
        return Finding("architecture", "ok", machine)
    return Finding("architecture", "note", machine, "some images exist for amd64 and arm64 only")


def line_endings(root: Path = ROOT) -> Finding:
    """Files of the lessons that were checked out with CRLF, and the setting of git that does so."""
    listed = git(root, "ls-files", "-z", "--", "[0-9][0-9]-*")
    names = [name.decode() for name in listed.split(b"\0") if name]
    paths = [root / name for name in names] if names else root.glob("[0-9][0-9]-*/**/*")
    spoilt = sorted(path for path in paths if path.is_file() and is_crlf(path.read_bytes()))
    if spoilt:
        more = f" and {len(spoilt) - 1} more" if len(spoilt) > 1 else ""
        # A file with CRLF is no change to git while it strips the CR, so a checkout alone would leave it.
        fix = "commit your work, then: git rm -rq --cached . && git reset --hard"
        return Finding("line endings", "bad", f"CRLF in {spoilt[0].relative_to(root)}{more}: cron chokes on it", fix)
    if git(root, "config", "core.autocrlf").strip() == b"true":
        return Finding("line endings", "note", "LF, but core.autocrlf is true", "git config core.autocrlf input")
    return Finding("line endings", "ok", "LF")


def git(root: Path, *words: str) -> bytes:
    """What git says about the repository at `root`; empty without git, or outside a repository."""
    if not shutil.which("git"):
        return b""
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False).stdout


def is_crlf(content: bytes) -> bool:
    """Whether this is a text with CRLF line ends."""
    return b"\r\n" in content and b"\0" not in content


def clock(now: datetime | None = None) -> Finding:
    """Whether the clock shows a year in which this course can be run: certificates and time-lapses depend on it."""
    now = now or datetime.now(UTC)
    if 2026 <= now.year < 2046:
        return Finding("clock", "ok", f"the year is {now.year}")
    return Finding("clock", "bad", f"the clock says {now:%Y-%m-%d}", "sudo timedatectl set-ntp true")


def container_clock() -> Finding:
    """The clock of a container against this one's; they differ where Docker's virtual machine slept."""
    name = "container clock"
    image = next((image for image in LOCAL_IMAGES if docker("image", "inspect", "--format", "{{.Id}}", image)), "")
    if not image:
        return Finding(name, "note", "not compared: no image of the course is here yet", "make up")
    before = time.time()
    said = docker("run", "--rm", "--pull", "never", "--network", "none", "--entrypoint", "date", image, "+%s")
    if not said.isdecimal():
        return Finding(name, "bad", "a container does not start", f"docker run --rm --entrypoint date {image}")
    late = max(before - int(said) - 1, int(said) - time.time(), 0.0)
    if late > 2:
        return Finding(name, "bad", f"{late:.0f} s away from this machine's", "restart Docker")
    return Finding(name, "ok", "the same as this machine's")


def time_zones() -> Finding:
    """Whether Python finds the zones of the world, and which one this machine lives in."""
    try:
        ZoneInfo("America/Sao_Paulo")
    except ZoneInfoNotFoundError:
        return Finding("time zones", "bad", "no zone data found", "apt-get install tzdata, or pip install tzdata")
    return Finding("time zones", "ok", f"known; this machine is at {datetime.now().astimezone():UTC%z}")


def python() -> Finding:
    """The Python that runs this tool; the project demands 3.11, so an older one does not get here."""
    return Finding("Python", "ok", platform.python_version())


def findings() -> Iterator[Finding]:
    """Everything looked at, in the order of the table; what needs a daemon only where one answers."""
    found = engine()
    yield found
    if found.state == "ok":
        yield compose()
    yield port(8000, "the course", "LAB_PORT=8001 make up, or see who has it: ss -ltnp")
    yield port(4200, "Prefect")
    yield memory()
    yield disk()
    yield architecture()
    yield line_endings()
    yield clock()
    if found.state == "ok":
        yield container_clock()
    yield time_zones()
    yield python()


def doctor() -> None:
    """Inspect engine, ports, disk, line endings and clock, and name the fix. Exit code 1 when one is needed."""
    table = Table("", "what", "seen", "fix", box=box.SIMPLE_HEAD)
    found = list(findings())
    for finding in found:
        table.add_row(MARKS[finding.state], finding.name, finding.seen, finding.fix)
    console = Console() if sys.stdout.isatty() else Console(width=160, no_color=True)
    with console.capture() as drawn:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in drawn.get().strip("\n").splitlines()))
    if any(finding.name == "engine" and finding.state == "bad" for finding in found):
        typer.echo(WITHOUT_DOCKER)
    if any(finding.state == "bad" for finding in found):
        raise typer.Exit(1)
