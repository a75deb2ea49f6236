"""Evidence: an export says what was done and nothing of who did it, `verify` finds what differs, a class is one page."""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine.core import ROOT
from lab.checks.registry import all_checks
from lab.cli import app
from lab.evidence.container import COURSE, judge_in_container
from lab.evidence.export import evidence, shipped
from lab.evidence.form import Evidence, Exercise, State, read, written
from lab.evidence.judging import own_folder
from lab.evidence.strict import MOST_BYTES
from lab.evidence.table import cell
from lab.evidence.verify import NOT_TRUSTED, judge
from lab.progress.store import Answer

pytestmark = pytest.mark.slow  # exercises are judged
LOADED, AGAIN = "04-incidents/idempotent", "05-migration/batch-again"  # no Docker, no clock, and soon done
NAMES = ["<script>alert(1)</script>", '=HYPERLINK("http://evil.example")', "Zoë", "", "\u202eanA"]
ANSWERS = {"minute-field": Answer("2", "wrong"), "why-locks": Answer("so that …", "compared", True)}


def lab(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module", autouse=True)
def no_engine() -> Iterator[None]:
    """So that these tests are the same on every machine. That of the container asks its engine itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_ENGINE", "no")
        yield


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The exercises of a learner, as shipped."""
    folder = tmp_path_factory.mktemp("course")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lab.checks.registry.ROOT", folder)
        for id, check in all_checks().items():
            check.path.parent.mkdir(parents=True, exist_ok=True)
            check.path.write_bytes(shipped()[id].encode())
        yield folder


def solution(id: str) -> str:
    """The text of a solution, from the real course."""
    check = all_checks()[id]
    return (ROOT / check.lesson / "solutions" / check.file).read_text()


def edit(id: str, state: State) -> None:
    """Do an exercise, so that its check gives that state; or bring it back."""
    check = all_checks()[id]
    check.path.write_text({State.AS_SHIPPED: shipped()[id], State.PASSED: solution(id)}.get(state, "print(1 / 0)\n"))


@pytest.fixture(scope="module")
def nine(course: Path) -> list[Evidence]:
    """Exports of all that two exercises can be: judged by their real checks."""
    made = []
    for states in product((State.AS_SHIPPED, State.PASSED, State.FAILED), repeat=2):
        for id, state in zip((LOADED, AGAIN), states, strict=True):
            edit(id, state)
        made.append(evidence("", {}))
        assert [made[-1].exercises[id].state for id in (LOADED, AGAIN)] == list(states)
    edit(LOADED, State.AS_SHIPPED)
    edit(AGAIN, State.AS_SHIPPED)
    return made


@pytest.fixture(scope="module")
def thirty(nine: list[Evidence], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the exports of a class: some names are hostile, one learner has none."""
    folder = tmp_path_factory.mktemp("class")
    names = [*NAMES, *(f"Learner {number}" for number in range(30 - len(NAMES)))]
    for number, name in enumerate(names):
        one = replace(nine[number % 9], name=name, answers=ANSWERS if number % 2 else {})
        (folder / f"{number:02}.json").write_text(written(one))
    return folder


def test_an_export_can_be_read_again(nine: list[Evidence], tmp_path: Path) -> None:
    full = replace(nine[-1], name="Ana", answers=ANSWERS, images={"debian:trixie-slim": f"sha256:{'0' * 64}"})
    file = tmp_path / "ana.json"
    file.write_text(written(full))
    assert read(file, set(all_checks())) == full
    assert full.versions["prefect"] == "3.9.1" and re.fullmatch("[0-9a-f]{16}", full.checks)
    assert full.exercises[LOADED].seen == "ZeroDivisionError: division by zero"


TELLTALE = """
import getpass, os, socket, sys
sys.exit(f"{os.environ['HOME']}/x {__file__} {getpass.getuser()} {socket.gethostname()}")
"""


def test_an_export_says_neither_who_nor_where(course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though a check saw it: the program ends with an error that names all of it."""
    home, user, host = tmp_path / "home", "ana-lopes", socket.gethostname()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOGNAME", user)
    all_checks()[LOADED].path.write_text(TELLTALE)
    file = tmp_path / "out.json"
    try:
        code, printed, _ = lab("export", file)
        assert (code, printed) == (0, f"{file}: 1 failed, {len(all_checks()) - 1} as shipped\n")
        text = file.read_text()
        seen = json.loads(text)["exercises"][LOADED]["seen"]
        assert re.fullmatch(r"…/x …/0/idempotent\.py … …", seen), seen
        own = json.dumps([{**json.loads(text), "exercises": seen}])  # the texts of the course may have any word
        assert not re.search(rf"(?<!\w)({re.escape(str(home))}|{user}|{host}|{ROOT})(?!\w)", own) and user not in text
        code, printed, _ = lab("export", file, "--name", "Ana Lopes")
        assert json.loads(file.read_text())["name"] == "Ana Lopes"
        all_checks()[LOADED].path.write_text(f"# {home}/notes\n")
        _, printed, _ = lab("export", file)
        assert printed.endswith(f"your text of {LOADED} has {home} in it, and is exported as you wrote it\n")
    finally:
        edit(LOADED, State.AS_SHIPPED)


def test_what_needs_an_engine_is_exported_without_a_verdict(course: Path, tmp_path: Path) -> None:
    percent, weekdays = (all_checks()[f"02-cron/{name}"].path for name in ("percent", "weekdays"))
    percent.write_bytes(b"* * * * * mine\r\n")
    weekdays.unlink()
    try:
        code, printed, _ = lab("export", tmp_path / "out.json")
    finally:
        edit("02-cron/percent", State.AS_SHIPPED)
        edit("02-cron/weekdays", State.AS_SHIPPED)
    assert code == 0 and "1 missing, 1 not judged" in printed
    one = read(tmp_path / "out.json", set(all_checks())).exercises["02-cron/percent"]
    assert one == Exercise(State.NOT_JUDGED, "* * * * * mine\r\n", seen="no Docker engine answered")


@pytest.mark.parametrize(("content", "part"), [(b"\xff\xfe", "UTF-8"), (b"a\0b", "NUL"), (b"x" * 50_000, "40,000")])
def test_an_exercise_that_is_no_text_is_one_line(course: Path, tmp_path: Path, content: bytes, part: str) -> None:
    all_checks()[LOADED].path.write_bytes(content)
    try:
        code, printed, error = lab("export", tmp_path / "out.json")
    finally:
        edit(LOADED, State.AS_SHIPPED)
    assert (code, printed, error.count("\n")) == (2, "", 1) and part in error and "lab reset" in error
    assert not (tmp_path / "out.json").exists()


def test_the_answers_of_a_page_come_along(course: Path, tmp_path: Path) -> None:
    progress = tmp_path / "progress.json"
    states = {
        "minute-field": {"value": "2", "verdict": "right", "done": True},
        "read": {"done": True},
        "x": {},
    }
    progress.write_text(json.dumps({"format": "beyond-cron progress", "version": 1, "answers": states, "at": "now"}))
    assert lab("export", tmp_path / "out.json", "--progress", progress)[0] == 0
    assert read(tmp_path / "out.json", set(all_checks())).answers == {
        "minute-field": Answer("2", "right", True), "read": Answer(done=True), "x": Answer(),
    }  # fmt: skip


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_what_nobody_could_read_is_not_written(course: Path, tmp_path: Path, value: str) -> None:
    """A page can save such an answer; `lab verify` and `lab class` would refuse the file, and not the learner."""
    progress = tmp_path / "progress.json"
    answers = {"minute-field": {"value": value}}
    progress.write_text(json.dumps({"format": "beyond-cron progress", "version": 1, "answers": answers}))
    code, printed, error = lab("export", tmp_path / "out.json", "--progress", progress)
    assert (code, printed, error.count("\n")) == (2, "", 1) and "nothing is written" in error
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("states", "part"),
    [({"../x": {}}, "no id"), ({"x": 1}, "no object"), ({"x": {"done": "yes"}}, "neither true"), ([], "no object")],
)
def test_a_progress_file_that_is_none_is_one_line(tmp_path: Path, states: Any, part: str) -> None:
    progress = tmp_path / "progress.json"
    progress.write_text(json.dumps({"format": "beyond-cron progress", "version": 1, "answers": states}))
    code, printed, error = lab("export", tmp_path / "out.json", "--progress", progress)
    assert (code, printed, error.count("\n")) == (2, "", 1) and part in error


def test_verify_finds_thirty_exports_equal(thirty: Path) -> None:
    code, printed, error = lab("verify", "--trust", *sorted(thirty.iterdir()))
    assert (code, error) == (0, ""), printed
    assert [line.split(" verdict")[0] for line in printed.splitlines()][:9] == [
        f"0{number}.json: {count} of {count}" for number, count in enumerate((0, 1, 1, 1, 2, 2, 1, 2, 2))
    ]
    assert printed.count("as shipped\n") == 30


@pytest.mark.parametrize(
    ("id", "change", "part"),
    [
        (LOADED, {"state": "passed"}, "the file says passed, here it failed; seen: ZeroDivisionError"),
        (AGAIN, {"state": "as shipped"}, "the file says as shipped, and its text is another one"),
    ],
)
def test_verify_finds_an_altered_verdict(thirty: Path, tmp_path: Path, id: str, change: Any, part: str) -> None:
    altered = json.loads((thirty / "08.json").read_text())  # both failed
    altered["exercises"][id] |= change
    (tmp_path / "08.json").write_text(json.dumps(altered))
    code, printed, _ = lab("verify", "--trust", tmp_path / "08.json", thirty / "00.json")
    assert code == 1 and printed.startswith(f"08.json: differs: {id}: {part}")
    assert printed.splitlines()[1].startswith(f"08.json: 1 of {1 if id == AGAIN else 2} verdict")


def test_verify_runs_nothing_without_an_engine_or_your_trust(nine: list[Evidence], tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    exercise = Exercise(State.FAILED, f"open({str(trace)!r}, 'w')\n")
    (tmp_path / "x.json").write_text(written(replace(nine[0], exercises={LOADED: exercise})))
    code, printed, error = lab("verify", tmp_path / "x.json")
    assert (code, printed, error.count("\n")) == (2, "", 1) and "--trust" in error and "lab doctor" in error
    assert not trace.exists()
    assert lab("verify", "--trust", tmp_path / "x.json")[0] == 0 and trace.exists()  # it is what would have been run


def test_verify_says_what_it_cannot_judge(nine: list[Evidence], tmp_path: Path) -> None:
    exercises = {"02-cron/percent": Exercise(State.PASSED, "* * * * * x\n")}
    (tmp_path / "x.json").write_text(written(replace(nine[0], exercises=exercises, checks="0" * 16)))
    code, printed, _ = lab("verify", "--trust", tmp_path / "x.json")
    assert code == 2 and "x.json: not judged: 02-cron/percent: the file says passed; not judged here" in printed
    assert printed.endswith(
        "0 of 1 verdict the same, 0 as shipped; it was made with other checks than those of this course\n"
    )


def test_the_lane_of_the_board_is_run_only_for_who_is_trusted() -> None:
    assert (
        judge({"contrast/lock": Exercise(State.PASSED)}, engine=True, trust=False)["contrast/lock"].seen == NOT_TRUSTED
    )


def test_verify_leaves_nothing_behind(nine: list[Evidence]) -> None:
    with own_folder() as folder:
        kept = folder
    assert not kept.exists() and not list(kept.parent.glob("evidence-*"))


SPY = """
import os, socket
from pathlib import Path
found = []
try:
    socket.create_connection(("{gateway}", 53), timeout=3)
    found.append("network")
except OSError as error:
    found += ["refused"] * (error.errno == 111)  # somebody is there
found += [path for path in {paths!r} if Path(path).exists()]
for path in ("/course/lab/x", "/packages/x", "/etc/x"):
    try:
        Path(path).touch()
        found.append(path)
    except OSError:
        pass
print("found", *found)
"""


@pytest.mark.stack
def test_the_container_holds_a_program_in(tmp_path: Path) -> None:
    """It has no network, none of the files of this machine, no solution, and nothing to write to; a right answer passes."""
    paths = [
        str(ROOT),
        str(tmp_path),
        "/course/01-intro/solutions",
        "/course/.git",
        "/var/run/docker.sock",
    ]
    done = {id: solution(id) for id in (LOADED, AGAIN, "05-migration/refused")}
    judged = judge_in_container({**done, "01-intro/three-am": SPY.format(gateway="172.17.0.1", paths=paths)})
    assert [judged[id].state for id in done] == [State.PASSED] * 3, judged
    assert judged["01-intro/three-am"].seen.endswith("America/New_York: found, not a number of seconds")


def test_the_checks_read_nothing_of_the_course_that_the_container_lacks(tmp_path: Path) -> None:
    """The program of the container, on a copy of what is in it: what else is missing, a check would say."""
    for path in COURSE:
        copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
        (tmp_path / path).parent.mkdir(exist_ok=True)
        copy(ROOT / path, tmp_path / path)
    told = {
        "01-intro/lost-window": "import sys\nsys.exit('mine')\n",
        "05-migration/lock-limit": solution("05-migration/lock-limit"),
    }
    done = subprocess.run(
        [sys.executable, "-S", "-m", "lab.evidence.inside"], input=json.dumps(told), capture_output=True, text=True,
        cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{sysconfig.get_path('purelib')}"}, timeout=300,
    )  # fmt: skip
    judged = json.loads(done.stdout)
    assert judged["01-intro/lost-window"]["seen"] == "mine"  # and not that of orders.py
    assert judged["05-migration/lock-limit"]["state"] == "passed"


GOOD = {"exercises": {}, "answers": {}, "name": "", "commit": "", "checks": "", "images": {}}
VERSIONS = {"python": "", "prefect": "", "lab": ""}


def like(**change: Any) -> bytes:
    """An export with something in it that no export has."""
    value = {"format": "beyond-cron evidence", "version": 1, "versions": VERSIONS, **GOOD, **change}
    return json.dumps(value).encode()


def exercise(**change: Any) -> dict[str, Any]:
    return {LOADED: {"state": "failed", "text": "", "expected": "", "seen": "", **change}}


HOSTILE = {
    "empty": (b"", "not JSON"),
    "no text": (b"\x1f\x8b\x08" + b"\xff" * 99, "not UTF-8"),
    "no object": (b"[]", "format"),
    "another format": (like(format="x"), "format"),
    "a version that is true": (like(version=True), "version"),
    "a version to come": (like(version=2), "version"),
    "deep nesting": (b"[" * 900_000, "nested too deeply"),
    "enormous": (b" " * (MOST_BYTES + 1), "larger than"),
    "a number without end": (b'{"format": ' + b"9" * 900_000 + b"}", "not JSON"),
    "not a number": (b'{"format": NaN}', "NaN is no number"),
    "a key twice": (b'{"format": "beyond-cron evidence", "format": "x"}', "'format' twice"),
    "a key more": (like(run="rm -rf /"), "'run'"),
    "a key less": (b'{"format": "beyond-cron evidence", "version": 1}', "lacks"),
    "a path above": (like(exercises={"../../etc/passwd": {}}), "'../../etc/passwd'"),
    "a path from the root": (like(exercises={"/etc/passwd": {}}), "'/etc/passwd'"),
    "an escape in an id": (like(exercises={"\x1b[2Jx": {}}), "no exercise"),
    "exercises that are a list": (like(exercises=[]), "not an object"),
    "an exercise that is a text": (like(exercises={LOADED: "x"}), "not an object"),
    "a file of its own": (like(exercises=exercise(file="../x")), "'file'"),
    "a state of its own": (like(exercises=exercise(state=["passed"])), "state"),
    "a text that is a number": (like(exercises=exercise(text=1)), "not a text"),
    "NUL in a text": (like(exercises=exercise(text="a\0b")), "NUL"),
    "half a character": (like(exercises=exercise(seen="\ud800")), "half a character"),
    "a text too long": (like(exercises=exercise(text="x" * 40_001)), "40,001"),
    "a name of two lines": (like(name="Ana\nlab: all passed"), "control character"),
    "a script for an id": (like(answers={"<script>": {}}), "no id"),
    "an image of another kind": (like(images={"python": "latest"}), "an image"),
    "a commit with words": (like(commit="HEAD; rm"), "commit"),
}


@pytest.mark.parametrize("kind", [*HOSTILE, "a link", "a pipe", "a folder"])
def test_a_hostile_file_is_one_line(kind: str, thirty: Path, tmp_path: Path) -> None:
    """`verify` runs nothing of it; the class is shown without it."""
    content, part = HOSTILE.get(kind, (b"", {"a link": "is a link"}.get(kind, "not a plain file")))
    folder = tmp_path / "class"
    folder.mkdir()
    file = folder / "x.json"
    if kind == "a link":
        file.symlink_to(thirty / "00.json")
    elif kind == "a pipe":
        os.mkfifo(file)
    elif kind == "a folder":
        file.mkdir()
    else:
        file.write_bytes(content)
    code, printed, error = lab("verify", "--trust", file)
    assert (code, printed, error.count("\n")) == (2, "", 1) and error.startswith("x.json: ") and part in error, error
    assert len(error) < 250 and "\x1b" not in error
    (folder / "good.json").write_bytes((thirty / "00.json").read_bytes())
    page, table = tmp_path / "c.html", tmp_path / "c.csv"
    code, printed, again = lab("class", folder, "--page", page, "--csv", table)
    assert (code, printed) == (2, f"{page} and {table}: 1 learner, 1 file left out\n") and again == error
    assert "x.json" in page.read_text() and len(table.read_text().splitlines()) == 2


@pytest.mark.parametrize("text", ["=1", "Ann;=HYPERLINK(1)", " +1", "a\t=1"])
def test_no_cell_begins_a_formula_whatever_parts_it(text: str) -> None:
    """Where a comma is decimal, a spreadsheet parts cells at semicolons."""
    assert not any(part.lstrip().startswith(("=", "+", "-", "@")) for part in re.split("[;\t]", cell(text)))


def test_the_table_computes_nothing(thirty: Path, tmp_path: Path) -> None:
    code, *_ = lab("class", thirty, "--page", tmp_path / "c.html", "--csv", tmp_path / "c.csv")
    lines = list(csv.reader((tmp_path / "c.csv").read_text().splitlines()))
    assert code == 0 and len(lines) == 31 and {len(line) for line in lines} == {len(lines[0])}
    assert not [cell for line in lines for cell in line if cell[:1] in tuple("=+-@\t\r")]
    assert '\'=HYPERLINK("http://evil.example")' in [line[0] for line in lines]
    assert "03" in [line[0] for line in lines]  # who gave no name is called as the file is
    state = {line[1]: line[lines[0].index(LOADED)] for line in lines}
    assert [state[f"0{number}.json"] for number in (0, 3, 6)] == ["as shipped", "passed", "failed"]


def test_a_file_name_of_another_system_stops_no_class(thirty: Path, tmp_path: Path) -> None:
    """A zip from Windows may hold a name that is not UTF-8."""
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / os.fsdecode(b"jos\xe9.json")).write_bytes((thirty / "00.json").read_bytes())
    code, *_ = lab("class", folder, "--page", tmp_path / "c.html", "--csv", tmp_path / "c.csv")
    assert code == 0 and "jos" in (tmp_path / "c.csv").read_text(encoding="utf-8")


def test_a_class_is_counted(thirty: Path, tmp_path: Path) -> None:
    lab("class", thirty, "--page", tmp_path / "c.html", "--csv", tmp_path / "c.csv")
    page = (tmp_path / "c.html").read_text()
    failed = f"<code>{LOADED}</code>: <strong>9 failed</strong>, 9 passed, 12 of 30 not tried"
    assert failed in page and "most often seen: ZeroDivisionError: division by zero" in page
    never = page.split("What nobody has tried")[1].split("<h2")[0]
    assert "<code>retry-after</code>" in never and "<code>idempotent</code>" not in never
    assert "15 wrong" in page and "<script" not in page.lower() and "\u202e" not in page


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_class_asks_nobody(thirty: Path, tmp_path: Path, scheme: Any) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
    from playwright.sync_api import sync_playwright

    lab("class", thirty, "--page", tmp_path / "c.html", "--csv", tmp_path / "c.csv")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        context = browser.new_context(color_scheme=scheme, viewport={"width": 390, "height": 844}, offline=True)
        page = context.new_page()
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto((tmp_path / "c.html").as_uri())
        for folded in page.locator("summary").all()[:3]:
            folded.click()
        assert page.get_by_text("<script>alert(1)</script>").count() == 2  # in the table, and in its own part
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        violations = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in violations] == []
        assert asked == [(tmp_path / "c.html").as_uri()] and said == []
        browser.close()
