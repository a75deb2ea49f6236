"""Every block on a page is a `console` session that runs, or a file of the lab that is included; nothing else."""

import math
import re
from pathlib import Path

import pytest

from lab.checks import LESSONS, all_checks
from lab.exercises import read_exercises

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S)
INCLUDE = re.compile(r'\s*--8<-- "(?P<path>[^"]+)"\s*')


def included(text: str) -> set[str]:
    return {found["path"] for found in INCLUDE.finditer(text)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_code_of_its_own(page: Path) -> None:
    for fence in FENCE.finditer(page.read_text()):
        include = INCLUDE.fullmatch(fence["body"])
        assert fence["info"] == "console" or include, f"typed by hand in {page.name}:\n{fence[0]}"
        if include:
            assert f'title="{include["path"]}"' in fence["info"], f"{page.name}: the title is not the path\n{fence[0]}"


def files_of(lesson: str) -> list[str]:
    """The files of a lesson that are its own: none that begins with a dot, none that Python or a learner made."""
    inside = (path.relative_to(ROOT) for path in (ROOT / lesson).rglob("*") if path.is_file())
    # Of the fault board the pages show what runs in its lanes; the Python beside it is a tool, as that of lab/ is.
    paths = [path for path in inside if lesson != "contrast" or path.parent.name != lesson or path.suffix == ".yml"]
    return [
        str(path)
        for path in paths
        if not any(part.startswith((".", "__pycache__")) for part in path.parts)
        and path.suffix != ".yours"
        and path.name != "__init__.py"
        and (path.parent.name != "results" or path.suffix != ".json")
    ]


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_file_of_a_lesson_is_shown(lesson: str) -> None:
    shown = set().union(*(included(page.read_text()) for page in PAGES))
    # A lock file is written by a program: thousands of lines of hashes, which no one reads.
    missing = {file for file in files_of(lesson) if not file.endswith(".lock")} - shown
    assert not missing, f"shown by no page: {sorted(missing)}"


def most_lines(file: str) -> float:
    """How long a file of a lesson may be, so that a reader takes it in at one sitting."""
    if file.endswith(".lock"):  # see above
        return math.inf
    if "/host/" in file or file.startswith("contrast/inside/"):  # a tool, not a lesson: as long as a module of lab/
        return 250
    if file.startswith(("contrast/docker", "contrast/lanes/prefect")):  # three lanes, and the flows of all faults
        return 100
    return 80 if file.endswith((".yaml", ".yml")) else 60


@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson_files_are_short(lesson: str) -> None:
    lines = {file: len((ROOT / file).read_text().splitlines()) for file in files_of(lesson)}
    assert not {file: count for file, count in lines.items() if count > most_lines(file)}


@pytest.mark.parametrize("lesson", LESSONS)
def test_check_exercises_and_checks_have_the_same_names(lesson: str) -> None:
    on_page = [e.id for e in read_exercises(ROOT / "docs" / "en" / f"{lesson}.md") if e.kind == "check"]
    assert sorted(f"{lesson}/{name}" for name in on_page) == sorted(c for c in all_checks() if c.startswith(lesson))


def test_a_lesson_page_ends_with_cleaning_up() -> None:
    for lesson in LESSONS:
        fences = [
            f for f in FENCE.finditer((ROOT / "docs" / "en" / f"{lesson}.md").read_text()) if f["info"] == "console"
        ]
        assert "docker compose down" in fences[-1]["body"]


def test_lessons_have_enough_exercises() -> None:
    for lesson, least, least_checks in (
        ("01-intro", 6, 2),
        ("02-cron", 14, 6),
        ("03-prefect", 15, 6),
        ("contrast", 10, 4),
    ):
        kinds = [e.kind for e in read_exercises(ROOT / "docs" / "en" / f"{lesson}.md")]
        assert len(kinds) >= least and kinds.count("check") >= least_checks
