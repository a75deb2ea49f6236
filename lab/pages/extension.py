"""The exercises of the course pages, as a Python-Markdown extension: `lab.pages.extension`.

It turns `!!! exercise KIND id_SOME-ID "Title"` into a form that is complete without a script. A mistake in any exercise
stops the build, whichever tool builds, with one line that names page, line and reason.
"""

import re
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from click import ClickException
from markdown import Extension, Markdown
from markdown.postprocessors import Postprocessor
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor

from lab.pages import console_lexer, crontab_lexer
from lab.pages.exercises import OPTION, Exercise, PageError, read_course, read_exercises, scan
from lab.pages.glossary import NAME as GLOSSARY
from lab.pages.glossary import Terms, read_glossary
from lab.pages.outputs import Outputs
from lab.pages.pictures import Pictures

PREFIX = "ex-"  # of a form's id in the page, so that an exercise does not take the anchor of a heading

__all__ = ["BuildStopped", "Exercise", "PageError", "makeExtension", "read_course", "read_exercises"]


class BuildStopped(ClickException, SystemExit):
    """Ends a build. MkDocs prints the message itself; `mkdocs serve` shows it without a traceback, and goes on."""

    code = 1

    def show(self, file: Any = None) -> None:
        """Print nothing: the message has been printed already."""


def _node(parent: Element, tag: str, attributes: dict[str, str] | None = None, text: str = "") -> Element:
    """Append an element with these attributes and this text."""
    node = SubElement(parent, tag, attributes or {})
    node.text = text
    return node


def _form(exercise: Exercise, block: Element) -> Element:
    """The form of an exercise, made of the elements of its admonition."""
    # method=dialog: without the script, Enter in a field must not reload the page
    attributes = {"class": "exercise", "id": PREFIX + exercise.id, "data-id": exercise.id}
    attributes["data-kind"] = exercise.kind.split()[0]
    form = Element("form", attributes | {"method": "dialog", "autocomplete": "off"})
    fields = _node(form, "fieldset")
    legend = _node(fields, "legend")
    title, *content = block
    legend.text, legend[:] = title.text, title[:]
    answers = [child for child in content if _is_details(child, "answer")]
    hints = [child for child in content if _is_details(child, "hint")]
    options = [child for child in content if exercise.kind == "choice" and _is_options(child)]
    fields.extend(child for child in content if child not in (*answers, *hints, *options))
    for item in (item for group in options for item in group):
        _option(fields, exercise, item)
    if exercise.kind == "text short":
        _node(_answer_label(fields), "input", {"type": "text"})
    elif exercise.kind == "text long":
        _node(_answer_label(fields), "textarea", {"rows": "5"})
    elif exercise.kind == "predict":
        fields.set("data-search-exclude", "")  # the section that it asks about is what a search has to find
        _prediction(fields, exercise, answers)
    elif exercise.kind == "check":
        _command(fields, f"lab check {exercise.check}")
    if exercise.kind in ("self", "check"):
        label = _node(fields, "label", {"class": "done-box"})
        _node(label, "input", {"type": "checkbox", "value": "done"}).tail = " Mark as done"
    else:
        _buttons(fields, "Check" if exercise.kind == "choice" else "Save and compare")
    _node(fields, "p", {"role": "status"})
    for part in (*hints, *answers):
        part.set("data-search-exclude", "")
        fields.append(part)
    return form


def _is_details(child: Element, kind: str) -> bool:
    return child.tag == "details" and kind in child.get("class", "").split()


def _answer_label(fields: Element) -> Element:
    return _node(fields, "label", {"class": "answer-field"}, "Your answer")


def _prediction(fields: Element, exercise: Exercise, answers: list[Element]) -> None:
    """Append a field for each number of the first table in the answer, as a table with the same rows and columns.

    A column counts when all of its cells are whole numbers; each field carries the one that was measured.
    """
    table = next((table for answer in answers for table in answer.iter("table")), Element("table"))
    head = ["".join(cell.itertext()) for cell in table.iter("th")]
    rows = [["".join(cell.itertext()) for cell in row] for row in table.iterfind("tbody/tr")]
    columns = [at for at in range(1, len(head)) if rows and all(row[at].isdigit() for row in rows)]
    if not columns:
        reason = "the answer of a prediction includes no table with a column of numbers"
        raise BuildStopped(f'{exercise.page}:{exercise.line}: exercise "{exercise.id}": {reason}')
    asked = _node(fields, "table", {"class": "prediction"})
    titles = _node(_node(asked, "thead"), "tr")
    for name in ("", *(head[at] for at in columns)):
        _node(titles, "th" if name else "td", {"scope": "col"} if name else {}, name)
    body = _node(asked, "tbody")
    for row in rows:
        line = _node(body, "tr")
        _node(line, "th", {"scope": "row"}, row[0])
        for at in columns:
            name = f"{row[0]}: {head[at]}"
            field = {"type": "number", "min": "0", "step": "1", "name": name, "aria-label": name}
            _node(_node(line, "td"), "input", field | {"data-measured": row[at]})


