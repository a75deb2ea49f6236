"""What is in the engine: images and containers, of the course and of others, and what a container sees."""

import http.client
import os
import re
import socket
from pathlib import Path

from engine import images as table
from engine.core import ROOT
from engine.docker import ask, has_image
from engine.system import command
from lab.doctor.finding import Finding

OF = '{{.Label "com.docker.compose.project.working_dir"}}'  # the folder whose compose file has made a container


def processor(info: dict[str, object]) -> Finding:
    """Whether the processor, as a container sees it, is one that the warehouse of lesson 03 runs on."""
    name, warehouse = "processor", table.TABLE[table.CLICKHOUSE]
    kind = {"x86_64": "amd64", "aarch64": "arm64"}.get(str(info.get("Architecture")), str(info.get("Architecture")))
    word = warehouse.processor.get(kind)
    image = next(filter(has_image, table.BASES), None)
    if not word or not image:
        return Finding(name, "note", f"{kind}, not looked at: no image of the course is here yet", "make up")
    printed = ask("run", "--rm", "--pull", "never", "--network", "none", "--entrypoint", "cat", image, "/proc/cpuinfo")
    if printed is None:
        return Finding(
            name, "bad", "a container does not start", f"docker run --rm --entrypoint cat {image} /proc/cpuinfo"
        )
    words = re.search(r"^(?:flags|Features)\s*: (.*)", printed, re.M)
    if words and word in words[1].split():
        return Finding(name, "ok", f"{kind} with {word}, in a container")
    if table.stand_in(warehouse.name):
        return Finding(name, "ok", f"{kind} without {word}, which the stand-in for the warehouse does not need")
    seen = f"{kind} without {word}, which the warehouse of lesson 03 needs"
    if kind != "amd64":
        return Finding(name, "bad", seen, "lesson 03 on another machine; the others run here")
    if warehouse.name != f"{warehouse.repository}:{warehouse.tag}":
        return Finding(name, "ok", f"{kind} without {word}, and {warehouse.name} is chosen")
    return Finding(
        name, "bad", seen, f"export {warehouse.variable}={warehouse.older}, before make up and docker compose"
    )


def images() -> Finding:
    """Whether the base images are here, and are the official ones."""
    missing = [name for name in table.BASES if name not in table.MONITORING and not has_image(name)]
    stand_ins = [name for name in table.BASES if table.stand_in(name)]
    seen = [f"stand-ins from Debian packages: {', '.join(stand_ins)}"] if stand_ins else []
    seen += [f"not here yet: {', '.join(missing)}"] if missing else []
    if seen:
        return Finding("images", "note", "; ".join(seen), "make images asks the registry again")
    return Finding("images", "ok", "official, all of them")


def fixed_names() -> dict[str, str]:
    """The names of containers that the lessons give themselves → the folder of the lesson."""
    return {
        name: str(file.parent)
        for file in sorted(ROOT.glob("[0-9][0-9]-*/docker-compose.yml"))
        for name in re.findall(r"^ +container_name: *(\S+)", file.read_text(), re.M)
    }


def is_at(folder: str, own: str) -> bool:
    """Whether both are the same folder, by whatever name."""
    return bool(folder) and Path(folder).resolve() == Path(own).resolve()


def names() -> Finding:
    """Whether a container that is not of this clone has a name that a lesson needs.

    One of another clone, whose folder has the same name, is the same project to Compose: the lesson takes it over.
    Any other is in the way.
    """
    listed = ask("ps", "--all", "--format", "{{.Names}}\t" + OF) or ""
    owners = dict(line.partition("\t")[::2] for line in listed.splitlines())
    own = fixed_names()
    taken = {name: owners[name] for name in own if name in owners and not is_at(owners[name], own[name])}
    if not taken:
        return Finding("container names", "ok", "free, or of this clone")
    state = "note" if all(Path(owner).name == Path(own[name]).name for name, owner in taken.items()) else "bad"
    seen = ", ".join(f"{name} is of {owner or 'no lesson'}" for name, owner in taken.items())
    return Finding("container names", state, seen, f"docker rm --force {' '.join(taken)}")


def port(variable: str, default: int, use: str, start: str) -> Finding:
    """Whether a port of 127.0.0.1 is free, or is the course's own; `variable` of the environment may choose another."""
    given = os.environ.get(variable) or str(default)
    if not (given.isdecimal() and 0 < int(given) < 65536):
        return Finding(f"port {given}", "bad", f"{variable} is no port", f"export {variable}={default + 1}")
    number = int(given)
    name = f"port {number}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection just closed does not count
        try:
            probe.bind(("127.0.0.1", number))
        except PermissionError:
            return Finding(name, "bad", "only root may listen there", f"export {variable}={default + 1}")
        except OSError:
            return taken(number, variable, use, start)
    return Finding(name, "ok", f"free, for {use}")


def taken(number: int, variable: str, use: str, start: str) -> Finding:
    """Who has a port: the course itself, another clone of it, or another program."""
    name = f"port {number}"
    owner = (ask("ps", "--filter", f"publish={number}", "--format", OF, timeout=5) or "").partition("\n")[0]
    if Path(owner).resolve().is_relative_to(ROOT) if owner else is_the_course(number):
        return Finding(name, "ok", "the course answers")
    fix = f"{variable}={number + 1} {start}, or see who has it: {command('see who listens')}"
    return Finding(name, "note", f"taken{f' by {owner}' if owner else ''}, and it is for {use}", fix)


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
