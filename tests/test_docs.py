"""Every command of `lab`, and every option of it, is written on a page or in the README."""

import re

import pytest
from support.commands import commands

from engine.core import ROOT

TEXT = "\n".join(page.read_text() for page in [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"])
OPTIONS = [
    (words, option)
    for words, command in commands().items()
    for parameter in command.params
    for option in parameter.opts
    if option.startswith("--") and option != "--help"
]


@pytest.mark.parametrize("words", commands())
def test_every_command_is_documented(words: str) -> None:
    assert re.search(rf"\blab {words}\b", TEXT)


@pytest.mark.parametrize(("words", "option"), OPTIONS)
def test_every_option_is_documented(words: str, option: str) -> None:
    """With its command, in one piece of code: so a reader can copy it."""
    assert re.search(rf"\blab {words}\b[^\n`]*\s{option}\b", TEXT)
