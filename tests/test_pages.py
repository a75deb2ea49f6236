"""Every block on a page is a `console` session that runs, or a file of the lab that is included; nothing else."""

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


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_file_of_a_lesson_is_shown(lesson: str) -> None:
    shown = set().union(*(included(page.read_text()) for page in PAGES))
    files = {
        str(f.relative_to(ROOT)) for f in (ROOT / lesson).rglob("*") if f.is_file() and "__pycache__" not in f.parts
    }
    ours = {f for f in files if not f.endswith((".yours", ".dockerignore"))}
    assert ours <= shown, f"shown by no page: {sorted(ours - shown)}"


@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson_files_are_short(lesson: str) -> None:
    long = {
        str(f): n
        for f in (ROOT / lesson).rglob("*.*")
        if f.is_file() and f.suffix != ".pyc" and (n := len(f.read_text().splitlines())) > 40
    }
    assert not long


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
    for lesson, least, least_checks in (("01-intro", 6, 2), ("02-cron", 14, 6)):
        kinds = [e.kind for e in read_exercises(ROOT / "docs" / "en" / f"{lesson}.md")]
        assert len(kinds) >= least and kinds.count("check") >= least_checks
