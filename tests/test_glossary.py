"""The glossary: what is written there is a link, with its meaning, where a page uses the word first."""

import re
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from markdown import Markdown
from support.pages import course_pages
from test_exercise_markup import EXTENSIONS

from lab.pages.exercises import PageError
from lab.pages.extension import BuildStopped
from lab.pages.glossary import anchor, read_glossary

ROOT = Path(__file__).parents[1]
GLOSSARY = """# Glossary

dead man's switch
ping
:   A *service* that [expects](other.md) a `ping` after each
    run. It sends an alert.

    [More](other.md#more)

retry
:   Another attempt.
"""


def render(folder: Path, text: str, glossary: str = GLOSSARY) -> Element:
    (folder / "glossary.md").write_text(glossary)
    options = {"lab.pages.extension": {"docs_dir": str(folder)}}
    converter = Markdown(extensions=[*EXTENSIONS, "def_list", "tables"], extension_configs=options)
    return fromstring(f"<body>{converter.convert(text)}</body>")


def terms(body: Element) -> list[tuple[str, str | None]]:
    return [("".join(link.itertext()), link.get("href")) for link in body.iter("a") if link.get("class") == "term"]


def test_the_first_use_of_a_term_carries_its_meaning(tmp_path: Path) -> None:
    body = render(tmp_path, "Retries help.\nA *dead man's\nswitch*, and a retry, and retries.\n\n- a ping\n")
    assert terms(body) == [("Retries", "glossary.md#retry"), ("dead man's\nswitch", "glossary.md#dead-mans-switch")]
    [retry, switch] = (link.get("data-meaning") for link in body.iter("a"))
    assert retry == "Another attempt."
    assert switch == "A service that expects a ping after each run. It sends an alert."
    text = "".join(body.find("p").itertext())  # type: ignore[union-attr]
    assert text == "Retries help.\nA dead man's\nswitch, and a retry, and retries."


@pytest.mark.parametrize(
    "text",
    [
        "# Retry\n",
        "`retry`, [retry](retry.md), no-retry, retry.sh, retrying\n",
        '!!! note "Retry"\n    Text\n',
        "??? note\n    A retry\n",
        "| retry |\n| --- |\n| retry |\n",
        '!!! exercise choice id_a "Retry?"\n    - [ ] retry\n    - [x] no\n\n    ??? answer\n        A retry.\n',
        GLOSSARY,
    ],
)
def test_a_term_is_left_alone_where_a_link_has_no_place(tmp_path: Path, text: str) -> None:
    (tmp_path / "page.md").write_text(text)
    assert terms(render(tmp_path, text)) == []


def test_a_name_in_the_glossary_is_an_anchor(tmp_path: Path) -> None:
    assert [term.get("id") for term in render(tmp_path, GLOSSARY).iter("dt")] == ["dead-mans-switch", "ping", "retry"]


def test_a_course_without_a_glossary_has_no_terms(tmp_path: Path) -> None:
    assert read_glossary(tmp_path / "glossary.md") == {}


@pytest.mark.parametrize(
    ("entry", "line", "reason"),
    [
        ("\nRetry\n:   Again.\n", 13, 'term "Retry": it is there twice'),
        (f"\nlong\n:   {'word ' * 60}\n", 13, 'term "long": its meaning has 299 characters, and a tooltip 240'),
    ],
)
def test_a_mistake_in_the_glossary_stops_the_build_in_one_line(
    tmp_path: Path, entry: str, line: int, reason: str
) -> None:
    with pytest.raises(BuildStopped) as stopped:
        render(tmp_path, "Text\n", GLOSSARY + entry)
    assert stopped.value.message.startswith(f"{tmp_path}/glossary.md:{line}: {reason}")
    with pytest.raises(PageError):
        read_glossary(tmp_path / "glossary.md")


def test_the_glossary_has_the_words_of_the_course() -> None:
    text = (ROOT / "docs/en/glossary.md").read_text()
    found = read_glossary(ROOT / "docs/en/glossary.md")
    assert text.count("\n:   ") == len({term.anchor for term in found.values()}) > 40, "an entry is not read"
    assert found.keys() >= ASKED


ASKED = {"watermark", "idempotency key", "wildcard job", "fixed job", "future", "cache key"}


@pytest.mark.parametrize("word", sorted(ASKED))
def test_a_word_is_explained_on_the_first_page_that_asks_about_it(word: str) -> None:
    """A reader meets it in prose, with its meaning, and not only in a closed answer."""
    name = re.compile(r"\s+".join((r"\b" + word).split()) + r"s?\b", re.IGNORECASE)
    exercises = re.compile(r"^!!! exercise .*\n(?:(?: .*)?\n)*", re.M)
    first = next(page for page in course_pages() if any(map(name.search, exercises.findall(page.read_text()))))
    options = {"lab.pages.extension": {"docs_dir": str(ROOT / "docs/en")}}
    shown = Markdown(extensions=[*EXTENSIONS, "def_list"], extension_configs=options).convert(first.read_text())
    assert re.search(rf'<a class="term"[^>]*"glossary.md#{anchor(word)}"', shown), first.name
