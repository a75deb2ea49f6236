"""One scenario run as a picture: its lanes under one another on one axis of ticks.

Times are in ticks; lengths are in units of the picture, which are pixels where the page gives it 680 of them. On a
page it stands in `<div class="timeline-scroll" role="region" tabindex="0" aria-label="..." data-search-exclude>`.
"""

import re
from collections import Counter
from itertools import pairwise
from typing import Any

from contrast.summary import Lane, Run, number, read, table
from contrast.symbols import BAR, LETTER, WIDTH, again, bar, bracket, escape, hatch, legend, picture, shape, waited

__all__ = ["svg", "table"]
LEFT, RIGHT = 15, 658
ROW = 15  # from sub-row to sub-row
ROWS = 16  # sub-rows that waiting may take up in a lane


def svg(result: dict[str, Any]) -> str:
    """Return the picture of a result as one SVG element without blank lines; errors as `summary.read`."""
    return Timeline(result).svg()


class Timeline:
    """The picture of one result, drawn from top to bottom; a part returns what it drew and the height where it ends."""

    def __init__(self, result: dict[str, Any]) -> None:
        """Read the result and lay the axis; it goes on to the last end, which may lie past the last tick."""
        self.result, self.lanes = result, list(read(result).values())
        runs = [run for lane in self.lanes for run in lane.runs]
        ends: list[float] = [one["end"] or one["start"] for run in runs for one in run.attempts]
        ends += [alert["at"] for lane in self.lanes for alert in lane.alerts]
        self.first, self.last = min([0.0, *(run.start for run in runs)]), max([float(result["ticks"]), *ends])
        self.numbered: bool = result.get("numbered", False)
        self.id = "timeline-" + re.sub(r"[^\w-]", "-", result["fault"])
        jobs = sorted({run.job for run in runs})
        letters = jobs if all(len(job) == 1 for job in jobs) else [chr(ord("A") + i) for i in range(len(jobs))]
        self.letters = dict(zip(jobs, letters, strict=True)) if len(jobs) > 1 else {}

    def x(self, tick: float) -> float:
        """Where a moment lies, within the picture."""
        share = (min(max(tick, self.first), self.last) - self.first) / (self.last - self.first)
        return round(LEFT + share * (RIGHT - LEFT), 1)

    def extents(self, run: Run) -> list[tuple[float, float]]:
        """From where to where the bar of each attempt goes: wide enough to be seen, but not into the next."""
        starts, bars = [self.x(one["start"]) for one in run.attempts], []
        for one, start, following in zip(run.attempts, starts, [*starts[1:], WIDTH], strict=True):
            least = 4 if one["outcome"] == "ok" else 10
            end = self.x(one["start"] if one["end"] is None else one["end"])
            bars.append((start, max(end, min(start + least, following - 6), start + 3)))
        return bars

    def rows(self, lane: Lane) -> list[tuple[int, Run]]:
        """Give each run the lowest sub-row of its job that is free; its waiting takes room too, if it may."""
        placed: list[tuple[int, Run]] = []
        for waiting in (True, False):
            placed, first = [], 0
            for job in sorted({run.job for run in lane.runs}):
                ends: list[float] = []
                runs = [
                    (run.due or 0 if waiting and run.waited else run.start, run) for run in lane.runs if run.job == job
                ]
                for since, run in sorted(runs, key=lambda pair: pair[0]):
                    start = self.x(since) - 3 * (since != run.start)
                    row = next((row for row, end in enumerate(ends) if end <= start + 0.5), len(ends))
                    ends[row : row + 1] = [self.extents(run)[-1][1]]
                    placed.append((first + row, run))
                first += len(ends)
            if first <= ROWS:
                break
        return placed

    def run(self, run: Run, y: float) -> str:
        """The bars of a run around the height y, what links them, and how long it waited."""
        bars, drawn = self.extents(run), ""
        if run.waited:
            drawn += waited(self.x(run.due or 0), bars[0][0], y)
        for (x, end), one in zip(bars, run.attempts, strict=True):
            drawn += bar(one["outcome"], x, end, y, self.id)
            if self.numbered and one["rows"] is not None:
                drawn += f'<text class="letter" x="{end + 4:.1f}" y="{y + 4}">{one["rows"]}</text>'
            if self.letters and one["outcome"] == "ok" and end - x >= 13:
                letter = escape(self.letters[run.job])
                drawn += (
                    f'<text class="inside" x="{(x + end) / 2:.1f}" y="{y + 4}" text-anchor="middle">{letter}</text>'
                )
        drawn += "".join(again(one[1], two[0], y) for one, two in pairwise(bars))
        said = "asked for by hand" if run.due is None else f"due {run.due}"
        for one in run.attempts:
            until = "?" if one["end"] is None else number(one["end"])
            said += f"; {number(one['start'])} to {until} {one['outcome']}"
        return f"<g><title>{escape(f'{run.job}, {said}')}</title>{drawn}</g>"

    def lane(self, lane: Lane, y: float) -> tuple[str, float]:
        """A lane from its name to its axis."""
        drawn, top = self.head(lane, y)
        placed = self.rows(lane)
        crowd, since, until = lane.crowd()
        high = top + 17 * bool(lane.alerts) + 17 * bool(crowd) + 2
        axis = high + ROW * (1 + max([0, *(row for row, _ in placed)]))
        for start, end, _ in self.result["spans"]:
            x, edge = self.x(start), max(self.x(end), self.x(start) + 2)
            drawn += f'<rect class="band" x="{x}" y="{top}" width="{edge - x:.1f}" height="{axis + 12 - top}"/>'
            edges = [x] * (start >= self.first) + [edge] * (end <= self.last and edge - x > 5)
            drawn += "".join(f'<path class="edge" d="M{at:.1f} {top}V{axis + 12}"/>' for at in edges)
        every = "".join(f"M{self.x(tick)} {top}V{axis}" for tick in range(self.result["ticks"]))
        drawn += f'<path class="grid" d="{every}"/>'
        drawn += f'<path class="axis" d="M{LEFT} {axis}H{RIGHT + 6}"/>'
        for tick in lane.due:
            kind = "missed" if tick in lane.missed else "skipped" if tick in lane.skipped else "due"
            drawn += shape(kind, self.x(tick), axis + 6)
        drawn += "".join(shape("hand", self.x(run.start), axis + 6) for run in lane.runs if run.due is None)
        if not lane.runs:
            drawn += f'<text class="quiet" x="{WIDTH / 2}" y="{axis - 5}" text-anchor="middle">nothing ran</text>'
        lowest: dict[str, float] = {}
        for row, run in reversed(placed):
            middle = axis - 2 - ROW * row - BAR / 2
            lowest[run.job] = max(middle, lowest.get(run.job, 0))
            drawn += self.run(run, middle)
        for job in lowest if self.letters else ():
            drawn += f'<text class="letter" x="1" y="{lowest[job] + 4}">{escape(self.letters[job])}</text>'
        if crowd:
            x, end = self.x(since), self.x(until)
            at = min(max((x + end) / 2, 36), WIDTH - 36)
            drawn += bracket(x, end, high - 4)
            drawn += f'<text class="over" x="{at:.1f}" y="{high - 9}" text-anchor="middle">{crowd} at once</text>'
        return drawn + self.alerts(lane, top + 9), axis + 26

    def alerts(self, lane: Lane, y: float) -> str:
        """The bells of a lane; those too close to be told apart are one with their number."""
        groups: list[list[dict[str, Any]]] = []
        for alert in lane.alerts:
            if groups and self.x(alert["at"]) - self.x(groups[-1][0]["at"]) < 27:
                groups[-1].append(alert)
            else:
                groups.append([alert])
        drawn = ""
        for group in groups:
            x, said = self.x(group[0]["at"]), "; ".join(f"{number(one['at'])}: {one['text']}" for one in group)
            times = f'<text class="letter" x="{x + 7:.1f}" y="{y + 4}">×{len(group)}</text>' if group[1:] else ""
            drawn += f"<g><title>{escape(said)}</title>{shape('alert', x, y)}{times}</g>"
        return drawn

    def head(self, lane: Lane, y: float) -> tuple[str, float]:
        """The name of a lane, whether harm came to it, and how much."""
        sign = shape("harm" if any(lane.verdict.values()) else "good", 9, y + 10) if lane.verdict else ""
        left = 22 if sign else 1
        x, drawn = left + len(lane.name) * 8.5, f'<tspan class="name">{escape(lane.name)}</tspan>'
        text = f'{sign}<text x="{left}" y="{y + 15}">'
        for what, count in lane.verdict.items():
            said = f"{what}: {count}"
            x += 16 + len(said) * LETTER * 1.08
            move = 'dx="16"'
            if x > WIDTH:
                x, y, move = left + len(said) * LETTER * 1.08, y + 17, f'x="{left}" dy="17"'
            drawn += f'<tspan class="{"harm" if count else "quiet"}" {move}>{escape(said)}</tspan>'
        return f"{text}{drawn}</text>", y + 24

    def faults(self) -> tuple[str, float]:
        """What the fault is called and how long it is on, above the lanes."""
        drawn, ends = "", [0.0]
        for start, end, label in self.result["spans"]:
            x, until, wide = self.x(start), max(self.x(end), self.x(start) + 4), len(label) * LETTER
            at = max(1, min(x, WIDTH - 4 - wide))
            row = next((row for row, taken in enumerate(ends) if taken <= at), len(ends))
            ends[row : row + 1] = [max(at + wide, until) + 8]
            drawn += f'<text x="{at:.1f}" y="{13 + row * 20}">{escape(label)}</text>'
            drawn += f'<path class="reach" d="M{x} {19 + row * 20}H{until:.1f}"/>'
        return drawn, 28 + 20 * (len(ends) - 1) if drawn else 4

    def legend(self, y: float) -> tuple[str, float]:
        """Each mark that occurs, with its meaning."""
        marks = sum((lane.marks() for lane in self.lanes), Counter[str]())
        marks["due"] = sum(len(lane.due) for lane in self.lanes) - marks["missed"] - marks["skipped"]
        marks["fault"] = len(self.result["spans"])
        items = {
            "due": (shape("due", 11, 0), f"due, every {number(self.result['tick_seconds'])} s"),
            "ran": (bar("ok", 0, 22, 0, self.id), "ran"),
            "failed": (bar("failed", 0, 22, 0, self.id), "failed"),
            "killed": (bar("killed", 0, 22, 0, self.id), "killed"),
            "retried": (again(0, 22, 0), "tried again"),
            "waited": (waited(3, 22, 0), "waited since it was due"),
            "crowd": (bracket(1, 21, 1), "most at once"),
            "hand": (shape("hand", 11, 0), "asked for by hand"),
            "missed": (shape("missed", 11, 0), "missed: due, never ran"),
            "skipped": (shape("skipped", 11, 0), "skipped: another was at work"),
            "alert": (shape("alert", 11, 0), "alert"),
            "fault": (shape("fault", 11, 0), "fault on"),
        }
        shown = [item for mark, item in items.items() if marks[mark] > 0]
        shown += [
            (f'<text class="letter" x="7" y="4">{escape(letter)}</text>', job)
            for job, letter in self.letters.items()
            if job != letter
        ]
        shown += [('<text class="letter" x="7" y="4">5</text>', "rows that it loaded")] * self.numbered
        return legend(shown, y)

    def svg(self) -> str:
        """The whole picture."""
        drawn, y = self.faults()
        for lane in self.lanes:
            part, y = self.lane(lane, y)
            drawn += f"\n{part}"
        step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 1000) if self.x(step) - self.x(0) >= 24 or step == 1000)
        for tick in range(0, int(self.last) + 1, step):
            drawn += f'<text class="quiet" x="{self.x(tick)}" y="{y}" text-anchor="middle">{tick}</text>'
        part, y = self.legend(y + 22)
        said = " ".join(f"{lane.name}: {lane.words()}." for lane in self.lanes)
        title = f"{self.result['fault']}: {self.result['claim']}"
        return picture(self.id, title, said, f"<defs>{hatch(self.id)}</defs>\n{drawn}\n{part}", y)
