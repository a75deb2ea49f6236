"""The class bundle: one tar with everything the course needs, for machines without network.

`python3 -m engine.bundle make PATH` writes it: the images for one architecture, the built site, Python wheels for every
platform, and a manifest with versions and checksums. So a class needs one bundle for amd64 and one for arm64, whatever
its systems. `python3 -m engine.bundle load PATH` checks and loads it, and needs the standard library only.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from engine.core import CACHE, ROOT, UserError, program, run, say, step
from engine.docker import docker, ready, require_engine, require_space
from engine.images import BASES, build, built_images, ensure_all, fingerprint, mark_built, stacks, warm_build_cache

UNPACKED = CACHE / "bundle"
LOCK = ROOT / "requirements/lab.txt"
AT_ONCE = 4  # runs of pip
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {  # a system and its processor → how wheels name them
    "Linux x86_64": ("manylinux_2_28_x86_64", "manylinux2014_x86_64"),
    "Linux aarch64": ("manylinux_2_28_aarch64", "manylinux2014_aarch64"),
    "Darwin arm64": ("macosx_14_0_arm64",),
    "Darwin x86_64": ("macosx_14_0_x86_64",),
}


def machine() -> str:
    """The kind of machine that this is to wheels, e.g. "Python 3.11 on Linux x86_64"."""
    return f"Python {sys.version_info[0]}.{sys.version_info[1]} on {platform.system()} {platform.machine()}"


def architecture() -> str:
    """The kind of processor that this engine's images are for: amd64 or arm64."""
    return docker("version", "--format", "{{.Server.Arch}}")


def download_wheels(folder: Path) -> list[str]:
    """Download the wheels of the locked packages; return the kinds of machines that they serve.

    Those with compiled code are brought for every other kind that has them, too. Raises UserError when one for this
    kind is missing.
    """
    pip = (sys.executable, "-m", "pip", "download", "--only-binary=:all:", "--dest", str(folder))
    run(*pip, "--require-hashes", "--requirement", str(LOCK), log="download-wheels")
    run(*pip, "pip", log="download-pip")
    text = LOCK.read_text()
    # A package that is pinned to another version on another Python 3.11: bring both along.
    for pin in re.findall(r"^(\S+) ; python_full_version", text, re.M):
        run(*pip, "--no-deps", "--ignore-requires-python", pin, log="download-wheels")
    built = {wheel.name.split("-")[0] for wheel in folder.glob("*.whl") if not wheel.name.endswith("-none-any.whl")}
    pins = [pin for pin in re.split(r"^(?=\S)", text, flags=re.M) if pin.partition("==")[0].replace("-", "_") in built]
    with TemporaryDirectory(dir=folder.parent) as work, ThreadPoolExecutor(AT_ONCE) as pool:
        compiled = Path(work, "compiled.txt")
        compiled.write_text("".join(pins))

        def bring(kind: str, tags: list[str]) -> bool:
            """Whether each of them has a wheel for that kind of machine."""
            words = ("--require-hashes", "--no-deps", "--requirement", str(compiled), "--dest", str(Path(work, kind)))
            try:
                run(*pip[:-2], *words, *tags, log=f"download-wheels-{kind.replace(' ', '-')}")
            except UserError:
                return False
            return True

        others = other_machines()
        brought = dict(zip(others, pool.map(bring, others, others.values()), strict=True))
        for wheel in (wheel for kind, came in brought.items() if came for wheel in Path(work, kind).iterdir()):
            wheel.replace(folder / wheel.name)
    return sorted([machine(), *(kind for kind, came in brought.items() if came)])


def other_machines() -> dict[str, list[str]]:
    """Every kind of machine but this one → what tells pip of it."""
    return {
        f"Python {python} on {kind}": ["--python-version", python, *(f"--platform={tag}" for tag in tags)]
        for kind, tags in PLATFORMS.items()
        for python in PYTHONS
        if f"Python {python} on {kind}" != machine()
    }


