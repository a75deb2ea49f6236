"""A command under watch: its seconds, the processor time of all its processes, and the most memory that they had."""

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def say(text: str, end: str = "\n") -> None:
    """Show progress."""
    print(text, end=end, file=sys.stderr, flush=True)


def spaced(number: int) -> str:
    """1234567 as 1 234 567."""
    return f"{number:,}".replace(",", " ")


def batches(have: int, rows: int, size: int) -> Iterator[tuple[int, int]]:
    """The first and the last number of each batch of rows that is missing in a shop that has some; shows progress."""
    for first in range(have + 1, rows + 1, size):
        last = min(first + size - 1, rows)
        yield first, last
        say(f"\rfilling the shop: {spaced(last)} of {spaced(rows)} rows", "")
    say("")


def high_water(pid: str) -> int:
    """The most memory (RSS, bytes) that a process has had so far; 0 when it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def processes() -> set[str]:
    """The numbers of all processes in this container."""
    return {path.name for path in Path("/proc").iterdir() if path.name.isdecimal()}


def client_cpu() -> float:
    """Processor seconds of all processes that were started here and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(words: list[str], seconds: float) -> dict[str, Any]:
    """Run a command; return its wall time, and of all its processes the processor time and the peak memory.

    For memory, every 20 ms the high-water marks that the kernel keeps are added up for the processes that live then:
    a little too high if their peaks were not at one time, and blind only to the last 20 ms of a process.
    """
    others, peak, ended, late = processes(), 0, threading.Event(), threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.02):
            peak = max(peak, sum(map(high_water, processes() - others)))
            if time.monotonic() - start > seconds and not late.is_set():
                late.set()
                os.killpg(process.pid, 9)

    with tempfile.TemporaryFile() as output:
        before, start = client_cpu(), time.monotonic()
        process = subprocess.Popen(words, stdout=output, stderr=output, start_new_session=True)
        watcher = threading.Thread(target=watch)
        watcher.start()
        code = process.wait()
        took = time.monotonic() - start
        ended.set()
        watcher.join()
        output.seek(0)
        trouble = "" if not code else why(code, output.read(), seconds if late.is_set() else 0)
    return {"seconds": took, "cpu": client_cpu() - before, "mb": peak / 1e6, "trouble": trouble}


def why(code: int, output: bytes, limit: float) -> str:
    """Why a command failed; `limit` is that in seconds which it passed, if it did."""
    if limit:
        return f"took over {limit:.0f} s"
    if code in (-9, 137):  # the kernel's doing: nobody else kills here
        return "killed: it needs more memory than it may have"
    lines = [line.strip() for line in output.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"exit code {code}"
