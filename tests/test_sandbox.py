"""The sandboxes of the checks: what a learner's mistake looks like in one, and that nothing of it is left behind."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.core import ROOT
from lab.checks.registry import all_checks
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
def test_a_mistake_is_one_readable_line(name: str, text: str, seen: str, sandbox: Sandbox, tmp_path: Path) -> None:
    check = all_checks()[f"03-prefect/{name}"]
    file = tmp_path / check.file
    file.write_text(text)
    outcome = check.judge(file, sandbox)
    assert not outcome.passed and seen in outcome.seen and "\n" not in outcome.seen


@pytest.mark.parametrize(
    ("name", "good", "bad", "seen"),
    [
        ("retry-backoff", ", retry_condition_fn=worth_it", "", "404: requests 4"),
        ("nothing-new", "if not orders", "if True", "two orders: no report, Skipped"),
        ("one-at-a-time", "CANCEL_NEW", "ENQUEUE", "AwaitingConcurrencySlot"),
        ("alert", "on_failure=[tell]", "on_failure=[tell], on_completion=[tell]", "Completed, alerts: name+message"),
        (
            "04-incidents/skip-weekends",
            "America/Sao_Paulo",
            "UTC",
            "around Sat 00:00: no run, around Sun 12:00: no run",
        ),
        ("04-incidents/skip-weekends", "MON-FRI", "MON-SAT", "around Sat 00:00: 23:40 00:00 00:20,"),
        ("04-incidents/skip-weekends", "*/20 *", "0 9-17", "around Wed 12:00: 12:00, around Sat 00:00: no run"),
        ("04-incidents/skip-weekends", "        timezone", "    timezone", "around Sat 00:00: no run"),
        ("04-incidents/cache-by-input", ' - "timeout"', "", "b a with 6 s: asked for b a, 2 lines"),
        ("04-incidents/cache-by-input", 'INPUTS - "timeout"', "None", "a b a with 5 s: asked for a b a, 3 lines"),
        (
            "04-incidents/cache-by-input",
            ", persist_result=True",
            ", persist_result=False",
            "b a with 6 s: asked for b a",
        ),
        (
            "04-incidents/cache-by-input",
            'cache_policy=INPUTS - "timeout"',
            'result_storage_key="street"',
            "a b a with 5 s: asked for a, 3 lines",
        ),
    ],
)
def test_half_a_solution_does_not_pass(
    name: str, good: str, bad: str, seen: str, sandbox: Sandbox, tmp_path: Path
) -> None:
    check = all_checks()[name if "/" in name else f"03-prefect/{name}"]
    text = check.solution.read_text()
    assert good in text
    file = tmp_path / check.file
    file.write_text(text.replace(good, bad))
    outcome = check.judge(file, sandbox)
    assert not outcome.passed and seen in outcome.seen


@pytest.mark.parametrize(
    ("name", "one", "another"),
    [
        ("skip-weekends", 'cron: "*/20 * * * MON-FRI"', 'cron: "0,20,40 * * * 1-5"'),
        (
            "skip-weekends",
            'cron: "*/20 * * * MON-FRI"',
            'rrule: "FREQ=HOURLY;BYDAY=MO,TU,WE,TH,FR;BYMINUTE=0,20,40;BYSECOND=0"',
        ),
        ("cache-by-input", 'cache_policy=INPUTS - "timeout"', "cache_key_fn=lambda run, given: given['street']"),
        ("cache-by-input", 'cache_policy=INPUTS - "timeout"', 'result_storage_key="{parameters[street]}"'),
    ],
)
def test_another_right_answer_passes(name: str, one: str, another: str, sandbox: Sandbox, tmp_path: Path) -> None:
    check = all_checks()[f"04-incidents/{name}"]
    text = check.solution.read_text()
    assert one in text
    file = tmp_path / check.file
    file.write_text(text.replace(one, another))
    outcome = check.judge(file, sandbox)
    assert outcome.passed, outcome.seen


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
