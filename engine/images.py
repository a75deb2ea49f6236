"""Every image of the course: a base image is pulled, or its stand-in built; the site and the lessons build on it.

`python3 -m engine.images` from the repository root does it, and needs the standard library only.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.core import CACHE, ROOT, UserError, last_line, program, run, say, step
from engine.docker import ask, docker, has_image, require_engine, require_space_for_images


@dataclass(frozen=True)
class Image:
    """An image that the course gets from a registry, or builds a stand-in for from Debian packages.

    The tag names a release in which only bugs are fixed and, where there is a choice, Debian's release.
    """

    repository: str
    tag: str
    recipe: str  # the folder of offline/ with the recipe of its stand-in, which has a label that says what is inside
    megabytes: int  # unpacked, about
    architectures: tuple[str, ...] = ("amd64", "arm64")
    processor: dict[str, str] = field(default_factory=dict)  # architecture → the word of /proc/cpuinfo that it needs
    variable: str = ""  # of the environment, which names another tag: ${VARIABLE:-tag} in a compose file
    older: str = ""  # the newest tag for amd64 that runs on processors without that word

    @property
    def name(self) -> str:
        """The name that Dockerfiles and compose files give it here."""
        return f"{self.repository}:{os.environ.get(self.variable) or self.tag}"


# Each after the one that its stand-in is built from.
IMAGES = (
    Image("debian", "trixie-slim", "debian", 80),
    Image("python", "3.13-slim-trixie", "python", 130),
    Image("postgres", "17-trixie", "postgres", 450),
    Image(
        "clickhouse/clickhouse-server", "26.8", "clickhouse", 950,
        processor={"amd64": "avx2", "arm64": "asimddp"}, variable="CLICKHOUSE", older="26.3",
    ),
    Image("redis", "7.4-bookworm", "redis", 140),
    Image("rabbitmq", "4.3-management", "rabbitmq", 290),
    Image("mariadb", "11.8", "mariadb", 340),
    Image("prom/prometheus", "v3.13.5", "prometheus", 380),
    Image("prom/alertmanager", "v0.34.1", "alertmanager", 110),
    Image("grafana/grafana", "13.2.3", "grafana", 900),
    Image("jaegertracing/jaeger", "2.21.0", "jaeger", 150),
)  # fmt: skip
DEBIAN, PYTHON, POSTGRES, CLICKHOUSE, REDIS, RABBITMQ, MARIADB, *MONITORING = (image.name for image in IMAGES)
PROMETHEUS, ALERTMANAGER, GRAFANA, JAEGER = MONITORING  # one page needs them: they come with its profile
TABLE = {image.name: image for image in IMAGES}
BASES = [
    PYTHON,
    POSTGRES,
    CLICKHOUSE,
    REDIS,
    RABBITMQ,
    MARIADB,
    *MONITORING,
]  # what the course itself is built from or runs
STAND_IN = '{{with .Config.Labels}}{{index . "beyond-cron.stand-in"}}{{end}}'


def stand_in(name: str) -> str:
    """What an image says of itself if it is a stand-in; empty for an official one, and where there is none."""
    return ask("image", "inspect", "--format", STAND_IN, name) or ""


def pull(name: str) -> str:
    """Pull an image; return why the registry does not give it, in one line, or nothing when it came."""
    image = TABLE[name]
    try:
        with step(f"pulling {name}, about {image.megabytes} MB"):
            run("docker", "pull", "--quiet", name, log=f"pull-{image.recipe}")
    except UserError:
        said = last_line((CACHE / f"pull-{image.recipe}.log").read_text(errors="replace"))
        return said.removeprefix("Error response from daemon: ")
    return ""


def ensure_base(name: str) -> None:
    """Make sure that a base image is there: pull it, or else build its stand-in.

    Raises UserError when no registry gives it and this machine cannot build it.
    """
    if has_image(name):
        return
    require_space_for_images()
    reason = pull(name)
    if not reason:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"the registry gives no {name} ({reason}): a stand-in takes its name, until make images gets it")
        build_stand_in(name)
        return
    bundle = "load a class bundle with BUNDLE=/path/to/beyond-cron-bundle.tar make unbundle"
    if "toomanyrequests" in reason or "429" in reason:
        raise UserError(f"the registry gives no {name} now ({reason}): docker login, then make images, or {bundle}")
    raise UserError(
        f"no registry gives {name} ({reason}), and only root on Debian can build its stand-in: make images, or {bundle}"
    )


def replace_stand_ins() -> dict[str, str]:
    """Ask the registry again for what stand-ins stand for; return those that stay, and why.

    What was built on a stand-in is built again.
    """
    stay = {}
    for name in filter(stand_in, BASES):
        if reason := pull(name):
            stay[name] = reason
        else:
            shutil.rmtree(CACHE / "built", ignore_errors=True)
            say(f"{name} is the official image now; where its stand-in has data: docker compose down --volumes")
    return stay


def build_stand_in(name: str) -> None:
    """Build an image of that official name from Debian packages, after the images that it is built from."""
    recipe = ROOT / "offline" / TABLE[name].recipe
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
    config = json.loads(docker("compose", "--profile", "*", "config", "--format", "json", cwd=stack))
    return {
        service.get("image", f"{config['name']}-{name}"): service["build"]
        for name, service in config["services"].items()
        if "build" in service
    }


def fingerprint(stack: Path) -> str:
    """A hash of what a stack's images are built from: when it changes, they have to be built again."""
    sources = [ROOT / "Dockerfile", ROOT / "requirements/site.txt"] if stack == ROOT else sorted(stack.rglob("*"))
    total = hashlib.sha256()
    for path in sources:
        made = any(part.startswith((".", "__pycache__")) for part in path.relative_to(stack).parts)
        if path.is_file() and not made:
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
    """Fill the build cache from images that came from a bundle, so that building on them needs no network."""
    for name, section in built_images(stack).items():
        dockerfile = Path(section["context"], section.get("dockerfile", "Dockerfile"))
        command = ("docker", "build", "--quiet", "--cache-from", name, "--file", str(dockerfile), section["context"])
        if subprocess.run(command, capture_output=True).returncode:
            say(f"{name} is loaded, but building it again will need the network")


