"""What happened in each lane of one fault, counted once: the timeline draws these counts, the table says them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

NAMES = {"plain": "Plain cron", "hardened": "Hardened cron", "prefect": "Prefect"}


@dataclass(frozen=True)
class Run:
    """A run with its attempts, as the board recorded them; `due` is None when someone asked for it by hand."""

    job: str
    due: int | None
    attempts: list[dict[str, Any]]

    @property
    def start(self) -> float:
        """When the first attempt began, in ticks."""
        return float(self.attempts[0]["start"])

    @property
    def late(self) -> bool:
        """Whether it began a tick or more after it was due."""
        return self.due is not None and self.start - self.due >= 1


@dataclass(frozen=True)
class Lane:
    """What happened in one lane; `verdict` counts harm; ticks are `due`, some `lost`, some `skipped` on purpose."""

    name: str
    verdict: dict[str, int]
    runs: list[Run]
    alerts: list[dict[str, Any]]
    lost: list[int]
    skipped: list[int]
    due: list[int]

    def crowd(self) -> tuple[int, float, float]:
        """Most attempts at work at once, and from when to when; one whose end nobody knows is not counted."""
        known = [one for run in self.runs for one in run.attempts if one["end"] is not None]
        turns = sorted([(one["start"], 1) for one in known] + [(one["end"], -1) for one in known])
        most, now = (0, 0.0, 0.0), 0
        for (at, change), (until, _) in pairwise(turns):
            now += change
            if now > max(most[0], 1):
                most = (now, at, until)
        return most

    def marks(self) -> Counter[str]:
        """How often each mark stands in the lane: attempts by outcome, runs by how they came, ticks, alerts."""
        marks = Counter({"ok": "ran"}.get(one["outcome"], one["outcome"]) for run in self.runs for one in run.attempts)
        again = [run.attempts[-1]["outcome"] for run in self.runs if len(run.attempts) > 1]
        marks.update({"retried": len(again), "recovered": again.count("ok"), "crowd": self.crowd()[0]})
        marks.update({"late": sum(run.late for run in self.runs), "hand": sum(run.due is None for run in self.runs)})
        marks.update({"lost": len(self.lost), "skipped": len(self.skipped), "alert": len(self.alerts)})
        return +marks

    def words(self) -> str:
        """The marks in words."""
        marks = self.marks()
        said = [f"{kind} {marks[kind]}" for kind in ("ran", "failed", "killed") if marks[kind]] or ["nothing ran"]
        more = {
            "hand": f"asked for by hand {marks['hand']}",
            "late": f"late {marks['late']}",
            "retried": f"retried {marks['retried']}, {marks['recovered']} of them with success",
            "crowd": f"up to {marks['crowd']} at once",
            "lost": f"lost {marks['lost']} ({ticks(self.lost)})",
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


def read(result: dict[str, Any]) -> list[Lane]:
    """Return the lanes of a result of the board; KeyError: it is none, ValueError: a run never began (it is lost)."""
    for key, lane in result["lanes"].items():
        if not all(run["attempts"] for run in lane["runs"]):
            raise ValueError(f"lane {key} of {result['fault']}: a run without an attempt")
    return [
        Lane(
            NAMES.get(key, key),
            lane["verdict"],
            [Run(run["job"], run["due"], run["attempts"]) for run in lane["runs"]],
            sorted(lane["alerts"], key=lambda alert: float(alert["at"])),
            sorted(lane["lost"]),
            sorted(lane.get("skipped", [])),
            result.get("due", list(range(result["ticks"]))),
        )
        for key, lane in result["lanes"].items()
    ]


def number(value: float) -> str:
    """Return a number with one decimal where it has one."""
    return f"{value:.1f}".removesuffix(".0")


def line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


def ticks(lost: Sequence[int]) -> str:
    """Return ticks in words: `tick 3`, `ticks 1, 4 to 6`."""
    parts: list[list[int]] = []
    for tick in lost:
        if parts and tick == parts[-1][-1] + 1:
            parts[-1].append(tick)
        else:
            parts.append([tick])
    said = [str(part[0]) if not part[1:] else f"{part[0]} to {part[-1]}" for part in parts]
    return ("ticks " if lost[1:] else "tick ") + ", ".join(said)


def table(result: dict[str, Any]) -> str:
    """Return the Markdown table of a result: a row for each lane, what happened, and the counts of harm."""
    lanes = read(result)
    harms = list(dict.fromkeys(harm for lane in lanes for harm in lane.verdict))

    def row(*cells: str) -> str:
        return (
            "| " + " | ".join("".join(f"&#{ord(c)};" if c in "|*_`[]{}\\<>&" else c for c in x) for x in cells) + " |"
        )

    rows = [row("Lane", "What happened", *harms), "| --- | --- |" + " ---: |" * len(harms)]
    rows += [row(one.name, one.words(), *(str(one.verdict.get(harm, "–")) for harm in harms)) for one in lanes]
    return "\n".join(rows) + "\n"
