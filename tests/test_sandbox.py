"""The sandboxes of the checks: what may be done in one, and that nothing of it is left behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core import ROOT
from lab.checks.sandbox import LABEL
from lab.checks.sandbox.host import ISOLATION, Sandbox

pytestmark = pytest.mark.stack
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