def ensure_all(but: Sequence[str] = ()) -> None:
    """Make sure that every image of the course is there: base images `but` for some, the site, the lessons.

    Raises UserError, with a line for each that cannot be had, when all have been tried.
    """
    wanted: list[tuple[Callable[..., None], str | Path]] = [(ensure_base, name) for name in BASES if name not in but]
    wanted += [(ensure_stack, stack) for stack in stacks()]
    missing = []
    for ensure, what in wanted:
        try:
            ensure(what)
        except UserError as error:
            missing.append(str(error))
    if missing:
        raise UserError("\n".join(dict.fromkeys(missing)))  # a full disk is one line, however many images it stops


def require_official() -> None:
    """Have the official images, and say which. Raises UserError where a stand-in stays: no proof could count on it."""
    for name in BASES:
        if (stand_in(name) or not has_image(name)) and (reason := pull(name)):
            raise UserError(f"make real needs the official images, and no registry gives {name} here: {reason}")
    shutil.rmtree(CACHE / "built", ignore_errors=True)  # what is built on stand-ins carries the same names
    for name in BASES:
        say(docker("image", "inspect", "--format", f'{name} {{{{.Architecture}}}} {{{{join .RepoDigests " "}}}}', name))


def renew_stand_ins() -> None:
    """Build the stand-ins again from the recipes of this checkout: at once, where these have not changed."""
    for name in filter(stand_in, BASES):
        build_stand_in(name)


def main() -> None:
    """Make sure that every image is there, and list them.

    `again` asks the registry for what stand-ins are for, `official` has none, `renew` builds them again.
    """
    require_engine("make images", install=True)
    match sys.argv[1:]:
        case ["again"]:
            for name, reason in replace_stand_ins().items():
                say(f"{name} stays a stand-in ({reason})")
        case ["official"]:
            require_official()
        case ["renew"]:
            renew_stand_ins()
    ensure_all()
    say(f"ready: {', '.join([*BASES, *(name for stack in stacks() for name in built_images(stack))])}")


if __name__ == "__main__":
    program(main)
