"""The terms of the course: written once, on the page `glossary.md`, and shown where another page uses one first.

There each is a definition list: one name or more, a line each, then its meaning, which begins with a colon. Names are
anchors. On a page the first use of a term becomes a link to its place there, and carries the meaning for the tooltip.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.treeprocessors import Treeprocessor

from lab.pages.exercises import PageError

NAME = "glossary.md"
LONGEST = 240  # characters of a tooltip
_ENTRY = re.compile(r"^(?P<names>(?:(?![ #:])[^\n]+\n)+)(?P<meaning>:   [^\n]+(?:\n {4}[^\n]+)*)", re.M)
_MARKUP = re.compile(r"\[([^\]]*)\]\([^)]*\)|[`*]")
_PROSE = frozenset({"p", "li"})
_INSIDE = frozenset({"em", "strong"})
# Where a link has no place, or where nobody reads it: titles, links, code, definitions, what is closed, a table that scrolls.
_APART = frozenset(
    {"a", "code", "pre", "dl", "details", "table", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "legend"}
)
# What stands apart by its class: titles of notes, and the first page, whose links lead to the course.
_APART_CLASSES = frozenset({"admonition-title", "first-words", "first-proofs", "first-columns"})


@dataclass(frozen=True)
class Term:
    """A name in the glossary, with its anchor and its meaning in plain words."""

    name: str
    anchor: str
    meaning: str


def anchor(name: str) -> str:
    """The anchor of a name: `dead man's switch` is `dead-mans-switch`."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace("'", "")).strip("-")


def read_glossary(page: Path) -> dict[str, Term]:
    """The terms of a glossary by their names in lower case; none where there is no such page.

    Raises PageError at a name that is there twice, and at a meaning that is too long for a tooltip.
    """
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    found: dict[str, Term] = {}
    for entry in _ENTRY.finditer(text):
        names = entry["names"].splitlines()
        meaning = " ".join(_MARKUP.sub(r"\1", entry["meaning"][1:]).split())
        line = text[: entry.start()].count("\n") + 1
        for name in names:
            if name.lower() in found:
                raise PageError(page, line, f'term "{name}"', "it is there twice", name)
            if len(meaning) > LONGEST:
                reason = f"its meaning has {len(meaning)} characters, and a tooltip {LONGEST} at most"
                raise PageError(page, line, f'term "{name}"', reason, name)
            found[name.lower()] = Term(name, anchor(names[0]), meaning)
    return found


def _plurals(name: str) -> str:
    """A pattern of a name, in singular and plural, over the end of a line too."""
    words = r"\s+".join(map(re.escape, name.split()))
    return rf"{words[:-1]}(?:y|ies)" if name.endswith("y") else rf"{words}(?:e?s)?"


class Terms(Treeprocessor):
    """Links the first use of each term of the glossary on a page, and names the anchors of definition lists."""

    def __init__(self, md: Markdown) -> None:
        """Know no term; whoever begins a page sets those that are `left`."""
        super().__init__(md)
        self.left: dict[str, Term] = {}

    def run(self, root: Element) -> None:
        """Change the tree of a page."""
        for term in root.iter("dt"):
            term.set("id", anchor("".join(term.itertext())))
        if self.left and root.find("dl") is None:  # a list of definitions says what its words are
            for block in list(_prose(root)):
                self._link(block)

    def _link(self, block: Element) -> None:
        """Link what stands in a paragraph itself, and in its emphasised words."""
        self._text(block, None)
        for child in list(block):
            if child.tag in _INSIDE:
                self._link(child)
            self._text(block, child)

    def _text(self, parent: Element, after: Element | None) -> None:
        """Link the terms in the text behind a child, or in that at the beginning."""
        text = (parent.text if after is None else after.tail) or ""
        while found := self._first(text):
            name, start, end = found
            term = self.left[name]
            self.left = {key: one for key, one in self.left.items() if one.anchor != term.anchor}
            link = SubElement(parent, "a", {"class": "term", "href": f"{NAME}#{term.anchor}"})
            link.set("data-meaning", term.meaning)
            link.text, link.tail = text[start:end], text[end:]
            parent.remove(link)
            at = 0 if after is None else list(parent).index(after) + 1
            if after is None:
                parent.text = text[:start]
            else:
                after.tail = text[:start]
            parent.insert(at, link)
            after, text = link, text[end:]

    def _first(self, text: str) -> tuple[str, int, int] | None:
        """The name of the first term in a text that has not been linked, and where it stands."""
        found = None
        for name in self.left:
            where = re.search(rf"(?<![\w/.-]){_plurals(name)}(?![\w/-]|\.\w)", text, re.IGNORECASE)
            if where and (found is None or (where.start(), -where.end()) < (found[1], -found[2])):
                found = name, where.start(), where.end()
        return found


def _prose(parent: Element) -> Iterator[Element]:
    """The paragraphs and list items below an element, in their order, without those that stand apart."""
    for child in parent:
        classes = child.get("class", "").split()
        if child.tag in _APART or _APART_CLASSES & set(classes) or child.get("role") == "status":
            continue
        if child.tag in _PROSE:
            yield child
        yield from _prose(child)
