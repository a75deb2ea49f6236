"""What a committed record was made from: a digest of its inputs, written into it and compared later."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from engine.core import ROOT


def digest(paths: Iterable[Path]) -> str:
    """The SHA-256, in hexadecimal, of the names and contents of these files, and of all files below these folders.

    A name is relative to the course, or whole outside of it. What Python leaves in `__pycache__` does not count, nor
    does the order of `paths`, or that in which the file system lists them. Raises FileNotFoundError for a path that
    is not there: a record must not match because an input has been renamed.
    """
    files: dict[str, Path] = {}
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(path)
        for file in path.rglob("*") if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                files[_name(file)] = file
    total = hashlib.sha256()
    for name, file in sorted(files.items()):
        content = file.read_bytes()
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()


def _name(file: Path) -> str:
    """The name under which a file counts."""
    whole = file.resolve()
    return (whole.relative_to(ROOT) if whole.is_relative_to(ROOT) else whole).as_posix()
