"""What the Docker engine says of itself: its version, memory, processors and clock, which need not be this machine's."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from engine.core import ROOT
from engine.docker import GIGABYTE, ask, why_silent
from engine.system import command, install_compose, system
from lab.doctor.finding import Finding

# What the compose files of the course use → the first Docker Engine and the first Compose that know it.
FEATURES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "start_interval": ((25, 0), (2, 24)),
    "!reset": ((20, 10), (2, 24)),
    "!override": ((20, 10), (2, 24, 4)),
    "required": ((20, 10), (2, 20)),  # of depends_on
    "include": ((20, 10), (2, 20)),
    "deploy": ((20, 10), (2, 0)),  # its replicas, without a swarm
}
ENGINE = max(engine for engine, _ in FEATURES.values())
COMPOSE = max(compose for _, compose in FEATURES.values())
MEMORY = 4  # gigabytes, for lesson 03; a machine that is sold with so much shows a little less
SHOWN = 0.9
FAST_ENOUGH, BOARD_REFUSES = 2.0, 0.2  # seconds that the clocks may differ, for lessons and for the fault board

Info = dict[str, Any]


def answers() -> Finding:
    """Whether a Docker daemon answers within 10 s."""
    why = why_silent()
    if not why:
        return Finding("engine", "ok", "the daemon answers")
    if not shutil.which("docker"):
        return Finding("engine", "bad", "docker is not installed", "make up (as root on Debian), or install Docker")
    if "permission denied" in why.lower():
        return Finding("engine", "bad", "you may not talk to the daemon", command("be let in"))
    if host := os.environ.get("DOCKER_HOST"):
        return Finding("engine", "bad", f"no daemon at DOCKER_HOST={host}", "unset DOCKER_HOST")
    return Finding("engine", "bad", "the daemon does not answer", command("start Docker"))


def info() -> Info:
    """What `docker info` says; with Podman in place of Docker it says other things."""
    said: Info = json.loads(ask("info", "--format", "{{json .}}") or "{}")
    return said


def numbers(text: str) -> tuple[int, ...] | None:
    """The numbers of a version, as in 2.24.4; None where it has none."""
    found = re.match(r"v?(\d+(?:\.\d+)+)", text)
    return tuple(map(int, found[1].split("."))) if found else None


def version(info: Info) -> Finding:
    """Whether the engine is Docker, and new enough for the compose files."""
    said = info.get("ServerVersion", "")
    if not said or "podman" in (ask("version") or "").lower():
        return Finding(
            "engine", "note", "Podman, which the course is not tested with", "install Docker, if a lesson fails"
        )
    if (seen := numbers(said)) and seen < ENGINE:
        least = ".".join(map(str, ENGINE))
        return Finding("engine", "bad", f"Docker {said}, and {least} is needed", command("update Docker"))
    return Finding("engine", "ok", f"Docker {said} on {info.get('OperatingSystem', 'an unknown system')}")


def compose() -> Finding:
    """Whether Docker Compose is there, and new enough for the compose files."""
    said = ask("compose", "version", "--short") or ""
    seen = numbers(said)
    if not seen:
        return Finding("compose", "bad", "docker compose is not installed", install_compose())
    if seen < COMPOSE:
        least = ".".join(map(str, COMPOSE))
        return Finding("compose", "bad", f"Compose {said}, and {least} is needed", install_compose())
    return Finding("compose", "ok", f"Compose {said}")


def memory(info: Info) -> Finding:
    """The memory and the processors that containers have: those of the virtual machine, where Docker has one."""
    of_podman = info.get("host", {})
    gigabytes = info.get("MemTotal", of_podman.get("memTotal", 0)) / GIGABYTE
    processors = info.get("NCPU", of_podman.get("cpus", 0))
    seen = f"{gigabytes:.1f} GB, {processors} {'processor' if processors == 1 else 'processors'} for containers"
    if gigabytes < MEMORY * SHOWN:
        return Finding("memory", "bad", f"{seen}; lesson 03 needs {MEMORY} GB", more_memory(info))
    if processors < 2:
        return Finding("memory", "note", f"{seen}; lesson 03 is slow with one", "give Docker's machine two")
    return Finding("memory", "ok", seen)


def more_memory(info: Info) -> str:
    """How this engine is given more memory."""
    if "colima" in info.get("Name", ""):
        return "colima stop && colima start --cpu 2 --memory 6"
    if system() == "wsl":
        return r"in Windows, [wsl2] memory=6GB in %UserProfile%\.wslconfig, then wsl --shutdown"
    if "Docker Desktop" in info.get("OperatingSystem", "") or system() == "macos":
        return "6 GB in the settings of Docker's machine (Docker Desktop: Settings, Resources)"
    return "lesson 03 without Docker: make etl"


def clock() -> Finding:
    """The clock of the engine against this machine's; they differ where a virtual machine has slept."""
    name = "engine clock"
    before = time.time()
    said = ask("info", "--format", "{{.SystemTime}}") or ""
    after = time.time()
    try:
        engine = datetime.fromisoformat(said).timestamp()
    except ValueError:
        return Finding(name, "note", "not compared: the engine does not tell its time", "docker info")
    away = max(before - engine, engine - after, 0.0)
    if away > FAST_ENOUGH:
        return Finding(name, "bad", f"{away:.1f} s away from this machine's", command("restart Docker"))
    if away > BOARD_REFUSES:
        seen = f"{away:.1f} s away from this machine's: make contrast refuses"
        return Finding(name, "note", seen, command("restart Docker"))
    return Finding(name, "ok", "the same as this machine's")


def selinux(info: Info) -> Iterator[Finding]:
    """Whether SELinux lets containers read the files of the course; nothing where the engine does without it."""
    if not any("name=selinux" in option for option in info.get("SecurityOptions") or []):
        return
    try:
        label = os.getxattr(ROOT, "security.selinux").decode()
    except (OSError, AttributeError):  # no label, or a system whose Python cannot ask for one
        label = ""
    if "container_file_t" in label:
        yield Finding("SELinux", "ok", "containers may read the files of the course")
    else:
        fix = f"chcon --recursive --type container_file_t {ROOT}"
        yield Finding("SELinux", "bad", "it keeps containers from the files of the course", fix)