def _command(fields: Element, command: str) -> None:
    """Append a command as a `console` block shows it."""
    block = _node(_node(fields, "div", {"class": "language-console highlight"}), "pre")
    _node(_node(block, "code"), "span", {"class": "gp"}, "$ ").tail = f"{command}\n"


def _buttons(fields: Element, submit: str) -> None:
    """Append the buttons, hidden: the script shows them."""
    actions = _node(fields, "p", {"class": "actions", "hidden": "", "data-search-exclude": ""})
    _node(actions, "button", {"type": "submit"}, submit)
    _node(actions, "button", {"type": "reset"}, "Start again")


def _is_options(child: Element) -> bool:
    return child.tag == "ul" and all(OPTION.match(_lead(item).text or "") for item in child)


def _lead(item: Element) -> Element:
    """What holds the text of a list item: the item itself, or the paragraph of a loose list."""
    return item[0] if len(item) and item[0].tag == "p" and not (item.text or "").strip() else item


def _option(fields: Element, exercise: Exercise, item: Element) -> None:
    """Append a list item as a labelled radio button."""
    lead = _lead(item)
    mark = OPTION.match(lead.text or "")
    assert mark, "_is_options has matched it"
    label = _node(fields, "label", {"class": "option"})
    lead.text = (lead.text or "")[mark.end() :]
    value = " ".join("".join(lead.itertext()).split())
    radio = _node(label, "input", {"type": "radio", "name": exercise.id, "value": value})
    if mark[1] != " ":
        radio.set("data-right", "")
    _node(label, "span", text=lead.text).extend(lead)
    label.tail = "\n"  # or the search would read two options as one word


class _Reader(Preprocessor):
    """Reads the whole course before each page, so that no builder can render a page past a mistake."""

    md: Markdown
    course: dict[str, Exercise] | None = None
    expected: frozenset[str] = frozenset()

    def __init__(self, md: Markdown, docs: Path, terms: Terms, outputs: Outputs) -> None:
        super().__init__(md)
        self.docs = docs
        self.terms = terms
        self.outputs = outputs

    def run(self, lines: list[str]) -> list[str]:
        text = "\n".join(lines)
        try:
            self.course = read_course(self.docs)
            self.expected = frozenset(exercise.id for exercise, _ in scan(Path(), text))
        except PageError as error:
            self.course = None
            if error.source in text:  # another page's mistake stops the build when its own turn comes
                raise BuildStopped(error.message) from None
        try:
            self.terms.left = read_glossary(self.docs / GLOSSARY)
        except PageError as error:
            raise BuildStopped(error.message) from None
        self.outputs.begin(text)
        return lines


