"""`lab watch`: an exercise is checked again whenever its file is saved."""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from engine.core import UserError
from lab.checks.registry import find_checks
from lab.console import ended_by_signals, fail, interrupted, out, plural

LOOK = 0.1  # seconds between two looks at the files: a save waits for two of them at most

Mark = tuple[int, int, int]  # which file it is, when it was written, how long it is


def command(check: Callable[[str], None]) -> Callable[..., None]:
    """`lab watch`, with what checks one exercise and says how it went."""

    def watch(
        name: Annotated[str | None, typer.Argument(help="A lesson (02-cron) or an exercise (02-cron/percent).")] = None,
    ) -> None:
        """Check an exercise again whenever you save its file, until you press Ctrl+C."""
        files = {one.path: one.id for one in find_checks(name)}
        marks = _marks(files)  # before the line that invites to save
        out.print(f"watching {plural(len(files), 'file')}: each save is checked, Ctrl+C ends this")
        try:
            with ended_by_signals():
                for file in saved(marks):
                    out.print(f"{files[file]} was saved", markup=False)
                    _again(check, files[file])
        except (KeyboardInterrupt, SystemExit):
            interrupted(out)
            raise

    return watch


def _again(check: Callable[[str], None], id: str) -> None:
    """Check one exercise, and go on however that ends: a file may be gone, and the engine may be off."""
    try:
        check(id)
    except typer.Exit:  # it failed, and has said so
        pass
    except UserError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{id} cannot be checked: {error}")


def saved(known: dict[Path, Mark | None]) -> Iterator[Path]:
    """Yield a file each time it was saved since it had the mark that is known of it.

    An editor writes in several steps, or moves another file to its place: a save is over when the file is there, and is
    the same at two looks.
    """
    before = known
    while True:
        time.sleep(LOOK)
        now = _marks(known)
        for file, mark in now.items():
            if mark and mark == before[file] and mark != known[file]:
                known = known | {file: mark}
                yield file
        before = now


def _marks(files: Iterable[Path]) -> dict[Path, Mark | None]:
    """The marks of these files."""
    return {file: _mark(file) for file in files}


def _mark(file: Path) -> Mark | None:
    """What changes when a file is saved; None when there is no file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
