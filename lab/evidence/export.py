"""What goes into an export: the exercises as they are here, judged, and what they were judged with."""

import getpass
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from engine.core import ROOT, UserError
from engine.docker import ask, why_silent
from engine.images import BASES
from lab.checks.command import SHIPPED
from lab.checks.registry import Check, all_checks
from lab.checks.sandbox import host, timelapse
from lab.evidence.form import MOST_TEXT, Evidence, Exercise, State
from lab.evidence.judging import judge_texts, own_folder
from lab.progress.store import Answer

NO_ENGINE = "no Docker engine answered"
NOBODY = {"", "root", "localhost"}  # names that many have


def evidence(name: str, answers: Mapping[str, Answer]) -> Evidence:
    """What a learner has done here. What is as shipped is not judged: it fails, the tests of the course show that.

    Raises UserError when a file is no text, or a sandbox cannot be started.
    """
    exercises = {check.id: found(check) for check in all_checks().values()}
    engine = engine_answers()
    able = {id: one.text for id, one in exercises.items() if one.state is State.NOT_JUDGED and can_run(id, engine)}
    with own_folder() as folder:
        judged = judge_texts(able, folder)
        nameless = {id: _nameless(exercise, folder) for id, exercise in judged.items()}
    return Evidence(
        exercises | nameless, dict(answers), name, commit(), checks_digest(), versions(), image_ids() if engine else {}
    )


def found(check: Check) -> Exercise:
    """An exercise as its file is now, not judged yet. Raises UserError when it is not a text that can be exported."""
    if not check.path.is_file():
        return Exercise(State.MISSING)
    file, how = f"{check.lesson}/exercises/{check.file}", f"bring it back with: lab reset {check.id}"
    try:
        text = check.path.read_bytes().decode()
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 text: save it as such, or {how}") from None
    if len(text) > MOST_TEXT or "\0" in text:
        raise UserError(f"{file} has a NUL, or more than {MOST_TEXT:,} characters: shorten it, or {how}")
    if text == shipped()[check.id]:
        return Exercise(State.AS_SHIPPED, text)
    return Exercise(State.NOT_JUDGED, text, seen=NO_ENGINE)


@cache
def shipped() -> dict[str, str]:
    """Exercise → its text, as the course has it."""
    texts: dict[str, str] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return texts


def engine_answers() -> bool:
    """Whether an engine answers. None is started for it."""
    return os.environ.get("LAB_ENGINE") != "no" and not why_silent()


def can_run(id: str, engine: bool) -> bool:
    """Whether the check of an exercise has what it needs."""
    return engine or not all_checks()[id].needs_docker


def private_names() -> list[str]:
    """What an export does not say: who you are, what your machine is called, and where your files are."""
    host_name = socket.gethostname()
    return [str(ROOT), str(Path.home()), *({_user(), host_name, host_name.split(".")[0]} - NOBODY)]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return ""


def named_in(text: str, names: list[str]) -> str:
    """The first of the names that a text holds, as a word of its own; empty when it holds none."""
    return next((name for name in names if _word(name).search(text)), "")


def _word(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(name)}(?!\w)", re.IGNORECASE)


def _nameless(exercise: Exercise, folder: Path) -> Exercise:
    """The same, with `…` in what was expected and seen for what an export does not say. The text stays as it is."""
    lines = []
    for line in (exercise.expected, exercise.seen):
        for name in sorted([str(folder), *private_names()], key=len, reverse=True):
            line = _word(name).sub("…", line)
        lines.append(line)
    return replace(exercise, expected=lines[0], seen=lines[1])


def commit() -> str:
    """The commit of the course; empty where it is no checkout, or git is not there."""
    if not (ROOT / ".git").exists():
        return ""
    try:
        asked = subprocess.run(("git", "rev-parse", "HEAD"), cwd=ROOT, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


@cache
def checks_digest() -> str:
    """A digest of the checks, and of the exercises as they are shipped: two verdicts with the same one can be compared."""
    total = hashlib.sha256(SHIPPED.read_bytes())
    for file in sorted((ROOT / "lab/checks").rglob("*.py")):
        total.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return total.hexdigest()[:16]


def versions() -> dict[str, str]:
    """The versions of Python, of Prefect as the course pins it, and of `lab`."""
    pinned = re.search(r"^prefect==(\S+)", (ROOT / "03-prefect/requirements.txt").read_text(), re.M)
    return {
        "python": platform.python_version(),
        "prefect": pinned[1] if pinned else "",
        "lab": importlib.metadata.version("beyond-cron"),
    }


def image_ids() -> dict[str, str]:
    """The ids of the images that the engine holds: those that the checks run in, and what they are built from."""
    names = [*BASES, timelapse.IMAGE, host.IMAGE]
    ids = {name: ask("image", "inspect", "--format", "{{.Id}}", name) for name in names}
    return {name: id for name, id in ids.items() if id}
