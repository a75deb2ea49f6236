"""`make contrast`: live through the faults of the board, print the verdicts, write results and timelines.

They go to .cache/contrast, or where RESULTS says: what the page shows is in contrast/results.
Exit code 1 when a verdict is not the expected one.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

from bench.boxes import number
from contrast.results import FOLDER, board, cell, write
from contrast.stack import LANES, TICK, Stack
from contrast.window import faults, live, load
from lab.engine import CACHE, Trouble, say, step


def surprises(result: dict[str, Any]) -> list[str]:
    """What came out otherwise than the fault's module expects, a line for each lane."""
    expected = load(result["fault"]).EXPECTED
    return [
        f"{result['fault']}, {lane}: {cell(got['verdict'])}; expected: {cell(expected[lane])}"
        for lane, got in result["lanes"].items()
        if got["verdict"] != expected[lane]
    ]


def main() -> int:
    """Run what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(prog="make contrast", description=__doc__)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help="all of them when none is named")
    parser.add_argument("--only", action="append", choices=LANES, help="a lane; all of them when none is named")
    parser.add_argument("--lanes", type=Path, default=FOLDER.parent / "lanes", help="a folder like contrast/lanes")
    chosen = parser.parse_args()
    names = chosen.faults or faults()
    for name in names:
        load(name)
    repeat = number("REPEAT", 1)
    if not chosen.lanes.is_dir():
        raise Trouble(f"{chosen.lanes} is no folder: name one with crontabs, like contrast/lanes")
    results = Path(os.environ.get("RESULTS") or CACHE / "contrast")
    wrong: list[str] = []
    rows: list[dict[str, Any]] = []
    began = time.monotonic()
    with Stack(chosen.only or LANES, chosen.lanes) as stack:
        for turn in range(1, repeat + 1):
            for place, name in enumerate(names, start=1):
                of = f"{place}/{len(names)} {name}" + (f", run {turn}" if repeat > 1 else "")
                with step(f"{of}, {load(name).TICKS} ticks of {getattr(load(name), 'TICK', TICK):g} s"):
                    result = live(stack, name)
                rows.append(result)
                wrong += surprises(result)
                if stack.lanes == LANES:
                    write(result, results)
    pictures = f"; pictures: {results}" if stack.lanes == LANES else ""  # of all lanes, or none
    lived = f"{len(rows)} {'fault' if len(rows) == 1 else 'faults'}, {time.monotonic() - began:.0f} s"
    say(f"\n{board(rows)}\n\n{lived}{pictures}")
    for line in wrong:
        say(f"NOT AS EXPECTED {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted: nothing is left running")