def make(bundle: Path) -> None:
    """Write a bundle. This needs an engine, `.venv` for the site, and the network for what is not there yet."""
    require_engine("a bundle", install=True)
    ensure_all()
    for stack in stacks():
        build(stack, "--build-arg", "BUILDKIT_INLINE_CACHE=1")  # see warm_build_cache
    names = [*BASES, *(name for stack in stacks() for name in built_images(stack))]
    bundle.parent.mkdir(parents=True, exist_ok=True)
    require_space(bundle.parent)
    with TemporaryDirectory(dir=bundle.parent) as work:
        folder = Path(work)
        with step(f"saving {len(names)} images"):
            run("docker", "save", "--output", str(folder / f"images-{architecture()}.tar"), *names, log="save-images")
        with step("building the site"):
            command = (sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir")
            run(*command, str(folder / "site"), log="build-site")
        with step("downloading the Python wheels"):
            served = download_wheels(folder / "wheels")
        with step("writing the bundle"):
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            manifest = {
                "wheels": served,
                "commit": subprocess.run(
                    ("git", "describe", "--always", "--dirty"), capture_output=True, text=True, cwd=ROOT
                ).stdout.strip(),
                "images": {
                    architecture(): {name: docker("image", "inspect", "--format", "{{.Id}}", name) for name in names}
                },
                "fingerprints": {stack.name if stack != ROOT else "": fingerprint(stack) for stack in stacks()},
                "sha256": {str(path.relative_to(folder)): checksum(path) for path in files},
            }
            (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
            part = folder.with_suffix(".tar")
            with tarfile.open(part, "w") as tar:
                for path in [folder / "manifest.json", *files]:
                    tar.add(path, path.relative_to(folder))
            part.replace(bundle)
    size = f"{bundle.stat().st_size / 1e6:.0f} MB"
    say(f"{bundle}: {size}, {len(names)} images for {architecture()}, wheels for {len(served)} kinds of machines")
    if lacking := sorted({*other_machines()} - {*served}):
        say(f"no wheels for {', '.join(lacking)}: the reasons are in .cache/download-wheels-*.log")


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(bundle: Path) -> None:
    """Check the bundle, load its images where an engine answers, and make `.venv` from its wheels.

    Raises UserError when it is missing, damaged, or made for other machines.
    """
    require_space(ROOT)
    mine = architecture() if ready(install=False) else ""
    with step(f"checking {bundle}"):
        manifest = unpack(bundle, mine)
    if mine:
        with step(f"loading {len(manifest['images'][mine])} images"):
            run("docker", "load", "--input", str(UNPACKED / f"images-{mine}.tar"), log="load-images")
        for stack in stacks():
            warm_build_cache(stack)
            mark_built(stack, manifest["fingerprints"].get(stack.name if stack != ROOT else "", ""))
    else:
        say("no Docker engine here: the images stay out, the pages and `lab` work without")
    for images in UNPACKED.glob("images-*.tar"):
        images.unlink()
    with step("making .venv from the bundle's wheels"):
        folder = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(UNPACKED / "wheels"), "PYTHON": sys.executable}
        run("make", "--no-print-directory", ".venv/lab.stamp", log="make-venv", env=os.environ | folder)
    say(f"Loaded. The built site is in {(UNPACKED / 'site').relative_to(ROOT)}. Next: make up")


def require_fit(bundle: Path, manifest: dict[str, Any], engine: str) -> None:
    """Raise UserError when a bundle has no wheels for this machine, or no images for the architecture of its engine."""
    if machine() not in manifest["wheels"]:
        raise UserError(f"{bundle} has no wheels for {machine()}: make one on such a machine, or take another Python")
    if engine and engine not in manifest["images"]:
        raise UserError(
            f"{bundle} has images for {', '.join(manifest['images'])}, and this engine is {engine}: take the bundle for "
            f"{engine}, or only the pages and lab of this one: LAB_ENGINE=no make unbundle"
        )


def unpack(bundle: Path, engine: str = "") -> dict[str, Any]:
    """Unpack a bundle into `.cache/bundle`, compare every checksum, and return its manifest.

    `engine` is the architecture of the engine that the images are for, empty without one.
    Raises UserError when it is missing, damaged, or made for other machines.
    """
    again = "copy it again, or name another with BUNDLE=/path/to/beyond-cron-bundle.tar make unbundle"
    if not bundle.is_file():
        raise UserError(f"there is no bundle at {bundle}: BUNDLE=/path/to/beyond-cron-bundle.tar make unbundle")
    shutil.rmtree(UNPACKED, ignore_errors=True)
    try:
        with tarfile.open(bundle, "r:") as tar:
            manifest: dict[str, Any] = json.load(member(tar, "manifest.json"))
            require_fit(bundle, manifest, engine)
            for name, expected in manifest["sha256"].items():
                path = UNPACKED / name
                if not path.resolve().is_relative_to(UNPACKED):
                    raise ValueError(f"{name} would leave the folder")
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    shutil.copyfileobj(member(tar, name), file, 2**20)
                if checksum(path) != expected:
                    raise ValueError(f"the checksum of {name} is wrong")
    except (tarfile.TarError, KeyError, ValueError, EOFError) as error:
        raise UserError(f"{bundle} is damaged ({error}): {again}") from None
    return manifest


def member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    """The open file of that name in a tar. Raises ValueError when it is not a file."""
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is not a file")
    return file


def main() -> None:
    """Make or load a bundle, as the command line says."""
    match sys.argv[1:]:
        case ["make", path]:
            make(Path(path))
        case ["load", path]:
            load(Path(path))
        case _:
            raise UserError("usage: python3 -m engine.bundle make PATH, or load PATH")


if __name__ == "__main__":
    program(main)
