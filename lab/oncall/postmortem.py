"""The post-mortem of a shift: what was seen is filled in, what only the learner knows is asked."""

from datetime import datetime

from engine.markdown import table
from lab.faults.stack import PREFECT
from lab.oncall.score import FULL, Outcome, lost_points, score
from lab.oncall.shift import Shift

QUESTIONS = (
    "What did users notice, and from when on?",
    "How did you find the cause? Which command showed it first?",
    "What led you the wrong way?",
    "What ended it, command by command?",
    "Which alert would have told you sooner, or more?",
    "What will keep it from coming back? Who does that, until when?",
)


def clock(at: float) -> str:
    """A moment as a clock on the wall shows it."""
    return f"{datetime.fromtimestamp(at):%H:%M:%S}"


def verdict(shift: Shift) -> str:
    """How a shift ended, in a line."""
    if shift.repaired:
        return "repaired" + (", and more was touched than was broken" if shift.touched else "")
    if shift.around:
        return f"not repaired: runs come through ({shift.around}), and the fault is still on: a way round it"
    if shift.gone:
        return "not repaired: the fault is gone, and no run has been Completed since"
    return "not repaired: the fault is still on" + (", and other things were touched" if shift.touched else "")


def figures(shift: Shift, outcome: Outcome) -> list[tuple[str, str]]:
    """What is counted, each with the words for it."""
    rows = outcome.rows
    taken = ", ".join(f"−{points} {why}" for why, points in lost_points(outcome).items())
    return [
        ("noticed", after(shift.noticed, shift)),
        ("repaired", after(shift.repaired, shift)),
        ("rows", f"{rows.lost} lost, {rows.doubled} doubled, {rows.late} late" if rows else "a database does not answer"),
        ("touched", "; ".join(f"{thing} {how}" for thing, how in shift.touched.items()) or "only what was broken"),
        ("score", f"{score(outcome)} of {FULL}" + (f": {taken}" if taken else "")),
    ]  # fmt: skip


def after(at: float | None, shift: Shift) -> str:
    """How long after the fault something happened, and after the pager."""
    if at is None:
        return "never"
    pager = f", {at - shift.paged:.0f} s after the pager" if shift.paged and at > shift.paged else ", before the pager"
    return f"{at - shift.injected:.0f} s after the fault{pager}"


def text(shift: Shift, outcome: Outcome, why: list[str]) -> str:
    """The file, in Markdown; `why` are the lines that `lab why` had for it while the fault was on."""
    act, fault = shift.drawn.act, shift.drawn.fault
    when = f"{datetime.fromtimestamp(shift.injected).astimezone():%F %H:%M %Z}"
    events = [[clock(at), f"{round(at - shift.injected):+} s", what] for at, what in sorted(shift.events)]
    return "\n".join(
        [
            f"# Post-mortem: {fault} on {PREFECT}, {when}",
            f"\nShift {shift.drawn.seed}: {verdict(shift)}.\n",
            table(["", "Measured"], [list(row) for row in figures(shift, outcome)]),
            "\n## What it was\n",
            f"{act.what[0].upper()}{act.what[1:]}.",
            "\n## Timeline\n",
            table(["Time", "After the fault", "What"], events),
            "\nCommands leave no trace here, only what they changed: add yours.",
            "\n## What `lab why` said while it was on\n",
            *(f"    {line}" for line in why),
            "\n## For you to fill in",
            *(f"\n### {question}\n\n…" for question in QUESTIONS),
            "",
        ]
    )
