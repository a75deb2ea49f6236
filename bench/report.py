"""What a benchmark leaves: a table on the terminal, and in bench/results the same as Markdown and as JSON."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.engine import ROOT, docker, say

RESULTS = Path(os.environ.get("RESULTS") or ROOT / "bench/results")


def machine() -> dict[str, Any]:
    """What the figures depend on: the date, cores, memory (GB), processor and Docker engine of this machine."""
    cpu = memory = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), "")
    cores, memory, engine = docker("info", "--format", "{{.NCPU}} {{.MemTotal}} {{.ServerVersion}}").split()
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": int(cores),
        "memory_gb": round(int(memory) / 10**9, 1),
        "processor": cpu or platform.machine(),
        "docker": engine,
        "note": "all figures depend on this machine",
    }


def spaced(number: float) -> str:
    """1234567 as 1 234 567."""
    return f"{number:,.0f}".replace(",", " ")


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, padded so that it can be read as it is; numbers stand right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    right = [all(not row[c] or row[c][0] in "0123456789–" for row in rows) for c in range(len(header))]
    right[0] = False

    def line(cells: list[str]) -> str:
        padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (w - 1)}{':' if r else '-'}" for w, r in zip(widths, right, strict=True)]
    return "\n".join([line(header), line(rule), *map(line, rows)])


def write(name: str, data: dict[str, Any], text: str) -> None:
    """Print the text, and write it and the data as NAME.md and NAME.json."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text + "\n")
    (RESULTS / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
    say(f"\n{text}\n\nwritten: {RESULTS / name}.md and .json")
