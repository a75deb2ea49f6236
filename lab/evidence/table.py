"""The class as a table for a spreadsheet: a line for each learner, a column for each exercise."""

import csv
import io
from collections.abc import Sequence

from lab.checks.registry import LESSONS, all_checks
from lab.cron.crontab import printable
from lab.evidence.tally import Learner

FORMULA = ("=", "+", "-", "@")  # what a spreadsheet takes for the start of one


def table(learners: Sequence[Learner]) -> str:
    """The lines, with a head."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    ids = list(all_checks())
    lines.writerow(["learner", "file", "at", "passed", *LESSONS, "page answers", *ids])
    for one in learners:
        per_lesson = [one.passed(f"{lesson}/") for lesson in LESSONS]
        states = [one.exercise(id).state for id in ids]
        lines.writerow(
            [cell(one.label), cell(one.file), one.at, one.passed(), *per_lesson, one.answered, *map(str, states)]
        )
    return out.getvalue()


def cell(text: str) -> str:
    """A stranger's text as a cell that no spreadsheet computes: `'` stands before what could be a formula.

    Where a comma is decimal, a spreadsheet begins a cell at a semicolon.
    """
    text = printable(text).replace(";", ",")
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
