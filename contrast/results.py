"""What `make contrast` leaves: for each fault a record, a timeline and a table, and the table of all verdicts."""

import json
from pathlib import Path
from typing import Any

from contrast import summary, timeline
from contrast.fault import faults
from contrast.stack import FOLDER as BOARD
from engine.core import ROOT
from engine.docker import docker
from engine.markdown import table as markdown
from engine.records import digest

FOLDER = BOARD / "results"
SHOW = ("__main__", "results", "symbols", "timeline")  # the modules that show a record; no run depends on them
ENGINE = ("core", "docker", "images", "stacks", "system", "web")  # what a run uses of it
IMAGES = (
    "03-prefect/Dockerfile",
    "03-prefect/requirements.lock",
    "offline/debian",
    "offline/python",
    "offline/postgres",
)


def input_paths(name: str, lanes: Path) -> list[Path]:
    """The files and folders that the record of a fault depends on: the fault, the lanes, the harness, and the images."""
    own = [BOARD / "faults/__init__.py", BOARD / f"faults/{name.replace('-', '_')}.py"]
    makes = [path for path in BOARD.glob("*.py") if path.stem not in SHOW]
    harness = [*makes, BOARD / "inside", BOARD / "docker-compose.yml"]
    engine = [ROOT / f"engine/{module}.py" for module in ("__init__", *ENGINE)]
    return [*own, lanes, *harness, *engine, *(ROOT / image for image in IMAGES)]


def inputs(name: str, lanes: Path | None = None) -> str:
    """The digest of all that the record of a fault depends on; `lanes` is the folder of the lanes, if another."""
    return digest(input_paths(name, lanes or BOARD / "lanes"))


def committed(name: str) -> dict[str, Any]:
    """The record of a fault that the page shows."""
    record: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return record


def stale() -> list[str]:
    """The faults whose committed record was made from other inputs than those that are here."""
    return [name for name in faults() if committed(name).get("inputs") != inputs(name)]


def counts(verdict: dict[str, int]) -> str:
    """A verdict in words, with what did not happen."""
    return ", ".join(f"{what} {count}" for what, count in verdict.items())


def cell(verdict: dict[str, int]) -> str:
    """A verdict in words: a check mark, or the counts of harm that are not 0."""
    return counts({what: count for what, count in verdict.items() if count}) or "✓"


def summary_table(results: list[dict[str, Any]], link: bool = False) -> str:
    """The table of faults and lanes; with `link` for the page, on which each fault has a heading of its name."""
    lanes = list(dict.fromkeys(lane for result in results for lane in result["lanes"]))
    rows = [
        [f"[{result['fault']}](#{result['fault']})" if link else result["fault"]]
        + [cell(result["lanes"][lane]["verdict"]) for lane in lanes]
        for result in results
    ]
    return markdown(["fault", *(summary.NAMES[lane] for lane in lanes)], rows)


def figures(result: dict[str, Any]) -> str:
    """The table of what depends on the machine; empty when a fault measures nothing of the kind."""
    names = list(dict.fromkeys(name for lane in result["lanes"].values() for name in lane["figures"]))
    rows = [
        [
            summary.NAMES[lane],
            *("–" if got["figures"].get(name) is None else f"{got['figures'][name]:g}" for name in names),
        ]
        for lane, got in result["lanes"].items()
    ]
    return "\nFigures of this machine:\n\n" + markdown(["lane", *names], rows) + "\n" if names else ""


def shown(result: dict[str, Any]) -> dict[str, str]:
    """What a page shows of a record, by the ending of its file: the picture and the table."""
    return {"svg": timeline.svg(result), "md": timeline.table(result) + figures(result)}


def write(result: dict[str, Any], folder: Path) -> None:
    """Write a result as NAME.json, NAME.svg and NAME.md, and the table of all that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    name = result["fault"]
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    for kind, text in shown(result).items():
        (folder / f"{name}.{kind}").write_text(text)
    all_of_them = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    (folder / "board.md").write_text(summary_table(all_of_them, link=True) + "\n")


def write_duration(count: int, seconds: float, folder: Path) -> None:
    """Write how long a run of all faults took, as a sentence that the page includes."""
    cores, memory = docker("info", "--format", "{{.NCPU}} {{.MemTotal}}").split()
    machine = f"a machine with {cores} cores and {int(memory) / 10**9:.0f} GB of memory"
    text = f"`make contrast` runs all {count} faults; on {machine} that took {seconds / 60:.0f} minutes."
    (folder / "duration.md").write_text(text + "\n")


if __name__ == "__main__":  # after a change of what is drawn
    for name in faults():
        write(committed(name), FOLDER)
