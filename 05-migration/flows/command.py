"""A command run as cron runs it, but with bounds: a timeout that ends all of it, and an output that is capped."""

import os
import signal
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Event, Timer

Process = subprocess.Popen[str]

GRACE = 10.0  # seconds from TERM to KILL
MOST_LINES, LAST = 1000, 20  # of output: so many are logged as they come, then only the last ones
LONGEST = 2000  # characters of one line


class CommandFailed(Exception):
    """The command ended with another exit code than 0, or was stopped."""


def run(command: str, say: Callable[[str], None], stdin: str, shell: str, folder: str, timeout: float | None) -> None:
    """Run a command of the shell in `folder`, which is the home directory or begins there, as under cron.

    `say` gets each line of stdout and stderr; `timeout` is in seconds. Raises CommandFailed with the reason.
    """
    with tempfile.TemporaryFile("w+", errors="surrogateescape") as given:
        given.write(stdin)
        given.seek(0)
        process = subprocess.Popen(
            [shell, "-c", command],
            cwd=Path.home() / Path(folder).expanduser(),
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            start_new_session=True,  # a group of its own: what the command starts can be ended with it
        )
    last, stopped = watched(process, say, timeout)
    if stopped:
        raise CommandFailed(f"stopped after {timeout:g} s, its timeout; {last}")
    if code := process.returncode:
        raise CommandFailed(f"{f'exit code {code}' if code > 0 else f'ended by signal {-code}'}; {last}")


def watched(process: Process, say: Callable[[str], None], timeout: float | None) -> tuple[str, bool]:
    """Wait for the end of a process and of its output: what was said last, and whether the timeout has ended it."""
    stopped = Event()

    def stop() -> None:
        stopped.set()
        end(process)

    watch = Timer(timeout or 0, stop)
    with process:
        try:
            if timeout:
                watch.start()
            last = log_output(process, say)
            process.wait()
        except BaseException:  # the run is cancelled: nothing may go on without it
            end(process)
            raise
        finally:
            watch.cancel()
            if stopped.is_set():
                watch.join()  # until the whole group has ended
    return last, stopped.is_set()


def log_output(process: Process, say: Callable[[str], None]) -> str:
    """Hand on the output line by line, and cut what is too much; what was said last is returned."""
    count, tail = 0, deque[str](maxlen=LAST)  # the last lines
    while line := process.stdout.readline(LONGEST):
        count += 1
        tail.append(line.rstrip("\n"))
        if count <= MOST_LINES:
            say(tail[-1])
    if count > MOST_LINES:
        say(f"… {count} lines in all; the last of them:")
        for line in tail:
            say(line)
    return f"its last line: {tail[-1]}" if tail else "it printed nothing"


def end(process: Process) -> None:
    """End the whole group of a process: TERM, and KILL for what is left of it after GRACE."""
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            os.killpg(process.pid, number)
            deadline = time.monotonic() + GRACE
            while time.monotonic() < deadline:
                process.poll()  # or the shell would stay in the group, as a zombie
                os.killpg(process.pid, 0)  # asks whether anyone is left
                time.sleep(0.05)
    except ProcessLookupError:
        return  # the group is empty
