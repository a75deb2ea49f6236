"""Every job of the corpus, planned and compared in five time zones: `python -m lab.migrate.proof` writes the figures.

They are in results/migrate-diff.json, for each zone and shape, and summed up in results/migrate-diff.md. Timers of
systemd and anacrontabs are left out: cron has no dates for them.
"""

import json
import sys
import tempfile
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.core import ROOT, program
from engine.markdown import table
from lab.migrate.diff import AUTUMN, FIRST_OF_MARCH, SPRING, Window, compare, window_of
from lab.migrate.diff_command import lines_of
from lab.migrate.lines import Format
from lab.migrate.pairs import Pair, paired
from lab.migrate.plan import plan
from lab.migrate.prefect_yaml import read_deployments
from lab.migrate.write import prefect_yaml

ZONES = ("UTC", "America/Sao_Paulo", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe")
FIRST_DAY, DAYS = datetime(2026, 11, 1), 400
REASONS = (SPRING, AUTUMN, FIRST_OF_MARCH)
RECORD, TABLE = (ROOT / "results" / f"migrate-diff.{kind}" for kind in ("json", "md"))
KNOWN: dict[tuple[object, ...], list[int]] = {}
COLUMNS = (
    *("zone", "jobs", "instants compared", "that differ"),
    *("the clock skips the time", "the time comes twice", "1 March", "unexplained"),
)


@cache
def shapes() -> dict[str, dict[str, Any]]:
    """The shapes of the corpus that cron has dates for, by name."""
    lines = (ROOT / "lab/migrate/corpus/corpus.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return {one["name"]: one for one in found if one["format"] in (Format.USER, Format.SYSTEM) and one["jobs"]}


def counted(shape: dict[str, Any], zone: str) -> list[int]:
    """Plan a shape, and compare: jobs, instants compared, those that differ by each of REASONS, and by any other."""
    here, kind = ZoneInfo(zone), Format(shape["format"])
    window = window_of(FIRST_DAY.replace(tzinfo=here), DAYS, here)
    made = plan(shape["crontab"].encode(), kind, here, window.start.astimezone(here), "scheduler")
    moved = {number for one in made.deployments for number in one.lines}
    with tempfile.TemporaryDirectory() as folder:
        crontab, written = Path(folder, "crontab"), Path(folder, "prefect.yaml")
        crontab.write_bytes(shape["crontab"].encode())
        written.write_text(prefect_yaml(made, "crontab"))
        lines = [line for line in lines_of(crontab, kind is Format.SYSTEM)[0] if line.number in moved]
        tallies = [tally(pair, window) for pair in paired(lines, read_deployments(written))]
    return [len(moved), *map(sum, zip(*tallies, strict=True))]


def tally(pair: Pair, window: Window) -> list[int]:
    """The instants of a pair that were compared, and those that differ; schedules that are the same are asked once."""
    schedules = (line.schedule.text for line in pair.lines)
    key = (window, *schedules, *((one.timing, one.active) for one in pair.schedules), *pair.other_commands)
    if key not in KNOWN:
        outcome = compare(pair, window)
        by_reason = [sum(len(one) for one in outcome.causes if one.text == reason) for reason in REASONS]
        other = sum(max(1, len(one)) for one in outcome.causes if one.text not in REASONS)
        KNOWN[key] = [outcome.compared, *by_reason, other]
    return KNOWN[key]


def summed(record: dict[str, dict[str, list[int]]]) -> str:
    """The figures of a record as a table, with their sum."""
    rows = []
    for by_shape in record.values():
        jobs, compared, *differ = map(sum, zip(*by_shape.values(), strict=True))
        rows.append([jobs, compared, sum(differ), *differ])
    total = [rows[0][0], *map(sum, zip(*(row[1:] for row in rows), strict=True))]
    named = zip([*record, "all"], [*rows, total], strict=True)
    return table([*COLUMNS], [[name, *(f"{number:,}" for number in row)] for name, row in named])


def main() -> None:
    """Compare all, and write what was counted."""
    record: dict[str, dict[str, list[int]]] = {}
    for zone in ZONES:
        print(zone, file=sys.stderr)
        record[zone] = {name: counted(shape, zone) for name, shape in shapes().items()}
    rows = (f" {json.dumps(zone)}: {json.dumps(by_shape)}" for zone, by_shape in record.items())
    RECORD.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    TABLE.write_text(summed(record) + "\n")


if __name__ == "__main__":
    program(main)