class _Writer(Treeprocessor):
    """Replaces admonitions by forms, and fills in `data-exercises` where `data-progress` names a page."""

    def __init__(self, md: Markdown, reader: _Reader) -> None:
        super().__init__(md)
        self.reader = reader

    def run(self, root: Element) -> None:
        course = self.reader.course
        if course is None:
            return
        missing = set(self.reader.expected)
        self.count(root, len(missing))
        for parent in list(root.iter()):
            for at, child in enumerate(parent):
                classes = child.get("class", "").split()
                if child.tag == "div" and "admonition" in classes and "exercise" in classes:
                    name = next((word[3:] for word in classes if word.startswith("id_")), "")
                    exercise = course.get(name)
                    if exercise is None:
                        raise BuildStopped(f'exercise "{name}": it is on no page of {self.reader.docs}')
                    form = _form(exercise, child)
                    radios = [node for node in form.iter("input") if node.get("type") == "radio"]
                    if len(radios) == exercise.options:
                        missing.discard(name)
                    form.tail = child.tail
                    parent[at] = form
            if (page := parent.get("data-progress")) is not None:
                del parent.attrib["data-progress"]
                ids = [exercise.id for exercise in course.values() if exercise.lesson == page]
                if not ids:
                    raise BuildStopped(f'data-progress="{page}": no page of that name has an exercise')
                parent.set("data-exercises", " ".join(ids))
        for name in sorted(missing):
            exercise = course[name]
            reason = "Markdown reads it otherwise: check its indentation, and the blank line before a list"
            raise BuildStopped(f'{exercise.page}:{exercise.line}: exercise "{name}": {reason}')

    def count(self, root: Element, exercises: int) -> None:
        """Say below the title how many exercises there are; count.js says how many of them are done."""
        title = next((at for at, child in enumerate(root) if child.tag == "h1"), None)
        if exercises and title is not None:
            line = Element("p", {"class": "lesson-progress", "data-search-exclude": ""})
            _node(line, "progress", {"aria-hidden": "true", "max": str(exercises), "value": "0"})
            _node(line, "span", text=f"Exercises: {exercises}")
            root.insert(title + 1, line)


class _Anchors(Treeprocessor):
    """Stops the build at an anchor that leads to two places: of two equal headings, or of a heading and an exercise."""

    def run(self, root: Element) -> None:
        ids = [name for node in root.iter() if (name := node.get("id"))]
        for name in ids:
            # `toc` gives the second of two equal headings, and one that is called as an element is, a number: retry_1
            first = re.sub(r"_\d+$", "", name)
            if ids.count(name) > 1 or (first != name and first in ids):
                raise BuildStopped(f'two places have the anchor "#{first}": name one of them otherwise')


class _Files(Postprocessor):
    """Keeps the files that a page shows out of the search: a word leads to where it is explained.

    A timeline carries its style for when it is opened alone. On a page it has that of contrast.css, which is the same.
    """

    def run(self, text: str) -> str:
        file = ' highlight"><span class="filename">'
        text = text.replace(file, file.replace('">', '" data-search-exclude>', 1))
        return re.sub(r"<style>\s*\.timeline:root.*?</style>\s*", "", text, flags=re.DOTALL)


class _Spans(Postprocessor):
    """Leaves names, blanks and punctuation of highlighted code without an element of their own: they have no colour.

    They are half of the elements of a page that shows files, and a phone lays out each of them.
    """

    plain = re.compile(r'<span class="(?:kc|n|na|nv|o|p|p p-Indicator|vc|vg|vi|w)">([^<]*)</span>')

    def run(self, text: str) -> str:
        return self.plain.sub(r"\1", text)


class ExercisesExtension(Extension):
    """Exercises for Python-Markdown; needs `admonition`, `pymdownx.details` and `attr_list`."""

    def __init__(self, **options: Any) -> None:
        """Take the folders `docs_dir`, of the pages, and `outputs_dir`, of their recordings, from the working directory."""
        self.config = {
            "docs_dir": ["docs/en", "The folder of the pages"],
            "outputs_dir": ["results/outputs", "The folder of what runs have printed"],
        }
        super().__init__(**options)

    def extendMarkdown(self, md: Markdown) -> None:
        """Register before snippets (32), which changes line numbers, and after inline (20) and attr_list (8).

        The anchors are looked at after toc (5), which makes those of the headings.
        """
        console_lexer.register()
        crontab_lexer.register()
        docs = Path(self.getConfig("docs_dir"))
        terms = Terms(md)
        outputs = Outputs(md, docs, Path(self.getConfig("outputs_dir")))
        reader = _Reader(md, docs, terms, outputs)
        md.preprocessors.register(reader, "exercises", 40)
        md.treeprocessors.register(_Writer(md, reader), "exercises", 6)
        md.treeprocessors.register(terms, "terms", 5.5)  # what is a term in a form, and not in a heading
        md.treeprocessors.register(_Anchors(md), "anchors", 4)
        md.treeprocessors.register(Pictures(md, docs), "pictures", 3)
        md.postprocessors.register(_Files(md), "files", 20)  # after raw_html (30), which brings files and blocks
        md.postprocessors.register(outputs, "outputs", 19)
        md.postprocessors.register(_Spans(md), "spans", 18)


def makeExtension(**options: Any) -> ExercisesExtension:
    """The extension; Python-Markdown calls this."""
    return ExercisesExtension(**options)
