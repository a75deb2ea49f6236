"""Real cron through outages: `python -m bench.inside.outages.cron CASES`, the cases and the answer as JSON.

The daemon and its clock are those of the conformance vectors: no minute is skipped, however busy the machine is. While
the machine sleeps the clock jumps, and the daemon with it. While it is off there is no daemon; a machine that starts
also runs what stands behind @reboot, since /run is empty then.
"""

import json
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.inside.vectors.daemon import FAKETIME, RAN, Daemon

MINUTE = 60
BOOTED = Path("/run/crond.reboot")  # where cron notes that it has run the jobs of @reboot
CATCH_UP = "/policies/catch_up.sh"
STATE = Path("/run/state")
PERIOD = 1200


def crontab(case: dict[str, Any]) -> str:
    """A job for each schedule that notes its number, and one for each way of catching up, which notes also for when."""
    lines = [f"{expression} echo {number} >> {RAN}" for number, expression in enumerate(case["jobs"])]
    for keep in case["keeps"]:
        command = f"{CATCH_UP} {keep} {PERIOD} {STATE}/{keep} sh -c 'echo {keep} $DUE' >> {RAN}"
        lines += [f"*/{PERIOD // MINUTE} * * * * {command}", f"@reboot {command}"]
    return "\n".join([*lines, ""])


def booted(start: int) -> Daemon:
    """A daemon that starts at that second; what it starts at once has ended."""
    daemon = Daemon("UTC", start + MINUTE).__enter__()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{daemon.cron.pid}/task/{daemon.cron.pid}/children").read_text().strip():
        if time.monotonic() > deadline:
            raise SystemExit("the jobs of @reboot do not end")
        time.sleep(0.05)
    return daemon


def through(case: dict[str, Any]) -> dict[str, list[int]]:
    """What the jobs noted: each note with the minutes, after the beginning of the case, in which it was made."""
    start, away, back, end = (int(datetime.fromisoformat(case[key]).timestamp()) for key in ("from", "off", "on", "to"))
    subprocess.run(("crontab", "-"), input=crontab(case), text=True, check=True)
    for file in STATE.iterdir():
        file.unlink()
    BOOTED.touch()
    ran: dict[str, list[int]] = {}

    def note(second: int, lines: list[str]) -> None:
        for line in lines:
            ran.setdefault(line, []).append((second - start) // MINUTE)

    daemon = Daemon("UTC", start).__enter__()
    for second in range(start, end, MINUTE):
        if away <= second < back:
            continue
        if second == back and case["down"] != "sleep":
            daemon.__exit__()
            if case["down"] == "machine":
                BOOTED.unlink()
            daemon = booted(second)
            note(second, daemon.ran.read().decode().splitlines())
            continue
        note(second, list(daemon.minute(second)))
    daemon.__exit__()
    return dict(sorted(ran.items()))


if __name__ == "__main__":
    Path("/etc/crontab").write_text("")  # what Debian runs every hour is not asked for
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    variables = {"LD_PRELOAD": str(library), **FAKETIME}  # PAM gives them to every job, so that it reads that clock
    Path("/etc/environment").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    STATE.mkdir(exist_ok=True)
    print(json.dumps([through(case) for case in json.loads(sys.argv[1])]))
