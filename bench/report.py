"""What a benchmark leaves: a table on the terminal, and in bench/results the same as Markdown and as JSON."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.core import ROOT, say
from engine.docker import docker

RESULTS = Path(os.environ.get("RESULTS") or ROOT / "bench/results")


def processor() -> str:
    """The name of the processor as Linux knows it, else its architecture."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())


def machine() -> dict[str, Any]:
    """What the figures depend on: the date, cores, memory (GB), processor and Docker engine of this machine.

    Raises UserError when no Docker daemon answers.
    """
    cores, memory, engine = docker("info", "--format", "{{.NCPU}} {{.MemTotal}} {{.ServerVersion}}").split()
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "cores": int(cores),
        "memory_gb": round(int(memory) / 10**9, 1),
        "processor": processor(),
        "docker": engine,
        "note": "all figures depend on this machine",
    }


def spaced(number: float) -> str:
    """1234567 as 1 234 567, with spaces at which no line of a page breaks."""
    return f"{number:,.0f}".replace(",", "\u00a0")


def write(name: str, data: dict[str, Any], text: str) -> None:
    """Print the text, and write it and the data as NAME.md and NAME.json."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text + "\n")
    (RESULTS / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")
    say(f"\n{text}\n\nwritten: {RESULTS / name}.md and .json")
