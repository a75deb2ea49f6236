"""The sandboxes of the checks: what may be done in one, and that nothing of it is left behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from engine.core import ROOT, UserError
from lab.checks.sandbox import LABEL, host
from lab.checks.sandbox.host import ISOLATION, ProgramResult, Sandbox
from lab.checks.sandbox.timelapse import Window, run_windows

pytestmark = pytest.mark.stack
TRACE = "Traceback (most recent call last):\n  File x\n"
STARTS = """
from lab.checks.sandbox.host import Sandbox
with Sandbox() as sandbox:
    sandbox.workspace().run("x.py", files={"x.py": "while True: pass"})
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as started:
        yield started


def containers(label: str) -> str:
    words = ("docker", "ps", "--all", "--quiet", "--filter", f"label={label}")
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_a_program_without_end_is_stopped_with_all_that_it_started(sandbox: Sandbox) -> None:
    workspace = sandbox.workspace()
    loop = "import subprocess\nsubprocess.Popen(['sleep', 'infinity'])\nprint('begun', flush=True)\nwhile True: pass\n"
    ran = workspace.run("loop.py", files={"loop.py": loop}, seconds=8)
    assert ran.output == "begun\n" and ran.complaint == "the program did not end, and was stopped"
    look = "import pathlib\nprint(b''.join(f.read_bytes() for f in pathlib.Path('/proc').glob('[0-9]*/cmdline')))"
    processes = workspace.run("look.py", files={"look.py": look}).output
    assert "server" in processes and "infinity" not in processes


def test_the_sandbox_reaches_nothing_and_writes_nowhere(sandbox: Sandbox) -> None:
    ran = sandbox.workspace().run(
        "try.py",
        files={
            "try.py": "import os, socket\n"
            "print(os.listdir('/sys/class/net'))\n"
            "try: open('/etc/mark', 'w')\n"
            "except OSError as error: print(error.strerror)\n"
        },
    )
    assert ran.output.splitlines() == ["['lo']", "Read-only file system"] and "--network=none" in ISOLATION


def test_who_stops_the_program_inside_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The learner's program has the same user; `lab verify` runs strangers'."""
    stop = (
        "import os, signal\nfor one in os.listdir('/proc'):\n    if one.isdigit() and int(one) not in (1, os.getpid()):"
    )
    with Sandbox() as sandbox:
        workspace = sandbox.workspace()
        monkeypatch.setattr(host, "PATIENCE", 5)
        with pytest.raises(UserError, match="the container of the check ended"):
            workspace.run(
                "x.py", files={"x.py": f"{stop}\n        os.kill(int(one), signal.SIGSTOP)\nwhile True: pass"}
            )


def test_a_log_without_end_is_read_in_part(tmp_path: Path) -> None:
    """A crontab may be a stranger's: neither memory nor disk of the host is filled."""
    (tmp_path / "crontab.txt").write_text("0 9 * * * yes >> /var/log/cron.log\n0 9 * * * yes > /proc/1/fd/1\n")
    [session] = run_windows(tmp_path / "crontab.txt", [Window(datetime(2026, 3, 2, 8, 59, 10), 8)])
    assert 0 < len("\n".join(session.log)) <= 1_000_000 and len("\n".join(session.output)) <= 2_000_000


@pytest.mark.parametrize(
    ("errors", "complaint"),
    [
        (f"{TRACE}TypeError: a list, not a function\n\n\tpass\n", "TypeError: a list, not a function"),
        (f"{TRACE}KeyError: 1\n\nDuring it:\n\n{TRACE}OSError: 2\n", "OSError: 2"),
        (f"{TRACE}ValidationError: 1 for F\nday\n  Required [type=missing]\n", "Required [type=missing]"),
        ("  File x, line 1\n    (\n    ^\nSyntaxError: '(' was never closed\n", "SyntaxError: '(' was never closed"),
    ],
)
def test_a_complaint_is_the_line_that_names_the_error(errors: str, complaint: str) -> None:
    assert ProgramResult(1, "", errors, []).complaint == complaint


def test_the_sandbox_goes_with_lab_however_it_ends() -> None:
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


@pytest.mark.parametrize("lesson", ["02-cron", "03-prefect"])
def test_ctrl_c_during_lab_check_leaves_no_container(lesson: str) -> None:
    lab = Path(sys.executable).with_name("lab")
    with subprocess.Popen([lab, "check", lesson], cwd=ROOT, text=True, stdout=subprocess.PIPE) as check:
        label = f"{LABEL}={check.pid}"
        deadline = time.monotonic() + 120
        while not containers(label) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert containers(label)
        check.send_signal(signal.SIGINT)
        output, _ = check.communicate(timeout=60)
    assert check.returncode == 130 and output.endswith("interrupted: nothing is left running\n")
    assert containers(label) == ""
