"""What `make outages` asks of Prefect: two hundred random outages, always the same ones, in batches."""

import random
from typing import Any

COUNT = 200
SEED = 4
PREFECT = (
    "prefect",
    "prefect-gate-none",
    "prefect-gate-newest",
    "prefect-guard",
    "prefect-cancel-new",
    "prefect-enqueue",
)
BATCH = 25
KINDS = ("worker", "machine", "worker", "sleep")
STEPS = (15, 20, 30)  # minutes between the runs of a schedule
GRID = 5  # runs are due in minutes of which this is a divisor, so that a server has several at once; nothing else is
BEFORE = 10  # minutes in which the schedules are made, before the first run that counts
MARGIN = 2  # minutes between a run that is due and whatever else would change its fate


def prefect_batches() -> list[dict[str, Any]]:
    """The outages of Prefect, in minutes. In every other batch, each worker has an outage of its own.

    In the others the machine is off or sleeps: all cases of a batch have its outage, and schedules of their own.
    """
    draw = random.Random(SEED)
    batches = []
    for number in range(COUNT // BATCH):
        down = KINDS[number % len(KINDS)]
        off = between(draw, 60, 90)
        outage = (0, 0) if down == "worker" else (off, between(draw, off + 30, off + 600))
        cases: list[dict[str, Any]] = []
        while len(cases) < BATCH:
            case = prefect_case(draw, PREFECT[len(cases) % len(PREFECT)], *outage)
            if case:
                cases.append({"name": f"b{number}-{len(cases)}", **case})
        batches.append({"down": down, "cases": cases})
    return batches


def between(draw: random.Random, low: int, high: int) -> int:
    """A minute in which no run is due, nor in one beside it."""
    return GRID * draw.randrange(low // GRID, high // GRID) + draw.randint(MARGIN, GRID - MARGIN)


def prefect_case(draw: random.Random, policy: str, off: int, on: int) -> dict[str, Any] | None:
    """A schedule, an outage (one of its own if `on` is 0), and a length; None when they are too close.

    Too close: a run ends near the time for which another is due that it would turn away, or is at work when the machine
    goes off. There a busy machine decides, and both fates are right.
    """
    step = draw.choice(STEPS)
    minutes = GRID * draw.randrange(step // GRID)
    first = minutes if minutes >= BEFORE else minutes + step
    own = not on
    if own:
        off = between(draw, first, first + step)
        on = between(draw, off + step // 2, off + 3 * step)
    due = list(range(first, on + step, step))
    length = 2
    ends: list[int] = []
    if policy == "prefect-cancel-new":
        length = draw.randint(3, 17 * step // 10)
        ends = [on + length, *(at + length for at in due if not off <= at < on)]
    case = {"policy": policy, "cron": f"{minutes}-59/{step} * * * *", "step": step, "first": first, "count": len(due)}
    case |= {"off": off, "on": on, "length": length}
    if policy == "prefect-guard":
        case["not_older"] = on - between(draw, off - step, on - MARGIN)
    if not any(off <= at < on for at in due) or (not own and any(at < off < at + length + MARGIN for at in due)):
        return None
    return case if all(abs(at - end) >= MARGIN for at in due for end in ends) else None
