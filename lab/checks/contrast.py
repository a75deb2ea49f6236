"""Checks of the fault board: the learner's crontab meets a fault in the lane of hardened cron."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from contrast.fault import find
from contrast.results import counts
from contrast.runner import run
from contrast.stack import FOLDER, CrontabRejected, Stack
from engine.core import CACHE
from lab.checks.registry import Judge, Outcome, check
from lab.checks.runner import pause

TICK = 2.0  # seconds: half of the board's, which has to wait for Prefect


@dataclass(frozen=True)
class Lane:
    """The running lane of hardened cron, and where it looks for the learner's crontab."""

    stack: Stack
    crontab: Path


@contextmanager
def hardened_lane() -> Iterator[Lane]:
    """The lane, with the board's own files and room for one more."""
    CACHE.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=CACHE, prefix="lanes-") as folder:  # below the course, where Docker may look
        lanes = shutil.copytree(FOLDER / "lanes", Path(folder) / "lanes")
        with Stack(["hardened"], lanes, f"contrast-check-{os.getpid()}", pause) as stack:
            yield Lane(stack, lanes / "hardened/yours.txt")


def under(fault: str) -> Judge:
    """A check that runs the crontab under a fault, and counts the harm."""

    def judge(file: Path, lane: Lane) -> Outcome:
        wanted = dict.fromkeys(find(fault).expected["hardened"], 0)
        expected = f"under {fault}: {counts(wanted)}"
        shutil.copy(file, lane.crontab)
        try:
            seen = run(lane.stack, fault, {"hardened": "yours"}, TICK)["lanes"]["hardened"]
        except CrontabRejected as reason:
            return Outcome(False, expected, str(reason))
        if not seen["runs"]:  # who does nothing does no harm
            return Outcome(False, expected, f"under {fault}: no load has run")
        return Outcome(seen["verdict"] == wanted, expected, f"under {fault}: {counts(seen['verdict'])}")

    return judge


def exercise(name: str, fault: str) -> None:
    """Register the check of an exercise: the crontab NAME.txt has to come through a fault without harm."""
    check(f"contrast/{name}", file=f"{name}.txt", needs_docker=True, shares=hardened_lane)(under(fault))


exercise("lock", "slow-run")
exercise("outage", "upstream-down")
exercise("ping", "silent-failure")
exercise("burst", "burst")
