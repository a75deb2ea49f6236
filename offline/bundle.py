"""The class bundle: one tar with everything the course needs, for machines without network.

`python3 -m offline.bundle make PATH` writes it: images, the built site, Python wheels, and a manifest with versions
and checksums. `python3 -m offline.bundle load PATH` checks and loads it, and needs the standard library only.
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
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from lab.engine import CACHE, ROOT, Trouble, docker, ready, require_space, run, say, step
from offline.images import BASES, build, built_images, ensure_all, fingerprint, mark_built, stacks, warm_build_cache

UNPACKED = CACHE / "bundle"


def machine() -> str:
    """What wheels and images are made for, e.g. "Python 3.11 on Linux x86_64"."""
    return f"Python {sys.version_info[0]}.{sys.version_info[1]} on {platform.system()} {platform.machine()}"


def make(bundle: Path) -> None:
    """Write a bundle. Needs an engine, the network for what is not there yet, and `.venv` for the site."""
    if not ready():
        raise Trouble("a bundle needs a Docker engine, and none answers here: make up starts one where it can")
    ensure_all()
    for stack in stacks():
        build(stack, "--build-arg", "BUILDKIT_INLINE_CACHE=1")  # see warm_build_cache
    names = [*BASES, *(name for stack in stacks() for name in built_images(stack))]
    bundle.parent.mkdir(parents=True, exist_ok=True)
    require_space(bundle.parent)
    with TemporaryDirectory(dir=bundle.parent) as work:
        folder = Path(work)
        with step(f"saving {len(names)} images"):
            run("docker", "save", "--output", str(folder / "images.tar"), *names, log="save-images")
        with step("building the site"):
            command = (sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir")
            run(*command, str(folder / "site"), log="build-site")
        with step("downloading the Python wheels"):
            pip = (sys.executable, "-m", "pip", "download", "--only-binary=:all:", "--dest", str(folder / "wheels"))
            run(*pip, "--require-hashes", "--requirement", "requirements/lab.txt", log="download-wheels")
            run(*pip, "pip", log="download-pip")
            # A package that is pinned to another version on another Python 3.11: bring both along.
            for pin in re.findall(r"^(\S+) ; python_full_version", (ROOT / "requirements/lab.txt").read_text(), re.M):
                run(*pip, "--no-deps", "--ignore-requires-python", pin, log="download-wheels")
        with step("writing the bundle"):
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            manifest = {
                "made for": machine(),
                "commit": subprocess.run(
                    ("git", "describe", "--always", "--dirty"), capture_output=True, text=True, cwd=ROOT
                ).stdout.strip(),
                "images": {name: docker("image", "inspect", "--format", "{{.Id}}", name) for name in names},
                "fingerprints": {stack.name if stack != ROOT else "": fingerprint(stack) for stack in stacks()},
                "sha256": {str(path.relative_to(folder)): checksum(path) for path in files},
            }
            (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
            part = folder.with_suffix(".tar")
            with tarfile.open(part, "w") as tar:
                for path in [folder / "manifest.json", *files]:
                    tar.add(path, path.relative_to(folder))
            part.replace(bundle)
    say(f"{bundle}: {bundle.stat().st_size / 1e6:.0f} MB, {len(names)} images, for {machine()}")


def checksum(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(bundle: Path) -> None:
    """Check the bundle, load its images where an engine answers, and make `.venv` from its wheels.

    Raises Trouble when it is missing, damaged, or made for another kind of machine.
    """
    require_space(ROOT)
    with step(f"checking {bundle}"):
        manifest = unpack(bundle)
    if ready(install=False):
        with step(f"loading {len(manifest['images'])} images"):
            run("docker", "load", "--input", str(UNPACKED / "images.tar"), log="load-images")
        for stack in stacks():
            warm_build_cache(stack)
            mark_built(stack, manifest["fingerprints"].get(stack.name if stack != ROOT else "", ""))
    else:
        say("no Docker engine here: the images stay out, the pages and `lab` work without")
    (UNPACKED / "images.tar").unlink()
    with step("making .venv from the bundle's wheels"):
        folder = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(UNPACKED / "wheels"), "PYTHON": sys.executable}
        run("make", "--no-print-directory", ".venv/lab.stamp", log="make-venv", env=os.environ | folder)
    say(f"Loaded. The built site is in {(UNPACKED / 'site').relative_to(ROOT)}. Next: make up")


def unpack(bundle: Path) -> dict[str, Any]:
    """Unpack a bundle into `.cache/bundle`, every checksum compared; its manifest."""
    again = "copy it again, or name another with BUNDLE=/path/to/beyond-cron-bundle.tar make unbundle"
    if not bundle.is_file():
        raise Trouble(f"there is no bundle at {bundle}: BUNDLE=/path/to/beyond-cron-bundle.tar make unbundle")
    shutil.rmtree(UNPACKED, ignore_errors=True)
    try:
        with tarfile.open(bundle, "r:") as tar:
            manifest: dict[str, Any] = json.load(member(tar, "manifest.json"))
            if manifest["made for"] != machine():
                raise Trouble(f"{bundle} is for {manifest['made for']}, not {machine()}: make one on such a machine")
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
        raise Trouble(f"{bundle} is damaged ({error}): {again}") from None
    return manifest


def member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    """The open file of that name in a tar."""
    file = tar.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is not a file")
    return file


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["make", path]:
            make(Path(path))
        case ["load", path]:
            load(Path(path))
        case _:
            raise Trouble("usage: python3 -m offline.bundle make PATH, or load PATH")
