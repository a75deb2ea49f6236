"""How `lab check` runs checks: side by side, in order, in turn where they share something, and ended by Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from engine.core import ROOT, UserError
from lab.checks.advice import Advice
from lab.checks.registry import Check, Judge, Outcome, Shared
from lab.checks.runner import AT_ONCE, judge_all

FILE = Path("answer.txt")
PASSED = Outcome(True, "this", "this")


def fake(name: str, judge: Judge = lambda _: PASSED, shares: Shared | None = None) -> tuple[Check, Path]:
    return Check(f"00-fake/{name}", "answer.txt", Advice((), "", ""), judge, shares=shares), FILE


def names(outcomes: Iterator[tuple[Check, Outcome]]) -> list[str]:
    return [check.id.removeprefix("00-fake/") for check, _ in outcomes]


def test_outcomes_come_in_the_order_of_the_tasks() -> None:
    """The first waits for the last."""
    last = threading.Event()

    def first(_: Path) -> Outcome:
        return Outcome(last.wait(10), "", "")

    def third(_: Path) -> Outcome:
        last.set()
        return PASSED

    outcomes = list(judge_all([fake("first", first), fake("second"), fake("third", third)]))
    assert names(iter(outcomes)) == ["first", "second", "third"] and outcomes[0][1].passed


def test_there_may_be_more_checks_than_run_at_once() -> None:
    together = threading.Barrier(AT_ONCE, timeout=10)

    def wait(_: Path) -> Outcome:
        together.wait()
        return PASSED

    assert len(list(judge_all(fake(str(n), wait) for n in range(3 * AT_ONCE)))) == 3 * AT_ONCE
    assert list(judge_all([])) == []


def test_what_is_shared_is_made_once_and_used_in_turn() -> None:
    events: list[str] = []

    @contextmanager
    def server() -> Iterator[str]:
        events.append("start")
        yield "server"
        events.append("stop")

    def use(_: Path, shared: str) -> Outcome:
        events.append(f"{shared} begins")
        time.sleep(0.01)
        events.append(f"{shared} ends")
        return PASSED

    tasks = [fake("a", use, server), fake("alone"), fake("b", use, server)]
    assert names(judge_all(tasks)) == ["a", "alone", "b"]
    assert events == ["start", *["server begins", "server ends"] * 2, "stop"]


def no_engine(_: Path, *shared: object) -> Outcome:
    raise UserError("no engine answers")


def broken(_: Path, *shared: object) -> Outcome:
    raise ZeroDivisionError("by nobody")


def leaves(_: Path, *shared: object) -> Outcome:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("judge", "line"),
    [
        (no_engine, "00-fake/bad cannot be checked: no engine answers"),
        (broken, "00-fake/bad cannot be checked: ZeroDivisionError: by nobody"),
        (leaves, "00-fake/bad cannot be checked: SystemExit: 3"),
    ],
)
def test_a_check_that_cannot_be_done_is_named(judge: Judge, line: str) -> None:
    outcomes = judge_all([fake("good"), fake("bad", judge), fake("later")])
    assert next(outcomes)[1].passed
    with pytest.raises(UserError) as error:
        next(outcomes)
    assert str(error.value) == line
    assert names(judge_all([fake("again")])) == ["again"], "what was stopped does not stop the next"


def test_an_error_in_one_check_leaves_the_others_of_its_group() -> None:
    used = []

    @contextmanager
    def server() -> Iterator[str]:
        yield "server"

    def use(_: Path, shared: str) -> Outcome:
        used.append(shared)
        return PASSED

    outcomes = judge_all([fake("good", use, server), fake("bad", broken, server), fake("later", use, server)])
    assert next(outcomes)[1].passed
    with pytest.raises(UserError, match="00-fake/bad cannot be checked"):
        next(outcomes)
    outcomes = judge_all([fake("later", use, server), fake("good", use, server), fake("bad", broken, server)])
    assert [next(outcomes)[1], next(outcomes)[1]] == [PASSED, PASSED]
    outcomes.close()


def test_what_is_shared_and_does_not_start_is_named_by_each_check() -> None:
    @contextmanager
    def server() -> Iterator[str]:
        raise UserError("the server does not start")
        yield

    with pytest.raises(UserError, match="00-fake/first cannot be checked: the server does not start"):
        list(judge_all([fake("first", leaves, server), fake("second", leaves, server)]))


def test_closed_early_it_ends_what_runs_and_begins_nothing() -> None:
    events: list[str] = []

    class Server:
        def __init__(self) -> None:
            self.closed = threading.Event()

        def __enter__(self) -> "Server":
            return self

        def __exit__(self, *_: object) -> None:
            events.append("removed")

        def close(self) -> None:
            self.closed.set()

    def hang(_: Path, server: Server) -> Outcome:
        events.append("closed" if server.closed.wait(30) else "not closed")
        raise UserError("the server is gone")

    def never(_: Path, server: Server) -> Outcome:
        events.append("began")
        return PASSED

    with closing(judge_all([fake("quick"), fake("hangs", hang, Server), fake("next", never, Server)])) as outcomes:
        next(outcomes)
    assert events == ["closed", "removed"]


PROGRAM = """
import sys, time
from contextlib import closing, contextmanager
from pathlib import Path
from lab.checks import advice, command, registry
from lab.checks.runner import pause

def tell(word):
    sys.stdout.write(word + "\\n")  # in one piece, for two threads write
    sys.stdout.flush()

def wait(file, *shared):
    try:
        tell("waits")
        pause(600)
    finally:
        time.sleep(1)  # as removing a container takes
        tell("removed")

@contextmanager
def server():
    yield "server"

none = advice.Advice((), "", "")
checks = [registry.Check("00-fake/a", "a", none, wait), registry.Check("00-fake/b", "a", none, wait, shares=server)]
command.find_checks = lambda _: checks
registry.Check.path = Path(sys.executable)  # any file
from lab.cli import app
app(["check"])
"""


@pytest.mark.clock
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_it_soon_and_all_is_removed(number: signal.Signals, code: int) -> None:
    """Also when it comes a second time, while things are being removed."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, text=True, stdout=subprocess.PIPE) as lab:
        assert lab.stdout
        assert [lab.stdout.readline(), lab.stdout.readline()] == ["waits\n"] * 2
        os.kill(lab.pid, number)
        time.sleep(0.5)
        os.kill(lab.pid, number)
        rest, _ = lab.communicate(timeout=60)
        assert lab.returncode == code
    assert rest == "removed\nremoved\ninterrupted: nothing is left running\n"
