"""Six nights in which the clock changes, spring and autumn in three zones."""

from typing import Any

from contrast import dst
from contrast.fault import Fault
from contrast.injector import FaultInjector
from contrast.summary import Lane


def inject(injector: FaultInjector) -> None:
    """Cron runs through them on a fast clock; Prefect's server plans them."""
    injector.measured = dict(dst.all_nights(injector.stack))


def picture(measured: dict[str, Any]) -> dict[str, Any]:
    """The picture is of one night, the autumn night of New York."""
    return dst.picture(3, measured)


def harm(lane: Lane) -> dict[str, int]:
    """Against one run of the nightly job, and one of the other in each half hour that passes."""
    off = [
        len(ran[job]) - wanted
        for night, ran in zip(dst.NIGHTS, lane.measured, strict=True)
        for job, wanted in (("fixed", 1), ("wild", night.half_hours))
    ]
    return {"runs missing": -sum(n for n in off if n < 0), "runs too many": sum(n for n in off if n > 0)}


FAULT = Fault(
    claim="Debian's cron knows the nights in which the clock changes better than Prefect does.",
    limit=None,
    ticks=1,
    due=[],
    files={"plain": "idle", "hardened": "idle", "prefect": ""},
    expected={
        "plain": {"runs missing": 0, "runs too many": 0},
        "hardened": {"runs missing": 0, "runs too many": 0},
        "prefect": {"runs missing": 6, "runs too many": 0},
    },
    inject=inject,
    harm=harm,
    picture=picture,
)
