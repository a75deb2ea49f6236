"""What a fault is: a claim, what is done, what is counted, and what is expected, in one typed record."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from contrast.injector import FaultInjector
from contrast.stack import FOLDER, TICK
from contrast.summary import Lane
from engine.core import UserError

Harm = dict[str, int]  # what happened that should not have → how often


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A scenario: each module in contrast/faults/ ends with one, named FAULT."""

    claim: str
    """What the page says; the run proves it."""
    limit: str | None
    """The limit of cron that it proves, a heading of 02-cron; None where it proves none."""
    expected: Mapping[str, Harm]
    """Lane → the harm that every run must count."""
    inject: Callable[[FaultInjector], None]
    """Breaks things, by the clock of the scenario run."""
    harm: Callable[[Lane], Harm]
    """Counts the harm that came to a lane, from what was recorded."""
    ticks: int = 8
    """How long it takes, in ticks."""
    tick: float = TICK
    """Seconds of a tick."""
    due: Sequence[int] | None = None
    """The ticks at which a run is due; None for each of them."""
    files: Mapping[str, str] = field(default_factory=dict)
    """Lane → its crontab or deployment, where that is not `load`; "" for a Prefect lane without a schedule."""
    upstream: Mapping[str, object] = field(default_factory=dict)
    """How the upstream behaves from the start on; see contrast/inside/upstream.py."""
    figures: Callable[[Lane], dict[str, float | None]] | None = None
    """Measures a lane in what depends on the machine."""
    numbered: bool = False
    """Whether the picture says how many rows each run has loaded."""
    picture: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """What of a record is drawn otherwise: from the measurements of all lanes to those parts of the record."""


@cache
def faults() -> dict[str, Fault]:
    """All faults, by the names that they are given on the command line. Raises TypeError for a module without one."""
    found = {}
    for path in sorted((FOLDER / "faults").glob("[a-z]*.py")):
        fault = importlib.import_module(f"contrast.faults.{path.stem}").FAULT
        if not isinstance(fault, Fault):
            raise TypeError(f"FAULT of {path} is no Fault")
        found[path.stem.replace("_", "-")] = fault
    return found


def find(name: str) -> Fault:
    """The fault of that name. Raises UserError when there is none."""
    if name not in faults():
        raise UserError(f"there is no fault {name!r}; there is: {', '.join(faults())}")
    return faults()[name]
