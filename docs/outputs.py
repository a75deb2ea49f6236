"""What a run printed, for the pages: `make outputs` takes it over from the last runs of the tests.

A page shows the output of a command as a pattern, which the tests need. The tests keep in .cache/outputs.json what a
command printed when it fitted. From there results/outputs/PAGE.json gets what the pattern hides, without what is only
of this machine; `lab.pages.outputs` shows it below the block. What did not run stays as it was recorded before.
"""

import json
import re
import socket
from itertools import accumulate
from pathlib import Path
from typing import Any

from engine.core import CACHE, ROOT, UserError, program, say
from engine.markdown import Block, blocks

OUTPUTS = ROOT / "results/outputs"
LAST = CACHE / "outputs.json"
MOST_LINES, MOST_CHARACTERS = 40, 4000  # of an output; a page has many
LEFT_OUT = re.compile(r"\[… (\d+) lines? left out …\]")  # the line in its middle, when it has more
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
MIRRORS = re.compile(r"^Looking in (?:indexes|links): .*\n?", re.M)  # where pip looks on this machine

Recording = dict[str, Any]  # a block: its commands, what each printed (null: what the page shows), and Block.above


def clean(output: str) -> str:
    """An output without colours, without trailing blanks, and without the folders and the name of this machine."""
    text = MIRRORS.sub("", CONTROL.sub("", output))
    names = [(str(ROOT), "~/beyond-cron"), (str(Path.home()), "~"), (socket.gethostname(), "this-machine")]
    for name, instead in names:
        if name not in ("/", "", "localhost", "/root"):  # each container has a /root
            text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", instead, text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def fitting(lines: list[str], most: int) -> int:
    """How many of the first lines, and how many at most, fill half of an output, with room for LEFT_OUT."""
    sizes = accumulate(len(line) + 1 for line in lines[:most])
    return sum(size <= MOST_CHARACTERS // 2 - 20 for size in sizes)


def shorten(output: str) -> list[str]:
    """The lines of an output. When it is too long, its middle is one line that says how many lines are left out.

    There are none when all of it is left out: a line that is too long is not cut.
    """
    lines = output.splitlines()
    if len(lines) <= MOST_LINES and len(output) <= MOST_CHARACTERS:
        return lines
    head = fitting(lines, MOST_LINES // 2)
    tail = fitting(lines[:head:-1], MOST_LINES // 2 - 1)
    count = len(lines) - head - tail
    if not head and not tail:
        return []
    return [*lines[:head], f"[… {count} line{'s' * (count > 1)} left out …]", *lines[len(lines) - tail :]]


def record(block: Block, printed: list[str]) -> Recording | None:
    """What the outputs of a block add to what its page shows; None when it is nothing."""
    outputs = [clean(output) for output in printed]
    shown = [
        (shorten(output) or None) if output != expected else None
        for output, (_, expected) in zip(outputs, block.steps, strict=True)
    ]
    return {"commands": [*block.commands], "above": block.above, "printed": shown} if any(shown) else None


def ran_as(found: list[Block], line: str, commands: tuple[str, ...]) -> Block | None:
    """The block that has run: the one on that line, or, when the page has been edited since, the one with its commands."""
    same = [block for block in found if block.commands == commands]
    there = [block for block in same if block.line == int(line)]
    return next(iter(there or (same if len(same) == 1 else [])), None)


def merge(page: str, kept: list[Recording], ran: dict[str, list[tuple[str, str]]]) -> list[Recording]:
    """The recordings of a page by its text: of the blocks that ran, and else what was kept of those it still has."""
    found = blocks(page)
    recorded: dict[Block, Recording | None] = {}
    for each in found:
        same = (one for one in kept if (tuple(one["commands"]), one["above"]) == (each.commands, each.above))
        recorded[each] = next(same, None)
    for line, pairs in ran.items():
        if block := ran_as(found, line, tuple(command for command, _ in pairs)):
            recorded[block] = record(block, [output for _, output in pairs])
    return [one for one in recorded.values() if one]


def main() -> None:
    """Write results/outputs. Raises UserError when no page has run since it was written."""
    if not LAST.exists():
        raise UserError(
            "no page has run since the last time, or make check has emptied .cache: run .venv/bin/pytest docs/en/PAGE.md"
        )
    OUTPUTS.mkdir(parents=True, exist_ok=True)
    taken = []
    for name, ran in json.loads(LAST.read_text()).items():
        page = ROOT / name
        if page.parent != ROOT / "docs/en" or not page.exists():
            continue  # the README, and what tests make up, are not on the site
        file = OUTPUTS / f"{page.stem}.json"
        kept = json.loads(file.read_text()) if file.exists() else []
        if recorded := merge(page.read_text(), kept, ran):
            file.write_text(json.dumps(recorded, indent=1, ensure_ascii=False) + "\n")
        else:
            file.unlink(missing_ok=True)
        taken.append(f"{page.stem} {len(recorded)}")
    LAST.unlink()
    say(f"blocks with recorded output: {', '.join(taken) or 'none'}")


if __name__ == "__main__":
    program(main)
