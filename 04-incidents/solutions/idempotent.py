"""Write the incidents of an answer to a CSV file. Usage: idempotent.py answer.json incidents.csv"""

import csv
import json
import sys
from pathlib import Path

HEADER = ["id", "title", "status"]


def write(events: list[dict[str, str]], path: Path) -> None:
    rows = {}
    if path.exists():
        with path.open(newline="") as file:
            rows = {row["id"]: row for row in csv.DictReader(file)}
    rows |= {str(event["id"]): event for event in events}
    new = path.with_suffix(".new")
    with new.open("w", newline="") as file:
        writer = csv.DictWriter(file, HEADER, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())
    new.replace(path)


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text())["eventos"], Path(sys.argv[2]))
