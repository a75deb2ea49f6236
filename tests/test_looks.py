"""How a page looks: the colours of a crontab, and pictures that wait for their turn."""

import re
from pathlib import Path

import pytest
from markdown import Markdown
from pygments import lex
from pygments.lexers import get_lexer_by_name

from lab.pages.crontab_lexer import register
from lab.pages.pictures import size

ROOT = Path(__file__).parents[1]
CRONTAB = """# 5 * * * * a comment is no job
MAILTO=ops@example.org

*/5 2 1-7 * MON  /app/job.sh $(date +\\%F) % input
@daily echo 5 * * * *
broken
"""


def test_a_crontab_has_colours() -> None:
    register()
    colours = [(str(kind).removeprefix("Token."), text) for kind, text in lex(CRONTAB, get_lexer_by_name("cron"))]
    assert "".join(text for _, text in colours) == CRONTAB
    said = [(kind, text) for kind, text in colours if text.strip() and kind != "Text"]
    assert said == [
        ("Comment.Single", "# 5 * * * * a comment is no job\n"),
        ("Name.Variable", "MAILTO"),
        ("Operator", "="),
        ("Literal.String", "ops@example.org\n"),
        ("Literal.Number", "*/5 2 1-7 * MON"),
        ("Keyword", "%"),
        ("Literal.Number", "@daily"),
    ]


@pytest.mark.parametrize("file", sorted(ROOT.glob("*/*/**/*.txt")), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_colours_change_no_crontab_of_the_course(file: Path) -> None:
    text = file.read_text()
    if re.search(r"^(?:[\d*/,-]+\s){5}", text, re.M):
        register()
        shown = "".join(part for _, part in lex(text, get_lexer_by_name("cron", stripnl=False, ensurenl=False)))
        assert shown == text


def test_a_picture_can_wait_and_keeps_its_place() -> None:
    page = "img/03-prefect/runs-light.webp"
    options = {"lab.pages.extension": {"docs_dir": str(ROOT / "docs/en")}}
    converter = Markdown(extensions=["def_list", "lab.pages.extension"], extension_configs=options)
    shown = converter.convert(f"![Runs]({page}#only-light) ![Logo](img/other.svg) ![None](img/none.webp)")
    assert re.findall(r'loading="lazy"[^>]*src="([^"]*)"[^>]*width="1024"', shown) == [f"{page}#only-light"]
    assert shown.count("loading") == 1


@pytest.mark.parametrize(
    "file", sorted((ROOT / "docs/en/img").rglob("*.*")), ids=lambda file: f"{file.parent.name}-{file.name}"
)
def test_a_picture_is_small(file: Path) -> None:
    assert file.suffix in (".svg", ".webp") and file.stat().st_size < 75_000
    assert file.suffix == ".svg" or size(file.read_bytes())


def test_the_size_is_that_of_the_header() -> None:
    lossy = b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + (1024).to_bytes(2, "little") + (480).to_bytes(2, "little")
    extended = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (1023).to_bytes(3, "little") + (479).to_bytes(3, "little")
    assert size(lossy) == size(extended) == (1024, 480)
    assert size(b"\x89PNG\r\n") is None
