"""Markdown that programs write and read: tables, and the console blocks of a page."""

import re
import textwrap
from collections import Counter
from dataclasses import dataclass

# A command behind `$ `, its further lines behind `> `, and what is printed before the next one.
STEP = re.compile(r"^\$ (?P<command>.*(?:\n> .*)*)(?P<output>(?:\n(?!\$ ).*)*)", re.M)
BLOCK = re.compile(r"^(?P<indent> *)```console\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S)


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table, padded so that it can be read as it is; numbers are aligned to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    right = [all(not row[c] or row[c][0] in "0123456789–" for row in rows) for c in range(len(header))]
    right[0] = False

    def line(cells: list[str]) -> str:
        padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(cells, widths, right, strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = [f"{'-' * (w - 1)}{':' if r else '-'}" for w, r in zip(widths, right, strict=True)]
    return "\n".join([line(header), line(rule), *map(line, rows)])


def session(block: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that is shown below it."""
    return [
        (found["command"].replace("\n> ", "\n"), found["output"].strip("\n"))
        for found in STEP.finditer(textwrap.dedent(block))
    ]


@dataclass(frozen=True)
class Block:
    """A console block of a page: where it begins, what is in it, and how many blocks above have the same commands."""

    line: int
    steps: tuple[tuple[str, str], ...]
    above: int

    @property
    def commands(self) -> tuple[str, ...]:
        """What is typed."""
        return tuple(command for command, _ in self.steps)


def blocks(page: str) -> list[Block]:
    """The console blocks in the text of a page, in its order."""
    found: list[Block] = []
    seen: Counter[tuple[str, ...]] = Counter()
    for match in BLOCK.finditer(page):
        block = Block(page.count("\n", 0, match.start()) + 1, tuple(session(match["body"])), 0)
        found.append(Block(block.line, block.steps, seen[block.commands]))
        seen[block.commands] += 1
    return found
