"""What every tool needs: where the course is, errors for people, progress, and how a program ends."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
DONE, FAILED, IMPOSSIBLE = 0, 1, 2  # exit codes of every command, see CONTRIBUTING.md


class UserError(Exception):
    """A failure that only a person can repair, in one line: what happened, why, and the command that helps.

    `program` and `lab.console` print that line on standard error and end with exit code 2.
    """


def say(text: str) -> None:
    """Print a line at once, so that it stands before the output of whatever is started next."""
    print(text, flush=True)


def last_line(text: str, otherwise: str = "no reason given") -> str:
    """The last line of a program's output that is not empty: most programs give their reason there."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), otherwise)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a slow step, then say how many seconds it took; on a terminal they are counted while it runs."""
    start, ended = time.monotonic(), threading.Event()

    def tick() -> None:
        while not ended.wait(1):
            print(f"\r{text} … {time.monotonic() - start:.0f} s", end="", flush=True)

    print(f"{text} …", end="", flush=True)
    ticker = threading.Thread(target=tick, daemon=True)
    if sys.stdout.isatty():
        ticker.start()
    done = "failed after "
    try:
        yield
        done = ""
    finally:
        ended.set()
        if ticker.is_alive():
            ticker.join()
            print(f"\r{text} …", end="")
        say(f" {done}{time.monotonic() - start:.1f} s")


def run(*command: str, log: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command with its output in `.cache/LOG.log`.

    Raises UserError with the last line of that log when the command fails.
    """
    CACHE.mkdir(exist_ok=True)
    path = CACHE / f"{log}.log"
    with path.open("wb") as out:
        code = subprocess.run(command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out).returncode
    if code:
        reason = last_line(path.read_text(errors="replace"), "no output")
        raise UserError(f"{log} failed: {reason}; the whole log: cat {path.relative_to(ROOT)}")


def positive(name: str, default: int) -> int:
    """A whole number above 0 from the environment. Raises UserError when it is something else."""
    given = os.environ.get(name) or str(default)
    if not given.isdecimal() or int(given) < 1:
        raise UserError(f"{name}={given} is not a whole number above 0: leave it out for {default}")
    return int(given)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the end of the block, so that nothing is left half done."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def program(main: Callable[[], int | None]) -> NoReturn:
    """Run a program and end with its exit code: that of `main`, 2 for a UserError, 130 after Ctrl-C, 143 after SIGTERM.

    SIGTERM and SIGHUP raise SystemExit, so that a `with` block cleans up after them as after Ctrl-C.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda got, _: sys.exit(128 + got))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` makes a program ignore it
    try:
        sys.exit(main() or DONE)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(IMPOSSIBLE)
    except KeyboardInterrupt:
        print("interrupted: nothing is left running", file=sys.stderr)
        sys.exit(130)
