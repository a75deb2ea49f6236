"""What the playground of the site runs, in `theme/assets/pyodide`: Python for browsers, and the modules of `lab cron`.

`python -m docs.playground` makes it, and again only what has changed. Python for browsers is Pyodide, which npm brings
once, 6 MB; where it cannot, the page names the commands that say the same.
"""

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo
from zoneinfo import TZPATH, available_timezones

from engine.core import CACHE, ROOT, UserError, program, say, step

PYODIDE = "pyodide@314.0.7"
SHA512 = "0YvXxEhfEdpLfb/XkM2BFAeMROq0iMUX2bzzH9pOttyMcWkwq+HbE5uyuGD82LN7y2q+SNvi/6V5JEsOlD2R1A=="  # of npm's archive
FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
FOLDER = ROOT / "theme/assets/pyodide"
BUNDLED = CACHE / "bundle/site/assets/pyodide"  # what a class bundle has brought
PATIENCE = 300  # seconds, for npm
RETRIES = ("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")  # milliseconds


def main() -> None:
    """Make the folder of this checkout, and say how large it is."""
    size = make(FOLDER)
    say(f"the playground is in {FOLDER.relative_to(ROOT)}, {size / 1e6:.1f} MB")


def make(folder: Path) -> int:
    """Put what is missing into a folder, and return the bytes that a browser loads.

    Raises UserError where npm is missing, or does not give the files: then the site is built without the playground.
    """
    folder.mkdir(exist_ok=True)
    write(folder / "lab.zip", modules())
    if origin(folder) != SHA512:
        (folder / "head.html").unlink(missing_ok=True)
        if origin(BUNDLED) == SHA512:
            shutil.copytree(BUNDLED, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("lab.zip"))
        else:
            with step("getting Python for browsers from npm, 6 MB"):
                unpack(archive(), folder)
    size = sum((folder / name).stat().st_size for name in (*FILES, "lab.zip"))
    # The theme's main.html includes it: so a page knows that the playground is there before it asks for any of it.
    write(folder / "head.html", f'<meta name="playground" content="{size / 1e6:.0f} MB">\n'.encode())
    return size


def write(path: Path, content: bytes) -> None:
    """Write a file unless it has that content: what serves the site builds it again after each change."""
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def origin(folder: Path) -> str:
    """The checksum of the archive that a folder's files come from; empty where they are not all there."""
    mark = folder / "sha512.txt"
    return mark.read_text() if mark.exists() else ""


def archive() -> bytes:
    """The archive of Pyodide from npm. Raises UserError where npm is missing, or gives none, or another one."""
    if not shutil.which("npm"):
        raise UserError("no playground on the site: npm is not installed; install it, then: make playground")
    with TemporaryDirectory() as folder:
        command = ("npm", "pack", "--loglevel=error", *RETRIES, PYODIDE)
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise UserError(
                f"no playground on the site: npm has not answered in {PATIENCE} s; make playground"
            ) from None
        found = [path.read_bytes() for path in Path(folder).glob("*.tgz")]
    if done.returncode or not found:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise UserError(f"no playground on the site: npm gives no {PYODIDE} ({said[0].strip()}); make playground")
    if base64.b64encode(hashlib.sha512(found[0]).digest()).decode() != SHA512:
        raise UserError(f"no playground on the site: npm gives another {PYODIDE} than the one that is pinned")
    return found[0]


def unpack(packed: bytes, folder: Path) -> None:
    """Put the files of the archive that a browser needs into a folder."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for name in FILES:
            content = tar.extractfile(f"package/{name}")
            assert content, f"{name} is a file of the archive that is pinned"
            (folder / name).write_bytes(content.read())
    (folder / "sha512.txt").write_text(SHA512)


def modules() -> bytes:
    """A zip with all that `lab cron` needs: its modules, cronsim, and this machine's time zones, as its commands have them."""
    own = [
        ROOT / "engine/__init__.py",
        ROOT / "engine/core.py",
        ROOT / "lab/__init__.py",
        *(ROOT / "lab/cron").glob("*.py"),
    ]
    files = {str(path.relative_to(ROOT)): path.read_bytes() for path in own}
    library = find_spec("cronsim")
    assert library and library.origin
    files |= {f"cronsim/{path.name}": path.read_bytes() for path in Path(library.origin).parent.glob("*.py")}
    files |= {f"zoneinfo/{name}": zone_data(name) for name in available_timezones()}
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as zipped:
        for name, content in sorted(files.items()):
            zipped.writestr(
                ZipInfo(name), content, ZIP_DEFLATED
            )  # without a date, so that equal files make an equal zip
    return made.getvalue()


def zone_data(name: str) -> bytes:
    """The data of a time zone, from where Python's zoneinfo has it: the system, else the package tzdata."""
    found = next((path for path in (Path(folder, name) for folder in TZPATH) if path.is_file()), None)
    return found.read_bytes() if found else resources.files("tzdata").joinpath("zoneinfo", name).read_bytes()


if __name__ == "__main__":
    program(main)
