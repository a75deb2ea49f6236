"""Run checks side by side, and end them soon when somebody presses Ctrl-C."""

import queue
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from engine.core import UserError
from lab.checks.registry import Check, Outcome

AT_ONCE = 6  # checks that run side by side: nearly all of their time they wait for a clock
PATIENCE = 60  # seconds in which checks that are told to stop may remove what they have started

Result = TypeVar("Result")
_stopping = threading.Event()


class Stopped(Exception):
    """The checks are told to stop. A check that waits gives up, and removes what it has started."""


def pause(seconds: float) -> None:
    """Wait, inside a check. Raises Stopped as soon as the checks are told to stop."""
    if _stopping.wait(seconds):
        raise Stopped


def unless_stopped(work: Callable[[], Result]) -> Result:
    """Do slow work that leaves nothing behind, such as building an image.

    Raises Stopped, without waiting for the end of the work, as soon as the checks are told to stop.
    """
    future: Future[Result] = Future()
    threading.Thread(target=_fulfil, args=(future, work), daemon=True).start()
    while not future.done():
        pause(0.05)
    return future.result()


def _fulfil(future: "Future[Result]", work: Callable[[], Result]) -> None:
    """Do work, and keep its result or its error in a future."""
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


class _Job:
    """A check, its file, and the outcome that it will have."""

    def __init__(self, check: Check, file: Path) -> None:
        self.check, self.file = check, file
        self.outcome: Future[Outcome] = Future()

    def judge(self, *shared: object) -> None:
        """Run the check, and keep its outcome or its error."""
        _fulfil(self.outcome, lambda: self.check.judge(self.file, *shared))


class _Group:
    """Jobs that are done one after the other, because they share a server or a stack; or one job that shares nothing."""

    def __init__(self) -> None:
        self.jobs: list[_Job] = []
        self.shared: Any = None
        self.ended = threading.Event()

    def work(self) -> None:
        """Do the jobs. An error of one is kept as its result, and the next is done."""
        shares = self.jobs[0].check.shares
        try:
            pause(0)
            with (shares or nullcontext)() as self.shared:
                for job in self.jobs:
                    pause(0)
                    job.judge(*([self.shared] if shares else []))
        except BaseException as error:
            for job in self.jobs:
                if not job.outcome.done():
                    job.outcome.set_exception(error)
        finally:
            self.ended.set()


def judge_all(tasks: Iterable[tuple[Check, Path]]) -> Generator[tuple[Check, Outcome], None, None]:
    """Run checks on files side by side; the outcomes come in the order of the tasks.

    When the iterator is closed early, after Ctrl-C or an error, the checks that still run are stopped.
    Raises UserError, with the name of the check, when a check cannot be done.
    """
    jobs = [_Job(check, file) for check, file in tasks]
    groups: dict[object, _Group] = {}
    for job in jobs:
        groups.setdefault(job.check.shares or job, _Group()).jobs.append(job)
    # What has to be done in turn takes longest, so it begins first.
    waiting: queue.SimpleQueue[_Group] = queue.SimpleQueue()
    for group in sorted(groups.values(), key=lambda group: len(group.jobs), reverse=True):
        waiting.put(group)
    try:
        for _ in range(min(AT_ONCE, len(groups))):
            threading.Thread(target=_work_through, args=(waiting,), daemon=True).start()
        for job in jobs:
            yield job.check, _outcome_of(job)
    finally:
        with _undisturbed():
            _stop(list(groups.values()))


def _work_through(waiting: "queue.SimpleQueue[_Group]") -> None:
    """Work through the groups until none is left."""
    while True:
        try:
            group = waiting.get_nowait()
        except queue.Empty:
            return
        group.work()


def _outcome_of(job: _Job) -> Outcome:
    """Wait for the outcome of a job. Raises UserError, with the name of the check, when it ended with an error."""
    error = job.outcome.exception()
    if isinstance(error, UserError):
        raise UserError(f"{job.check.id} cannot be checked: {error}") from None
    if error:
        raise UserError(f"{job.check.id} cannot be checked: {type(error).__name__}: {error}") from error
    return job.outcome.result()


def _stop(groups: list[_Group]) -> None:
    """End what still runs, and wait until it has removed what it started.

    Raises UserError when that takes longer than PATIENCE.
    """
    deadline = time.monotonic() + PATIENCE
    _stopping.set()
    try:
        for group in groups:
            if not group.ended.is_set() and hasattr(group.shared, "close"):
                group.shared.close()
        for group in groups:
            if not group.ended.wait(max(0.0, deadline - time.monotonic())):
                one = group.jobs[0].check
                look = "docker ps" if one.needs_docker else "ps"
                raise UserError(f"{one.id} does not end: {look} shows what is left of it")
    finally:
        _stopping.clear()


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Ignore Ctrl-C, SIGTERM and SIGHUP in the block, so that nothing is left half removed.

    To mask them is not enough: another thread takes the signal, and Python handles it in this one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
