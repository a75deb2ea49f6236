"""What a run printed, below the console block whose page shows only a pattern of it.

`make outputs` writes it to results/outputs, a file for each page. A block finds it by the page and by its commands, so
that it stays in its place when the text around it changes.
"""

import json
import re
from collections import Counter
from html import escape, unescape
from pathlib import Path
from typing import Any

from markdown import Markdown
from markdown.postprocessors import Postprocessor
from pygments import highlight
from pygments.formatters import HtmlFormatter

from engine.markdown import session
from lab.pages.console_lexer import ConsoleLexer

SUMMARY = "What a run printed"
# A fence, as it is highlighted; the command of an exercise has no empty element before its code.
_CONSOLE = re.compile(r'<div class="language-console highlight"><pre><span></span><code>(.*?)</code></pre></div>', re.S)
_TAG = re.compile(r"<[^>]+>")


def commands_of(html: str) -> tuple[str, ...]:
    """The commands of a highlighted block."""
    return tuple(command for command, _ in session(unescape(_TAG.sub("", html))))


def _printed(command: str, lines: list[str]) -> str:
    """A command as a block highlights it, and its output, in which nothing is taken for a command."""
    typed = "$ " + command.replace("\n", "\n> ") + "\n"
    output = "".join(f'<span class="go">{escape(line)}</span>\n' if line else "\n" for line in lines)
    return str(highlight(typed, ConsoleLexer(), HtmlFormatter(nowrap=True))) + output


def details(recording: dict[str, Any]) -> str:
    """The closed element with the outputs of a block that its pattern hides. Its code has no copy button."""
    both = zip(recording["commands"], recording["printed"], strict=True)
    code = "".join(_printed(command, lines) for command, lines in both if lines)
    return (
        f'<details class="recorded" data-search-exclude=""><summary>{SUMMARY}</summary>'
        f'<div class="language-console highlight no-copy"><pre><span></span><code>{code}</code></pre></div></details>'
    )


class Outputs(Postprocessor):
    """Puts what a run printed below each console block of a page that has a recording."""

    def __init__(self, md: Markdown, docs: Path, folder: Path) -> None:
        """`docs` is the folder of the pages, `folder` that of their recordings."""
        super().__init__(md)
        self.docs = docs
        self.folder = folder
        self.recordings: dict[tuple[tuple[str, ...], int], dict[str, Any]] = {}

    def begin(self, text: str) -> None:
        """Read the recordings of a page, which is known by its text: a builder does not say its name."""
        same = (page for page in self.docs.rglob("*.md") if page.read_text("utf-8").strip().endswith(text.strip()))
        file = self.folder / f"{next(same, Path('none')).stem}.json"
        read = json.loads(file.read_text("utf-8")) if file.exists() else []
        self.recordings = {(tuple(one["commands"]), one["above"]): one for one in read}

    def run(self, text: str) -> str:
        """Change the HTML of a page."""
        seen: Counter[tuple[str, ...]] = Counter()

        def below(block: re.Match[str]) -> str:
            commands = commands_of(block[1])
            recording = self.recordings.get((commands, seen[commands]))
            seen[commands] += 1
            return block[0] + (f"\n{details(recording)}" if recording else "")

        return _CONSOLE.sub(below, text) if self.recordings else text
