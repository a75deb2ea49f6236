"""Every image of the course: a base image is pulled, or its stand-in built; the site and the lessons build on it.

`python3 -m offline.images` from the repository root does it, and needs the standard library only.
"""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

from lab.engine import CACHE, ROOT, Trouble, docker, has_image, ready, require_space_for_images, run, say, step

# Official name → folder here with the recipe of its stand-in, each after the ones that it is built from.
# A recipe is a Dockerfile, its label says what is inside; only Debian itself is made by a script.
RECIPES = {
    "debian:trixie-slim": "debian",
    "python:3.13-slim": "python",
    "postgres:17": "postgres",
    "clickhouse/clickhouse-server:26.8": "clickhouse",
    "redis:7": "redis",
}
BASES = [name for name in RECIPES if name != "debian:trixie-slim"]  # what the course itself is built from or runs


def ensure_base(name: str) -> None:
    """Have a base image: the one that is there, else the registry's, else a stand-in.

    Raises Trouble when the registry gives none and this machine cannot build one.
    """
    if has_image(name):
        return
    try:
        with step(f"pulling {name}"):
            run("docker", "pull", "--quiet", name, log=f"pull-{RECIPES[name]}")
    except Trouble:
        reason = (CACHE / f"pull-{RECIPES[name]}.log").read_text().strip().removeprefix("Error response from daemon: ")
        say(f"the registry gives no {name} ({reason.splitlines()[-1]})")
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise Trouble(
                f"no registry gives {name}, and only root on Debian can build its stand-in: "
                "load a class bundle with BUNDLE=/path/to/beyond-cron-bundle.tar make unbundle"
            ) from None
        build_stand_in(name)


def build_stand_in(name: str) -> None:
    """Build an image of that official name from Debian packages, and first those that it is built from."""
    recipe = ROOT / "offline" / RECIPES[name]
    if (recipe / "build.sh").exists():
        if not shutil.which("mmdebstrap"):
            say("installing mmdebstrap from Debian's packages, to build with")
        with step(f"building a stand-in for {name} from Debian packages, about 20 s"):
            run(str(recipe / "build.sh"), log=f"build-{recipe.name}")
        return
    for base in base_images(recipe / "Dockerfile"):
        if not has_image(base):
            build_stand_in(base)
    with step(f"building a stand-in for {name} from Debian packages, about 20 s"):
        run("docker", "build", "--tag", name, str(recipe), log=f"build-{recipe.name}")


def base_images(dockerfile: Path) -> list[str]:
    """The images that a Dockerfile starts from, its own earlier stages left out."""
    words = [line.split() for line in dockerfile.read_text().splitlines() if line.upper().startswith("FROM ")]
    stages = {line[-1] for line in words if len(line) > 2}
    return [line[1] for line in words if line[1] not in stages]


def stacks() -> list[Path]:
    """The folders with a docker-compose.yml: the repository root, which is the course site, the lessons, the board."""
    lessons = [path.parent for path in sorted(ROOT.glob("0*-*/docker-compose.yml"))]
    return [ROOT, *lessons, ROOT / "contrast"]


def built_images(stack: Path) -> dict[str, dict[str, str]]:
    """The images that a stack builds: name → `build` section of its service, paths absolute."""
    raw = docker("compose", "--project-directory", str(stack), "--profile", "*", "config", "--format", "json")
    if not raw:
        raise Trouble(f"{stack.name}/docker-compose.yml cannot be read: cd {stack.name} && docker compose config")
    config = json.loads(raw)
    return {
        service.get("image", f"{config['name']}-{name}"): service["build"]
        for name, service in config["services"].items()
        if "build" in service
    }


def fingerprint(stack: Path) -> str:
    """A hash of what a stack's images are built from: another one means that they have to be built again."""
    sources = [ROOT / "Dockerfile", ROOT / "requirements/site.txt"] if stack == ROOT else sorted(stack.rglob("*"))
    total = hashlib.sha256()
    for path in sources:
        if path.is_file() and "__pycache__" not in path.parts:
            total.update(f"{path.relative_to(stack)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return total.hexdigest()


def mark_built(stack: Path, of: str) -> None:
    """Remember the fingerprint of the sources that a stack's images were built from."""
    (CACHE / "built").mkdir(parents=True, exist_ok=True)
    (CACHE / "built" / stack.name).write_text(of)


def ensure_stack(stack: Path) -> None:
    """Build a stack's images unless they are there and nothing that they are made from has changed."""
    mark = CACHE / "built" / stack.name
    if not (mark.exists() and mark.read_text() == fingerprint(stack) and all(map(has_image, built_images(stack)))):
        require_space_for_images()
        build(stack)


def build(stack: Path, *arguments: str) -> None:
    """Build a stack's images, those of all its profiles, and remember what they were built from."""
    now = fingerprint(stack)
    with step("building the course site" if stack == ROOT else f"building lesson {stack.name}"):
        run("docker", "compose", "--profile", "*", "build", *arguments, cwd=stack, log=f"build-{stack.name}")
    mark_built(stack, now)


def warm_build_cache(stack: Path) -> None:
    """Let the engine know the layers of images that came from a bundle, so that building on them needs no network."""
    for name, section in built_images(stack).items():
        dockerfile = Path(section["context"], section.get("dockerfile", "Dockerfile"))
        command = ("docker", "build", "--quiet", "--cache-from", name, "--file", str(dockerfile), section["context"])
        if subprocess.run(command, capture_output=True).returncode:
            say(f"{name} is loaded, but building it again will need the network")


def ensure_all() -> None:
    """Have every image of the course: base images, the site, the lessons."""
    missing = [name for name in BASES if not has_image(name)]
    if missing:
        require_space_for_images()
    for name in missing:
        ensure_base(name)
    for stack in stacks():
        ensure_stack(stack)


if __name__ == "__main__":
    if not ready():
        raise Trouble("images need a Docker engine, and none answers here: make up starts one where it can")
    ensure_all()
    say(f"ready: {', '.join([*BASES, *(name for stack in stacks() for name in built_images(stack))])}")
