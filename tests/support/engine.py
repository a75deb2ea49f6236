"""Docker in tests: commands that may fail, waits that end."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

from engine.docker import started


def tried(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """A docker command that may fail; both of its outputs in `stdout`.

    Bytes inside, not text mode: Python would turn the \\r\\n of a broken crontab into \\n.
    """
    data = None if stdin is None else stdin.encode()
    done = started(lambda: subprocess.run(["docker", *words], input=data, capture_output=True, timeout=120))
    return subprocess.CompletedProcess(done.args, done.returncode, (done.stdout + done.stderr).decode(), "")


def until(true: Callable[[], Any], seconds: float, every: float = 0.5) -> Any:
    """Ask again and again until the answer is true, and return it; the last answer when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := true()) and time.monotonic() < deadline:
        time.sleep(every)
    return answer
