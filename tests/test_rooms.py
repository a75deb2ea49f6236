"""The map of the house, read from its imports: arrows run down, and nothing runs in a circle."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from engine.core import ROOT

# Room → the rooms that it may import.
MAY: dict[str, set[str]] = {
    "engine": set(),
    "bench": {"engine"},
    "contrast": {"engine"},
    "lab": {"engine", "contrast"},
    "docs": {"engine"},
    "tests": {"engine", "bench", "contrast", "lab", "docs", "tests"},
}
# What cron does with a crontab: parts of the wing `cron` that other wings build on.
PARTS = ("crontab", "runs", "shell", "explain", "lint", "timers", "zones")
SHARED = tuple(f"lab.cron.{part}" for part in PARTS)
# What several wings know of exercises: which there are, how a page has them, and what was judged before.
EXERCISES = ("lab.checks.registry", "lab.pages.exercises", "lab.progress.store")
# What judges an exercise is the command that the lesson teaches: the wing `checks` asks that of `lab migrate`.
JUDGING = ("lab.migrate.",)
# What a learner has done is what the checks say: the wing `evidence` runs them.
CHECKS = ("lab.checks.runner", "lab.checks.sandbox", "lab.checks.command.SHIPPED")
# A shift breaks what `lab break` breaks, and its post-mortem quotes `lab why`: the wing `oncall` has no faults of its own.
ON_CALL = ("lab.faults.", "lab.why.")
MORE = {"checks": JUDGING, "evidence": CHECKS, "oncall": ON_CALL}
LESSONS = sorted(path.name for path in ROOT.glob("[0-9][0-9]-*"))


def imports(file: Path) -> set[str]:
    """The modules that a file imports, wherever in it: also inside a function, where an arrow could hide."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno}: an import says its whole name"
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def files_of(folder: Path) -> list[Path]:
    """The Python files of a folder; not those that are installed in it, such as in `03-prefect/.venv`."""
    return [
        path
        for path in folder.rglob("*.py")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def arrows(room: str) -> set[str]:
    """The rooms that the files of a room import."""
    files = [*files_of(ROOT / room), *([ROOT / "conftest.py"] if room == "tests" else [])]
    return {name.split(".")[0] for file in files for name in imports(file)} & set(MAY) - {room}


def test_arrows_run_down() -> None:
    drawn = {room: arrows(room) for room in MAY}
    for room, into in drawn.items():
        print(f"{room} → {', '.join(sorted(into)) or 'nothing'}")
    print(f"{', '.join(LESSONS)} → nothing")
    assert {room: into - MAY[room] for room, into in drawn.items() if into - MAY[room]} == {}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_imports_no_tool(lesson: str) -> None:
    assert arrows(lesson) == set()


def test_the_wings_of_lab_do_not_import_each_other() -> None:
    """Only `cli.py` knows them all; what they share is `console.py`, what cron does, and exercises.

    Checks ask what they judge by, evidence asks the checks.
    """
    lab = ROOT / "lab"
    wings = {path.name for path in lab.iterdir() if (path / "__init__.py").exists()}
    crossing = {
        f"{wing} → {name}"
        for wing in wings
        for file in (lab / wing).rglob("*.py")
        for name in imports(file)
        if name.startswith("lab.") and name.split(".")[1] in wings - {wing}
        if not name.startswith(SHARED + EXERCISES + MORE.get(wing, ()))
    }
    assert crossing == set()


@pytest.mark.parametrize(
    ("module", "missing"),
    [
        ("engine.bundle", ("typer", "rich", "markdown", "cronsim")),  # `make unbundle` runs before there is a .venv
        ("lab.pages.extension", ("typer", "rich", "cronsim")),  # what the image of the site lacks
    ],
)
def test_it_needs_no_package_that_is_not_there(module: str, missing: tuple[str, ...]) -> None:
    block = "; ".join(f"sys.modules[{name!r}] = None" for name in missing)
    subprocess.run([sys.executable, "-c", f"import sys; {block}; import {module}"], cwd=ROOT, check=True, timeout=60)


def test_the_ground_room_is_standard_library_only() -> None:
    files = (ROOT / "engine").glob("*.py")
    used = {name.split(".")[0] for file in files for name in imports(file)} - {"engine"}
    assert used <= set(sys.stdlib_module_names)
