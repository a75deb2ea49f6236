"""What the board leaves: for each fault a JSON, a timeline and a table, and the table of all verdicts."""

import json
from pathlib import Path
from typing import Any

from bench.report import table as markdown
from contrast import tally, timeline

FOLDER = Path(__file__).parent / "results"


def counts(verdict: dict[str, int]) -> str:
    """A verdict in words, with what did not happen."""
    return ", ".join(f"{what} {count}" for what, count in verdict.items())


def cell(verdict: dict[str, int]) -> str:
    """A verdict in words: a check mark, or the counts of harm that are not 0."""
    return counts({what: count for what, count in verdict.items() if count}) or "✓"


def board(results: list[dict[str, Any]], link: bool = False) -> str:
    """The table of faults and lanes; with `link` for the page, on which each fault has a heading of its name."""
    lanes = list(dict.fromkeys(lane for result in results for lane in result["lanes"]))
    rows = [
        [f"[{result['fault']}](#{result['fault']})" if link else result["fault"]]
        + [cell(result["lanes"][lane]["verdict"]) for lane in lanes]
        for result in results
    ]
    return markdown(["fault", *(tally.NAMES[lane] for lane in lanes)], rows)


def figures(result: dict[str, Any]) -> str:
    """The table of what depends on the machine; empty when a fault measures nothing of the kind."""
    names = list(dict.fromkeys(name for lane in result["lanes"].values() for name in lane["figures"]))
    rows = [
        [
            tally.NAMES[lane],
            *("–" if got["figures"].get(name) is None else f"{got['figures'][name]:g}" for name in names),
        ]
        for lane, got in result["lanes"].items()
    ]
    return "\nFigures of this machine:\n\n" + markdown(["lane", *names], rows) + "\n" if names else ""


def write(result: dict[str, Any], folder: Path) -> None:
    """Write a result as NAME.json, NAME.svg and NAME.md, and the table of all that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    name = result["fault"]
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / f"{name}.svg").write_text(timeline.svg(result))
    (folder / f"{name}.md").write_text(timeline.table(result) + figures(result))
    all_of_them = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    (folder / "board.md").write_text(board(all_of_them, link=True) + "\n")
