"""The picture of `lab policy simulate`: one lane for each policy, one under the other, on one axis of time.

The marks are those of the fault board's timelines, and so are the colours, light and dark: theme/assets/contrast.css.
Lengths are in units of the picture.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from contrast.symbols import BAR, WIDTH, bar, bracket, escape, legend, picture, shape
from lab.policy.model import Down, Fate, Run, at_once, tally
from lab.policy.systems import Case, System

LEFT, RIGHT = 15, 665
ROW = 13  # from sub-row to sub-row
ROWS = 6  # sub-rows that a lane draws; how many more were at work at once stands above them
AWAY = {Down.MACHINE: "the machine is off", Down.SLEEP: "the machine sleeps", Down.WORKER: "nothing starts runs"}
UNDER_AXIS = {Fate.LOST: "missed", Fate.SKIPPED: "skipped", Fate.CANCELLED: "cancelled"}
CANCELLED = '<path class="due" fill="none" d="M-3.2-3.2h6.4v6.4h-6.4z"/>'
STEPS = [timedelta(minutes=minutes) for minutes in (1, 5, 10, 20, 30, 60, 120, 180, 360, 720, 1440)]


def draw(schedule: str, case: Case, results: Mapping[System, Sequence[Run]]) -> str:
    """Return the picture as one SVG element, which says of itself what it shows; at least one run is due."""
    return Picture(schedule, case, results).svg()


def words(done: Sequence[Run]) -> str:
    """What became of the runs: `on time 5, late 4, lost 13; up to 4 at once`."""
    most = at_once(done)
    return tally(done) + (f"; up to {most} at once" if most > 1 else "")


class Picture:
    """The picture, drawn from top to bottom; a part returns what it drew and the height where it ends."""

    def __init__(self, schedule: str, case: Case, results: Mapping[System, Sequence[Run]]) -> None:
        """Lay the axis: from the first run or the outage to the last end."""
        self.schedule, self.case, self.results = schedule, case, results
        ends = [run.ended for done in results.values() for run in done if run.ended]
        self.first = min(case.due[0], case.outage.start)
        self.last = max([case.due[-1], case.outage.end, *ends])
        spread = (self.last - self.first) / (RIGHT - LEFT)
        self.step = next((step for step in STEPS if step / spread >= 45), STEPS[-1])

    def x(self, at: datetime) -> float:
        """Where a moment lies."""
        return round(LEFT + (at - self.first) / (self.last - self.first) * (RIGHT - LEFT), 1)

    def lane(self, system: System, done: Sequence[Run], y: float) -> tuple[str, float]:
        """A lane from its name to its axis."""
        drawn = f'<text x="1" y="{y + 15}"><tspan class="name">{escape(system.name)}</tspan>'
        of = f"{system.policy}: " if str(system.policy) != system.name else ""
        drawn += f'<tspan class="quiet" dx="12">{escape(of + words(done))}</tspan></text>'
        placed = rows(done)
        crowd = max([0, *(row for row, _ in placed)]) >= ROWS
        top = y + 24 + 17 * crowd
        axis = top + ROW * (1 + min(ROWS - 1, max([0, *(row for row, _ in placed)]))) + 2
        start, end = self.x(self.case.outage.start), self.x(self.case.outage.end)
        drawn += (
            f'<rect class="band" x="{start}" y="{y + 22}" width="{max(2, end - start):.1f}" height="{axis - y - 10}"/>'
        )
        drawn += f'<path class="axis" d="M{LEFT} {axis}H{RIGHT + 6}"/>'
        for run in done:
            drawn += self.under(run, axis + 6)
        for row, run in placed:
            if row < ROWS:
                drawn += self.run(run, axis - 2 - ROW * row - BAR / 2)
        if crowd:
            at = max((run for _, run in placed if run.fate is Fate.LATE), key=lambda run: run.due, default=placed[0][1])
            assert at.started and at.ended
            x, until = self.x(at.started), self.x(at.ended)
            middle = min(max((x + until) / 2, 40), WIDTH - 40)
            drawn += bracket(x, until, top - 3)
            drawn += (
                f'<text class="over" x="{middle:.1f}" y="{top - 8}" text-anchor="middle">{at_once(done)} at once</text>'
            )
        return drawn, axis + 22

    def under(self, run: Run, y: float) -> str:
        """The mark below the axis: a run was due then, and may never have started."""
        x, kind = self.x(run.due), UNDER_AXIS.get(run.fate, "due") if run.started is None else "due"
        if kind == "cancelled":
            return f'<g data-mark="cancelled" transform="translate({x} {y})">{CANCELLED}</g>'
        return shape(kind, x, y)

    def run(self, run: Run, y: float) -> str:
        """The bar of a run, at least wide enough to be seen."""
        assert run.started and run.ended
        x = self.x(run.started)
        end = max(self.x(run.ended), x + 3)
        torn = run.fate in (Fate.KILLED, Fate.CANCELLED)
        drawn = bar("killed" if torn else "ok", x, max(end, x + 6) if torn else end, y, "policy")
        if run.fate is Fate.LATE:
            drawn += stripe(x, end, y)
        said = f"due {run.due:%H:%M}; {run.started:%H:%M} to {run.ended:%H:%M} {run.fate}"
        return f"<g><title>{escape(said)}</title>{drawn}</g>"

    def axis(self, y: float) -> str:
        """The times of day below the last lane."""
        midnight = self.first.replace(hour=0, minute=0, second=0)
        at = midnight + -((midnight - self.first) // self.step) * self.step
        drawn = ""
        while at <= self.last:
            text = min(max(self.x(at), 16), WIDTH - 16)
            drawn += f'<text class="quiet" x="{text}" y="{y}" text-anchor="middle">{at:%H:%M}</text>'
            at += self.step
        return drawn

    def legend(self, y: float) -> tuple[str, float]:
        """Each mark that occurs, with its meaning."""
        done = [run for of in self.results.values() for run in of]
        fates = {(run.fate, run.started is not None) for run in done}
        items = [
            ((Fate.RUN, True), bar("ok", 0, 22, 0, "policy"), "ran on time"),
            ((Fate.LATE, True), bar("ok", 0, 22, 0, "policy") + stripe(0, 22, 0), "ran late"),
            ((Fate.KILLED, True), bar("killed", 0, 22, 0, "policy"), "killed"),
            ((Fate.CANCELLED, True), bar("killed", 0, 22, 0, "policy"), "cancelled at work"),
            ((Fate.LOST, False), shape("missed", 11, 0), "lost: nobody knows of it"),
            ((Fate.SKIPPED, False), shape("skipped", 11, 0), "skipped"),
            (
                (Fate.CANCELLED, False),
                f'<g transform="translate(11 0)">{CANCELLED}</g>',
                "cancelled: another was at work",
            ),
        ]
        shown = [(shape("due", 11, 0), "due")] + [(mark, meaning) for key, mark, meaning in items if key in fates]
        shown.append((shape("fault", 11, 0), AWAY[self.case.outage.down]))
        return legend(shown, y)

    def svg(self) -> str:
        """The whole picture."""
        drawn, y = "", 4.0
        for system, done in self.results.items():
            part, y = self.lane(system, done, y)
            drawn += f"\n{part}"
        drawn += self.axis(y + 4)
        part, y = self.legend(y + 26)
        outage = self.case.outage
        title = f"{self.schedule} through an outage from {outage.start:%H:%M} to {outage.end:%H:%M}"
        said = " ".join(f"{system.name} ({system.policy}): {words(done)}." for system, done in self.results.items())
        return picture("policy", title, said, f"{drawn}\n{part}", y)


def rows(done: Sequence[Run]) -> list[tuple[int, Run]]:
    """Give each run that has started the lowest sub-row that is free."""
    placed: list[tuple[int, Run]] = []
    ends: list[datetime] = []
    for run in sorted((run for run in done if run.started), key=lambda run: (run.started, run.due)):
        assert run.started and run.ended
        row = next((row for row, end in enumerate(ends) if end <= run.started), len(ends))
        ends[row : row + 1] = [run.ended]
        placed.append((row, run))
    return placed


def stripe(x: float, end: float, y: float) -> str:
    """The line through the bar of a run that came late."""
    return f'<path class="sign" d="M{x + 1:.1f} {y}H{end - 1:.1f}"/>'
