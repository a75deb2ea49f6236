"""`make contrast`: run the scenarios of the fault board, print the verdicts, write records and timelines.

They go to .cache/contrast, or where RESULTS says: what the page shows is in contrast/results.
Exit code 1 when a verdict is not the expected one, 2 when a scenario could not be run.
"""

import argparse
import os
import time
from pathlib import Path
from typing import Any

from contrast.fault import faults, find
from contrast.results import FOLDER, cell, inputs, summary_table, write, write_duration
from contrast.runner import run
from contrast.stack import LANES, Stack
from engine.core import CACHE, DONE, FAILED, UserError, positive, program, say, step


def surprises(result: dict[str, Any]) -> list[str]:
    """What came out otherwise than the fault expects, a line for each lane."""
    expected = find(result["fault"]).expected
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
    names = chosen.faults or list(faults())
    chosen_faults = {name: find(name) for name in names}
    repeat = positive("REPEAT", 1)
    if not chosen.lanes.is_dir():
        raise UserError(f"{chosen.lanes} is no folder: name one with crontabs, like contrast/lanes")
    folder = Path(os.environ.get("RESULTS") or CACHE / "contrast")
    digests = {name: inputs(name, chosen.lanes) for name in names}  # of what is there now, whatever is edited meanwhile
    results: list[dict[str, Any]] = []
    began = time.monotonic()
    with Stack(chosen.only or LANES, chosen.lanes, os.environ.get("COMPOSE_PROJECT_NAME") or "contrast") as stack:
        for turn in range(1, repeat + 1):
            for place, (name, fault) in enumerate(chosen_faults.items(), start=1):
                of = f"{place}/{len(names)} {name}" + (f", run {turn}" if repeat > 1 else "")
                with step(f"{of}, {fault.ticks} ticks of {fault.tick:g} s"):
                    results.append({"inputs": digests[name]} | run(stack, name))
                if stack.lanes == LANES:
                    write(results[-1], folder)
    seconds = time.monotonic() - began
    whole = stack.lanes == LANES  # pictures are of all lanes, or there are none
    if whole and repeat == 1 and names == list(faults()):
        write_duration(len(names), seconds, folder)
    done = f"{len(results)} {'fault' if len(results) == 1 else 'faults'}, {seconds:.0f} s"
    say(f"\n{summary_table(results)}\n\n{done}{f'; pictures: {folder}' if whole else ''}")
    wrong = [line for result in results for line in surprises(result)]
    for line in wrong:
        say(f"NOT AS EXPECTED {line}")
    return FAILED if wrong else DONE


if __name__ == "__main__":
    program(main)
