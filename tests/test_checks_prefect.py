"""The box of the 03-prefect checks: what a learner's mistake looks like, and that nothing of it is left behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.checks import ROOT, all_checks
from lab.prefect_box import ALONE, LABEL, Place

pytestmark = pytest.mark.stack
STARTS = "from lab.prefect_box import Place; print(Place().run('x.py', files={'x.py': 'while True: pass'}), flush=True)"


def containers(label: str) -> str:
    words = ("docker", "ps", "--all", "--quiet", "--filter", f"label={label}")
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("name", "text", "seen"),
    [
        ("silent-failure", "def broken(:\n", "SyntaxError"),
        ("retry-backoff", "import sys\n\nsys.exit(3)\n", "exit code 3"),
        ("backfill", "print(undefined)\n", "NameError: name 'undefined' is not defined"),
        ("too-late", "def packing_list() -> None: ...\n", "'packing_list' is not a flow"),
        ("one-at-a-time", "deployments: [\n", "Unable to read"),
        ("wall-clock", "deployments: []\n", "An entrypoint"),
    ],
)
def test_a_mistake_is_one_readable_line(name: str, text: str, seen: str, tmp_path: Path) -> None:
    check = all_checks()[f"03-prefect/{name}"]
    file = tmp_path / check.file
    file.write_text(text)
    outcome = check.judge(file)
    assert not outcome.passed and seen in outcome.seen and "\n" not in outcome.seen


@pytest.mark.parametrize(
    ("name", "good", "bad", "seen"),
    [
        ("retry-backoff", ", retry_condition_fn=worth_it", "", "404: requests 4"),
        ("nothing-new", "if not orders", "if True", "two orders: no report, Skipped"),
        ("one-at-a-time", "CANCEL_NEW", "ENQUEUE", "AwaitingConcurrencySlot"),
        ("alert", "on_failure=[tell]", "on_failure=[tell], on_completion=[tell]", "Completed, alerts: name+message"),
    ],
)
def test_half_a_solution_does_not_pass(name: str, good: str, bad: str, seen: str, tmp_path: Path) -> None:
    check = all_checks()[f"03-prefect/{name}"]
    text = check.solution.read_text()
    assert good in text
    file = tmp_path / check.file
    file.write_text(text.replace(good, bad))
    outcome = check.judge(file)
    assert not outcome.passed and seen in outcome.seen


def test_a_program_without_end_is_stopped_with_all_that_it_started() -> None:
    place = Place()
    loop = "import subprocess\nsubprocess.Popen(['sleep', 'infinity'])\nprint('begun', flush=True)\nwhile True: pass\n"
    ran = place.run("loop.py", files={"loop.py": loop}, seconds=8)
    assert ran.output == "begun\n" and ran.complaint == "the program did not end, and was stopped"
    look = "import pathlib\nprint(b''.join(f.read_bytes() for f in pathlib.Path('/proc').glob('[0-9]*/cmdline')))"
    processes = place.run("look.py", files={"look.py": look}).output
    assert "server" in processes and "infinity" not in processes


def test_the_box_reaches_nothing_and_writes_nowhere() -> None:
    ran = Place().run(
        "try.py",
        files={
            "try.py": "import os, socket\n"
            "print(os.listdir('/sys/class/net'))\n"
            "try: open('/etc/mark', 'w')\n"
            "except OSError as error: print(error.strerror)\n"
        },
    )
    assert ran.output.splitlines() == ["['lo']", "Read-only file system"] and "--network=none" in ALONE


def test_the_box_goes_with_lab_however_it_ends() -> None:
    """Three of them, side by side: Ctrl-C, SIGTERM and SIGKILL."""
    before = set(containers(LABEL).split())
    ends = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
    labs = [subprocess.Popen([sys.executable, "-c", STARTS], cwd=ROOT, stderr=subprocess.DEVNULL) for _ in ends]
    try:
        deadline = time.monotonic() + 120
        while len(mine := set(containers(LABEL).split()) - before) < len(labs) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert len(mine) == len(labs)
        time.sleep(2)  # they are starting the server, or past that
    finally:
        for lab, end in zip(labs, ends, strict=True):
            lab.send_signal(end)
        for lab in labs:
            lab.wait(60)
    while (left := set(containers(LABEL).split()) & mine) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not left
