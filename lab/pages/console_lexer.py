"""The colours of a terminal, for fences that say `console`: a prompt is what the pages have for one, and nothing else.

Pygments also takes `broken.txt:3: error: %` for a prompt, as some shells have it, and colours an error as a command.
"""

import re
from collections.abc import Iterator
from typing import Any

from pygments.lexer import Lexer, do_insertions
from pygments.lexers import LEXERS
from pygments.lexers.shell import BashLexer
from pygments.token import Generic

__all__ = ["ConsoleLexer"]  # Pygments takes what is in it for lexers

# A command with the lines that continue it, or a line of what is printed.
PART = re.compile(r"(?P<command>^\$ .*\n?(?:^> .*\n?)*)|^.*\n|^.+", re.M)


class ConsoleLexer(Lexer):  # type: ignore[misc]  # Pygments has no types
    """Commands behind `$ `, with lines behind `> ` that go on with them, and what they print."""

    name = "Console"
    aliases = ("console",)

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        """The place, the kind and the text of each token."""
        for part in PART.finditer(text):
            if not part["command"]:
                yield part.start(), Generic.Output, part[0]
                continue
            code, prompts = "", []
            for line in part[0].splitlines(keepends=True):
                prompts.append((len(code), [(0, Generic.Prompt, line[:2])]))
                code += line[2:]
            for at, kind, token in do_insertions(prompts, BashLexer().get_tokens_unprocessed(code)):
                yield part.start() + at, kind, token


def register() -> None:
    """Let Pygments know it by its name, in place of the one that came with it."""
    LEXERS["BashSessionLexer"] = (__name__, ConsoleLexer.name, ConsoleLexer.aliases, (), ())
