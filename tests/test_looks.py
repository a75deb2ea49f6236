"""How a page looks: the colours of a crontab, and pictures that wait for their turn."""

import re
from pathlib import Path

from markdown import Markdown
from pygments import lex
from pygments.lexers import get_lexer_by_name

from lab.pages import console_lexer
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


def test_the_colours_change_no_crontab_of_the_course() -> None:
    register()
    lexer = get_lexer_by_name("cron", stripnl=False, ensurenl=False)
    texts = [file.read_text() for file in ROOT.glob("0*/*/*.txt")]
    crontabs = [text for text in texts if re.search(r"^(?:[\d*/,-]+\s){5}", text, re.M)]
    assert len(crontabs) > 20
    assert ["".join(part for _, part in lex(text, lexer)) for text in crontabs] == crontabs


SESSION = """$ lab cron lint 02-cron/broken.txt
02-cron/broken.txt:3: error: % ends the command, what follows becomes its input → write \\%
02-cron/broken.txt:3: error: $DB_URL is not set
$ for word in a b; do
>   echo "$word"
> done
a
> is no prompt here
"""


def test_a_prompt_is_what_the_pages_have_for_one() -> None:
    console_lexer.register()
    tokens = list(lex(SESSION, get_lexer_by_name("console")))
    assert "".join(text for _, text in tokens) == SESSION
    assert [text for kind, text in tokens if str(kind) == "Token.Generic.Prompt"] == ["$ ", "$ ", "> ", "> "]
    printed = [text for kind, text in tokens if str(kind) == "Token.Generic.Output"]
    assert printed == [*SESSION.splitlines(keepends=True)[1:3], "a\n", "> is no prompt here\n"]


def test_the_colours_change_no_session_of_the_course() -> None:
    console_lexer.register()
    lexer = get_lexer_by_name("console", stripnl=False, ensurenl=False)
    pages = [page.read_text() for page in (ROOT / "docs/en").glob("*.md")]
    sessions = [body for page in pages for body in re.findall(r"^```console\n(.*?)^```", page, re.M | re.S)]
    assert len(sessions) > 100
    assert ["".join(part for _, part in lex(text, lexer)) for text in sessions] == sessions


def shown_as(text: str) -> str:
    options = {"lab.pages.extension": {"docs_dir": str(ROOT / "docs/en")}}
    return Markdown(extensions=["def_list", "lab.pages.extension"], extension_configs=options).convert(text)


def test_a_picture_can_wait_and_keeps_its_place() -> None:
    page = "img/03-prefect/runs-light.webp"
    shown = shown_as(f"![Runs]({page}#only-light) ![Logo](img/other.svg) ![None](img/none.webp)")
    assert re.findall(r'loading="lazy"[^>]*src="([^"]*)"[^>]*width="1024"', shown) == [f"{page}#only-light"]
    assert shown.count("loading") == 1


def test_pictures_that_show_the_same_have_one_caption() -> None:
    light, dark = (f"img/03-prefect/runs-{scheme}.webp" for scheme in ("light", "dark"))
    shown = shown_as(f"![Runs & more]({light})\n![Runs & more]({dark})")
    assert re.findall(r"<figcaption[^>]*>(.*?)</figcaption>\s*</figure>", shown) == ["Runs &amp; more"]
    assert shown.count("<img") == 2 and "<p>" not in shown
    for other in (f"![Runs]({light})\n![Others]({dark})", f"Words ![Runs]({light})", "![Runs](img/other.svg)", "Words"):
        assert "<figure" not in shown_as(other)


def test_a_timeline_has_its_style_from_the_page() -> None:
    """Each file carries the rules of contrast.css; a page would have them once more with every picture."""
    bare = [re.sub(r"/\*.*?\*/|\s+", "", (ROOT / "theme/assets/contrast.css").read_text(), flags=re.DOTALL)]
    pictures = [*ROOT.glob("contrast/results/*.svg"), *ROOT.glob("docs/en/img/*/*.svg")]
    for picture in pictures:
        text = picture.read_text()
        assert [re.sub(r"\s+", "", style) for style in re.findall(r"<style>(.*?)</style>", text, re.DOTALL)] in (
            bare,
            [],
        )
        shown = shown_as(f'<div class="timeline-scroll">\n{text}</div>\n')
        assert "<style" not in shown and shown.count("</svg>") == text.count("</svg>") == 1


def test_every_picture_is_small() -> None:
    for file in (ROOT / "docs/en/img").rglob("*.*"):
        assert file.suffix in (".svg", ".webp") and file.stat().st_size < 75_000, file
        assert file.suffix == ".svg" or size(file.read_bytes()), file


def test_the_size_is_that_of_the_header() -> None:
    lossy = b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + (1024).to_bytes(2, "little") + (480).to_bytes(2, "little")
    extended = b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + (1023).to_bytes(3, "little") + (479).to_bytes(3, "little")
    assert size(lossy) == size(extended) == (1024, 480)
    assert size(b"\x89PNG\r\n") is None


def test_the_scripts_of_the_exercises_are_short() -> None:
    for name in ("exercise", "count", "predict", "progress"):
        assert len((ROOT / f"theme/assets/{name}.js").read_text().splitlines()) <= 150, name
