"""What a shift is worth: 100 points, less what was slow, what it did to the data, and what was not broken."""

from dataclasses import dataclass

from lab.oncall.databases import Rows

FULL = 100


@dataclass(frozen=True)
class Outcome:
    """How a shift ended.

    `noticed` and `repaired` are seconds after the pager, below 0 for who was faster, None for what did not happen.
    `rows` is None when the databases could not be asked. `touched` counts what was changed and had not been broken.
    """

    noticed: float | None
    repaired: float | None
    rows: Rows | None
    touched: int


def lost_points(outcome: Outcome) -> dict[str, int]:
    """For what points are taken → how many. They add up to 95 at most: who repairs has something left."""
    if outcome.repaired is None:
        return {"not repaired": FULL}
    noticed = outcome.repaired if outcome.noticed is None else min(outcome.noticed, outcome.repaired)
    rows = outcome.rows or Rows(0, 0, 0)
    taken = {
        "noticed late": capped(noticed / 10, 15),
        "repaired late": capped(outcome.repaired / 30, 25),
        "rows lost or doubled": capped(rows.lost + rows.doubled, 40),
        "rows late": capped(rows.late / 100, 5),
        "touched what was not broken": capped(5 * outcome.touched, 10),
    }
    return {why: points for why, points in taken.items() if points}


def capped(points: float, most: int) -> int:
    """Whole points, none below 0 and at most so many."""
    return min(max(int(points), 0), most)


def score(outcome: Outcome) -> int:
    """The points of a shift, 0 to 100."""
    return FULL - sum(lost_points(outcome).values())
