"""What happened in each lane under one fault, counted once, from the record of the run.

The timeline draws these counts, the table says them, and a fault's harm is counted from them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

NAMES = {"plain": "Plain cron", "hardened": "Hardened cron", "prefect": "Prefect"}
ESCAPED = str.maketrans({sign: f"&#{ord(sign)};" for sign in "|*_`[]{}\\<>&"})  # in a cell of a Markdown table


@dataclass(frozen=True)
class Run:
    """A run with its attempts, as they were recorded; `due` is None when someone asked for it by hand."""

    job: str
    due: int | None
    attempts: list[dict[str, Any]]

    @property
    def start(self) -> float:
        """When the first attempt began, in ticks."""
        return float(self.attempts[0]["start"])

    @property
    def outcome(self) -> str:
        """How the last attempt ended: ok, failed or killed."""
        return str(self.attempts[-1]["outcome"])

    @property
    def waited(self) -> bool:
        """Whether it began a tick or more after it was due."""
        return self.due is not None and self.start - self.due >= 1


@dataclass(frozen=True)
class Lane:
    """What happened in one lane, times in ticks."""

    name: str
    verdict: dict[str, int]  # the harm that was counted
    runs: list[Run]
    alerts: list[dict[str, Any]]  # at, text
    missed: list[int]  # ticks that were due and had no run, though none was at work
    skipped: list[int]  # ticks that were due and had no run because another was at work: a lock, or a limit of one
    due: list[int]
    ticks: int
    tick: float  # seconds
    spans: list[tuple[float, float, str]]  # when the fault was on
    rows: dict[str, int]  # published, lost and doubled
    reports: list[dict[str, Any]]  # made (tick), newest (order)
    measured: Any  # what else the fault has measured

    @property
    def failed(self) -> int:
        """Runs that did not succeed: the last attempt failed or was killed."""
        return sum(run.outcome != "ok" for run in self.runs)

    @property
    def by_hand(self) -> int:
        """Runs that someone asked for by hand."""
        return sum(run.due is None for run in self.runs)

    @property
    def late(self) -> int:
        """Runs that were due while the fault was on, and began when it was over."""
        return sum(
            any(run.due is not None and start < run.due < end < run.start for start, end, _ in self.spans)
            for run in self.runs
        )

    def crowd(self) -> tuple[int, float, float]:
        """Most attempts at work at once, and from when to when; (0, 0, 0) when none was beside another.

        One whose end nobody has seen counts as at work until the next attempt of its run, or else until the end.
        """
        attempts = [one for run in self.runs for one in run.attempts]
        last = max([float(self.ticks), *(one["end"] or one["start"] for one in attempts)])
        turns = []
        for run in self.runs:
            following = [*(one["start"] for one in run.attempts[1:]), last]
            for one, next_start in zip(run.attempts, following, strict=True):
                turns += [(one["start"], 1), (next_start if one["end"] is None else one["end"], -1)]
        turns.sort()
        most, now = (0, 0.0, 0.0), 0
        for (at, change), (until, _) in pairwise(turns):
            now += change
            if now > max(most[0], 1):
                most = (now, at, until)
        return most

    @property
    def at_once(self) -> int:
        """How many attempts were at work at the same time, at most."""
        return self.crowd()[0] or min(1, len(self.runs))

    def marks(self) -> Counter[str]:
        """How often each mark stands in the lane: attempts by outcome, runs by how they came, ticks, alerts."""
        marks = Counter({"ok": "ran"}.get(one["outcome"], one["outcome"]) for run in self.runs for one in run.attempts)
        again = [run.outcome for run in self.runs if len(run.attempts) > 1]
        marks.update({"retried": len(again), "recovered": again.count("ok"), "crowd": self.crowd()[0]})
        marks.update({"waited": sum(run.waited for run in self.runs), "hand": self.by_hand})
        marks.update({"missed": len(self.missed), "skipped": len(self.skipped), "alert": len(self.alerts)})
        return +marks

    def words(self) -> str:
        """What happened, in words: runs by how they ended, then how they came, then ticks and alerts."""
        marks, ended = self.marks(), Counter(run.outcome for run in self.runs)
        kinds = {"ok": "ran", "failed": "failed", "killed": "killed"}
        said = [f"{word} {ended[kind]}" for kind, word in kinds.items() if ended[kind]] or ["nothing ran"]
        before = sum(len(run.attempts) - 1 for run in self.runs)
        failures = f"{before} failed attempt{'s' if before > 1 else ''}"
        more = {
            "hand": f"asked for by hand {marks['hand']}",
            "waited": f"waited {marks['waited']}",
            "retried": f"retried {marks['retried']}, {marks['recovered']} of them with success ({failures} before)",
            "crowd": f"up to {marks['crowd']} at once",
            "missed": f"missed {marks['missed']} ({ticks(self.missed)})",
            "skipped": f"skipped {marks['skipped']} ({ticks(self.skipped)})",
        }
        said += [text for kind, text in more.items() if marks[kind]]
        alerts: dict[str, list[str]] = {line(one["text"]): [] for one in self.alerts}
        for one in self.alerts:
            alerts[line(one["text"])].append(number(one["at"]))
        told = [
            f"“{text}” (" + (f"{len(at)} times, ticks {at[0]} to {at[-1]})" if at[1:] else f"tick {at[0]})")
            for text, at in alerts.items()
        ]
        return ", ".join(said) + ("; alerts: " if told else "") + ", ".join(told)


def read(result: dict[str, Any]) -> dict[str, Lane]:
    """The lanes of a record; KeyError: it is none, ValueError: a run never began (it was missed)."""
    for key, lane in result["lanes"].items():
        if not all(run["attempts"] for run in lane["runs"]):
            raise ValueError(f"lane {key} of {result['fault']}: a run without an attempt")
    return {
        key: Lane(
            name=NAMES.get(key, key),
            verdict=lane.get("verdict", {}),
            runs=[Run(run["job"], run["due"], run["attempts"]) for run in lane["runs"]],
            alerts=sorted(lane["alerts"], key=lambda alert: float(alert["at"])),
            missed=sorted(lane["missed"]),
            skipped=sorted(lane.get("skipped", [])),
            due=result.get("due", list(range(result["ticks"]))),
            ticks=result["ticks"],
            tick=result["tick_seconds"],
            spans=[tuple(span) for span in result["spans"]],
            rows=lane.get("rows", {}),
            reports=lane.get("reports", []),
            measured=lane.get("measured"),
        )
        for key, lane in result["lanes"].items()
    }


def number(value: float) -> str:
    """Return a number with one decimal where it has one."""
    return f"{value:.1f}".removesuffix(".0")


def line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


def ticks(missed: Sequence[int]) -> str:
    """Return ticks in words: `tick 3`, `ticks 1, 4 to 6`."""
    parts: list[list[int]] = []
    for tick in missed:
        if parts and tick == parts[-1][-1] + 1:
            parts[-1].append(tick)
        else:
            parts.append([tick])
    said = [str(part[0]) if not part[1:] else f"{part[0]} to {part[-1]}" for part in parts]
    return ("ticks " if missed[1:] else "tick ") + ", ".join(said)


def row(*cells: str) -> str:
    """A row of a Markdown table that shows each cell as it is."""
    return f"| {' | '.join(cell.translate(ESCAPED) for cell in cells)} |"


def table(result: dict[str, Any]) -> str:
    """Return the Markdown table of a record: a row for each lane, what happened, and the counts of harm."""
    lanes = read(result).values()
    harms = list(dict.fromkeys(harm for lane in lanes for harm in lane.verdict))
    rows = [row("Lane", "What happened", *harms), "| --- | --- |" + " ---: |" * len(harms)]
    rows += [row(one.name, one.words(), *(str(one.verdict.get(harm, "–")) for harm in harms)) for one in lanes]
    return "\n".join(rows) + "\n"
