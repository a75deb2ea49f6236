"""What this machine itself has: disk, processor, files, clock, time zones, and what docker is told to ask for passwords."""

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from engine.core import ROOT
from engine.docker import GIGABYTE
from engine.system import command, install
from lab.doctor.finding import Finding

DISK = 5  # gigabytes
# Mozilla's root store policy, 7.4: the key of a root certificate is trusted for at most 15 years.
LONGEST_TRUST = timedelta(days=15 * 366)


def credentials() -> Finding:
    """Whether the programs are there that docker asks for passwords: without one of them it pulls nothing at all."""
    name = "credentials"
    file = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker", "config.json")
    try:
        said = json.loads(file.read_text())
    except FileNotFoundError:
        return Finding(name, "ok", "no helper is configured")
    except (OSError, ValueError) as error:
        return Finding(name, "bad", f"{file} cannot be read: {error}", f"repair it, or: mv {file} {file}.old")
    helpers = {said.get("credsStore"), *(said.get("credHelpers") or {}).values()} - {None, ""}
    missing = sorted(helper for helper in helpers if not shutil.which(f"docker-credential-{helper}"))
    if missing:
        seen = f"docker-credential-{missing[0]} is not installed, so docker pull fails"
        return Finding(name, "bad", seen, f"take the line that names {missing[0]} out of {file}")
    return Finding(name, "ok", f"{', '.join(sorted(helpers))}" if helpers else "no helper is configured")


def disk(images: str, needed: float = DISK) -> Finding:
    """The free space, in gigabytes, in the folder of Docker's images, or else where the course is."""
    path = Path(images)  # Docker Desktop names a path of its own virtual machine
    path = path if images and path.exists() else ROOT
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
    broken = sorted(path for path in paths if path.is_file() and is_crlf(path.read_bytes()))
    if broken:
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        # A file with CRLF is no change to git while it strips the CR, so a checkout alone would leave it.
        fix = "commit your work, then: git rm -rq --cached . && git reset --hard"
        return Finding("line endings", "bad", f"CRLF in {broken[0].relative_to(root)}{more}: cron chokes on it", fix)
    if git(root, "config", "core.autocrlf").strip() == b"true":
        return Finding("line endings", "note", "LF, but core.autocrlf is true", "git config core.autocrlf input")
    return Finding("line endings", "ok", "LF")


def git(root: Path, *words: str) -> bytes:
    """What git prints about the repository at `root`; empty without git, and outside a repository."""
    if not shutil.which("git"):
        return b""
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=False).stdout


def is_crlf(content: bytes) -> bool:
    """Whether this is a text with CRLF line ends."""
    return b"\r\n" in content and b"\0" not in content


def clock(now: datetime | None = None, course: datetime | None = None) -> Finding:
    """Whether the clock can be right: it is not before the newest commit of this course, and not years after it."""
    now = now or datetime.now(UTC)
    course = course or newest_commit()
    shown = f"the clock says {now:%Y-%m-%d}"
    if now < course - timedelta(days=1):  # a day, for the clock of whoever made the commit
        return Finding("clock", "bad", f"{shown}, and this course is of {course:%Y-%m-%d}", command("set the clock"))
    if now > course + LONGEST_TRUST:
        return Finding("clock", "bad", f"{shown}, when no certificate of today is trusted", command("set the clock"))
    return Finding("clock", "ok", f"{now:%Y-%m-%d}")


def newest_commit(root: Path = ROOT) -> datetime:
    """When this course was committed last; without git, when this file was written."""
    seconds = git(root, "log", "-1", "--format=%ct").strip()
    return datetime.fromtimestamp(int(seconds) if seconds else Path(__file__).stat().st_mtime, UTC)


def time_zones() -> Finding:
    """Whether Python knows the time zones of the world, and the offset of this machine's own."""
    try:
        ZoneInfo("America/Sao_Paulo")
    except ZoneInfoNotFoundError:
        return Finding(
            "time zones", "bad", "no zone data found", install("tzdata", on_macos=".venv/bin/pip install tzdata")
        )
    return Finding("time zones", "ok", f"known; this machine is at {datetime.now().astimezone():UTC%z}")


def python() -> Finding:
    """The Python that runs this tool; the project demands 3.11, so an older one does not get here."""
    return Finding("Python", "ok", platform.python_version())
