"""The colours of a crontab, for fences that say `cron`: Pygments has none of its own."""

from pygments.lexer import RegexLexer, bygroups
from pygments.lexers import LEXERS
from pygments.token import Comment, Keyword, Name, Number, Operator, String, Text, Whitespace

__all__ = ["CrontabLexer"]  # Pygments takes what is in it for lexers


class CrontabLexer(RegexLexer):  # type: ignore[misc]  # Pygments has no types
    """Comments, variables, when, and what: as cron tells them apart, by the beginning of a line."""

    name = "Crontab"
    aliases = ("cron",)
    tokens = {  # noqa: RUF012  # that is how Pygments asks for them
        "root": [
            (r"[ \t]*#.*\n", Comment.Single),
            (r"[ \t]*\n", Whitespace),
            (r"([ \t]*)(\w+)([ \t]*=[ \t]*)(.*\n)", bygroups(Whitespace, Name.Variable, Operator, String)),
            (r"([ \t]*)(@\w+)", bygroups(Whitespace, Number), "command"),
            (r"([ \t]*)(\S+(?:[ \t]+\S+){4})", bygroups(Whitespace, Number), "command"),
            (r".*\n", Text),
        ],
        "command": [(r"\\%|[^%\\\n]+|\\", Text), (r"%", Keyword), (r"\n", Whitespace, "#pop")],
    }


def register() -> None:
    """Let Pygments know it by its name, as if it had come with it."""
    LEXERS[CrontabLexer.__name__] = (__name__, CrontabLexer.name, CrontabLexer.aliases, (), ())
