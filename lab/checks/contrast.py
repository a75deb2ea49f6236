"""Checks of the fault board: the learner's crontab lives through a fault in the lane of hardened cron."""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from contrast.results import counts
from contrast.stack import FOLDER, Refused, Stack
from contrast.window import live, load
from lab.checks import Outcome, check
from lab.engine import CACHE

TICK = 2.0  # seconds: half of the board's, which has to wait for Prefect


def exercise(name: str, fault: str, hint: str) -> None:
    """Register the check of an exercise: the crontab NAME.txt has to come through a fault without harm."""
    check(f"contrast/{name}", file=f"{name}.txt", hint=hint, needs_docker=True)(under(fault))


def under(fault: str) -> Callable[[Path], Outcome]:
    """A check that lives through a fault, and counts the harm."""

    def judge(file: Path) -> Outcome:
        CACHE.mkdir(exist_ok=True)
        wanted = dict.fromkeys(load(fault).EXPECTED["hardened"], 0)
        expected = f"under {fault}: {counts(wanted)}"
        with TemporaryDirectory(dir=CACHE, prefix="lanes-") as place:  # below the course, where Docker may look
            lanes = shutil.copytree(FOLDER / "lanes", Path(place) / "lanes")
            shutil.copy(file, lanes / "hardened/yours.txt")
            try:
                with Stack(["hardened"], lanes, project="contrast-check") as stack:
                    seen = live(stack, fault, {"hardened": "yours"}, TICK)["lanes"]["hardened"]["verdict"]
            except Refused as reason:
                return Outcome(False, expected, str(reason))
        return Outcome(seen == wanted, expected, f"under {fault}: {counts(seen)}")

    return judge


exercise("lock", "slow-run", "flock --nonblock FILE COMMAND runs the command unless another one holds the lock.")
exercise("outage", "upstream-down", "retry.sh goes before the command; --watermark brings what other runs have missed.")
exercise("ping", "silent-failure", "What stands after && is done only when all before it went well.")
exercise("burst", "burst", "seq 52 59 | xargs --max-procs 2 --replace COMMAND --minute 2026-03-02T08:{} keeps a queue.")
