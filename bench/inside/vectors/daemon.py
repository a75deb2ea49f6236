"""The part of `make vectors` that runs real cron: `python -m bench.inside.vectors.daemon WINDOW`, both as JSON.

The clock of the daemon stands still until cron sleeps and no job is left; then it goes on by one minute, and a signal
ends the sleep. So no minute is skipped and no run is late, however busy the machine is.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CLOCK, RAN = Path("/run/clock"), Path("/run/ran")
FAKETIME = {"FAKETIME_TIMESTAMP_FILE": str(CLOCK), "FAKETIME_NO_CACHE": "1", "FAKETIME_FMT": "%s"}
SLEEPING = re.compile(rb"^State:\tS.*^voluntary_ctxt_switches:\t(\d+)", re.M | re.S)
DEADLINE = 60  # seconds for one minute of the daemon, with all jobs of it


class Daemon:
    """`with Daemon(zone, start) as daemon:` is real cron under a clock that only `minute` moves on."""

    def __init__(self, zone: str, start: int) -> None:
        """Start cron in that zone, one minute before `start`: cron runs nothing in the minute in which it starts."""
        self.clock = CLOCK.open("wb", buffering=0)
        self.set_clock(start - 60)
        RAN.write_bytes(b"")
        self.ran = RAN.open("rb", buffering=0)
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        env = {"PATH": os.environ["PATH"], "TZ": zone, "LD_PRELOAD": str(library), **FAKETIME}
        self.cron = subprocess.Popen(("cron", "-f"), env=env)
        proc = Path(f"/proc/{self.cron.pid}")
        self.status = (proc / "status").open("rb", buffering=0)
        self.children = (proc / f"task/{self.cron.pid}/children").open("rb", buffering=0)
        self.sleeps = 0  # how often it had gone to sleep when it was last seen idle

    def __enter__(self) -> "Daemon":
        """Wait until it has read the crontab and sleeps: it stays asleep then."""
        while not self.sleeps or self.asleep() != self.sleeps:
            self.sleeps = self.asleep()
            time.sleep(0.3)
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self.cron.kill()
        self.cron.wait()

    def set_clock(self, second: int) -> None:
        """Let the clock show that moment. Cron wakes up one second after a full minute, so it is one second more."""
        os.pwrite(self.clock.fileno(), b"%010d\n" % (second + 1), 0)

    def wake(self) -> None:
        """End the sleep of the daemon, and wait until it sleeps again and all its jobs have ended."""
        self.cron.send_signal(signal.SIGHUP)  # cron opens its log again, and looks at the clock
        self.wait_until_idle()

    def asleep(self) -> int:
        """How often it has gone to sleep, if it sleeps now; else 0."""
        seen = SLEEPING.search(os.pread(self.status.fileno(), 4096, 0))
        return int(seen[1]) if seen else 0

    def wait_until_idle(self) -> None:
        """Wait until the daemon has gone to sleep once more than before, and sleeps on without a job."""
        deadline = time.monotonic() + DEADLINE
        while True:
            sleeps = self.asleep()
            # The end of a job wakes it, so it must have slept while there was none: in the same sleep before and after.
            if sleeps > self.sleeps and not os.pread(self.children.fileno(), 1, 0) and self.asleep() == sleeps:
                self.sleeps = sleeps
                return
            if self.cron.poll() is not None:
                raise SystemExit(f"cron ended with exit code {self.cron.returncode}")
            if time.monotonic() > deadline:
                raise SystemExit(f"cron is not idle after {DEADLINE} s")
            time.sleep(0.0001)

    def minute(self, second: int) -> Iterator[str]:
        """The lines that the jobs write which cron starts at that minute.

        Between the minutes that it makes up for, cron sleeps up to ten seconds, or until a job ends: it is woken
        until it starts nothing more.
        """
        self.set_clock(second)
        self.wake()
        while lines := self.ran.read():
            yield from lines.decode().splitlines()
            self.wake()


def wrapped(number: int, expression: str, command: str) -> str:
    """A line of the crontab whose job notes its number, and what the command prints."""
    program, percent, rest = re.fullmatch(r"((?:\\.|[^%\\])*)(%?)(.*)", command, re.S).groups()  # type: ignore[union-attr]
    return f"{expression} echo {number} $({program}) >> {RAN}{percent}{rest}\n"


def watch(window: dict[str, Any]) -> list[dict[str, Any]]:
    """For each job of the window the minutes in which cron started it, as ISO dates in UTC, and what it printed last.

    The clock moves on by `step` minutes: cron runs each minute of up to five, and a job of the last is on time. One job
    more is a canary, which is due every `every` minutes: the program ends with an error when one of its runs lacks.
    """
    jobs = [*window["jobs"], {"expression": window["canary"], "command": ""}]
    lines = (wrapped(number, job["expression"], job["command"]) for number, job in enumerate(jobs))
    subprocess.run(("crontab", "-"), input="".join(lines), text=True, check=True)
    start, end = (int(datetime.fromisoformat(window[edge]).timestamp()) for edge in ("from", "to"))
    found: list[dict[str, Any]] = [{"runs": [], "prints": ""} for _ in jobs]
    with Daemon(window["zone"], start) as daemon:
        for second in range(start, end, 60 * window["step"]):
            at = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%MZ}"
            for line in daemon.minute(second):
                number, _, printed = line.partition(" ")
                found[int(number)]["runs"].append(at)
                found[int(number)]["prints"] = printed
    canary = found.pop()["runs"]
    if len(set(canary)) != len(canary) or len(canary) != (end - start) // 60 // window["every"]:
        raise SystemExit(f"{window['zone']}: a minute was skipped or came twice, the canary ran {len(canary)} times")
    return found


if __name__ == "__main__":
    Path("/etc/crontab").write_text("")  # what Debian runs every hour is not asked for
    print(json.dumps(watch(json.loads(sys.argv[1]))))
