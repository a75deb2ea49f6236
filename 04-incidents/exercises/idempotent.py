"""Write the incidents of an answer to a CSV file. Usage: idempotent.py answer.json incidents.csv"""

import csv
import json
import sys
from pathlib import Path

HEADER = ["id", "title", "status"]


# TODO: this appends, so an incident that is told twice has two rows. Let each have one row, with what was told last.
# An incident that is not in this answer keeps its row.
def write(events: list[dict[str, str]], path: Path) -> None:
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, HEADER, lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(events)


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text())["eventos"], Path(sys.argv[2]))
