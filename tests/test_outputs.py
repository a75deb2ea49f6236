"""What a run printed, below the pattern of it: recorded, cleaned, in its place, and true to the page."""

import json
import re
import socket
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
import yaml
from markdown import Markdown
from support.pages import Step

from docs import outputs
from docs.outputs import LEFT_OUT, MOST_CHARACTERS, MOST_LINES, clean, merge, shorten
from engine.core import ROOT, UserError
from engine.markdown import blocks
from lab.pages.extension import ExercisesExtension

RECORDED = sorted(outputs.OUTPUTS.glob("*.json"))
AGAIN = "run its page or make test, then make outputs"


def tokens(expected: str) -> list[str]:
    """The characters of a pattern, each wildcard as one."""
    return re.findall(r"\.\.\.|.", expected, re.S)


def matches(pattern: list[str], output: str) -> bool:
    return (
        re.fullmatch("".join(".*" if token == "..." else re.escape(token) for token in pattern), output, re.S)
        is not None
    )


def could_fit(expected: str, head: str, tail: str) -> bool:
    """Whether some text for the lines that are left out makes an output fit.

    The shown beginning fits a beginning of the pattern, the shown end fits an end of it, and the two do not overlap, but
    for a wildcard that both are in.
    """
    if not expected:
        return True
    pattern = tokens(expected)
    places = range(len(pattern) + 1)
    first = next((place for place in places if matches(pattern[:place], head)), None)
    last = next((place for place in reversed(places) if matches(pattern[place:], tail)), None)
    if first is None or last is None:
        return False
    return first <= last or (first == last + 1 and pattern[last] == "...")


def fits(expected: str, lines: list[str]) -> bool:
    """Whether an output is as its page says, as far as it is shown."""
    for place, line in enumerate(lines):
        if LEFT_OUT.fullmatch(line):
            head, tail = (
                "".join(f"{line}\n" for line in lines[:place]),
                "".join(f"\n{line}" for line in lines[place + 1 :]),
            )
            return could_fit(expected, head, tail)
    return Step("", expected, 0, 0).fits("\n".join(lines), 0)


@pytest.mark.parametrize(
    ("expected", "head", "tail", "fit"),
    [
        ("", "anything\n", "\nat all", True),
        ("a...z", "a\nb\n", "\ny\nz", True),
        ("a\n...\nm\n...\nz", "a\nb\n", "\ny\nz", True),  # the m may be in the middle
        ("a\nb\n...", "a\nb\nc\n", "\nz", True),
        ("a...z", "b\n", "\nz", False),
        ("a...z", "a\n", "\ny", False),
        ("a\nb\nc", "a\n", "\nb\nc", False),  # the two overlap: an output that fits has nothing to leave out
        ("a...b...c", "ab", "bc", True),
    ],
)
def test_what_is_left_out_may_be_anything_that_fits(expected: str, head: str, tail: str, fit: bool) -> None:
    assert could_fit(expected, head, tail) == fit


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_recording_is_of_its_page_and_fits_its_pattern(file: Path) -> None:
    page = ROOT / f"docs/en/{file.stem}.md"
    assert page.exists(), f"{file.name} is of no page: git rm it"
    on_page = {(block.commands, block.above): block for block in blocks(page.read_text())}
    for recording in json.loads(file.read_text()):
        block = on_page.get((tuple(recording["commands"]), recording["above"]))
        assert block, f"{page.name} has no such block any more, {AGAIN}: {recording['commands']}"
        for (command, expected), lines in zip(block.steps, recording["printed"], strict=True):
            assert not lines or fits(expected, lines), f"{page.name}: $ {command}: it prints otherwise now, {AGAIN}"


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_recording_is_short_and_of_no_machine(file: Path) -> None:
    for lines in (lines for recording in json.loads(file.read_text()) for lines in recording["printed"] if lines):
        text = "\n".join(lines)
        assert len(lines) <= MOST_LINES and len(text) <= MOST_CHARACTERS
        assert not re.search(r"[\x00-\x08\x0b-\x1f]|[ \t]$|/home/\w|/Users/\w|lab-test-|bench-.*-\d", text, re.M), text


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_each_recording_is_below_its_block(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the settings of the site, which both builders read."""
    monkeypatch.chdir(ROOT)
    listed = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["markdown_extensions"]
    settings = {name: of for one in listed if isinstance(one, dict) for name, of in one.items()}
    names = [name for one in listed for name in (one if isinstance(one, dict) else [one])]
    text = (ROOT / f"docs/en/{file.stem}.md").read_text()
    html = Markdown(extensions=names, extension_configs=settings).convert(
        re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    )
    assert html.count('</pre></div>\n<details class="recorded"') == len(json.loads(file.read_text()))


def recording(*steps: tuple[str, list[str] | None], above: int = 0) -> dict[str, Any]:
    return {"commands": [command for command, _ in steps], "above": above, "printed": [lines for _, lines in steps]}


def render(folder: Path, text: str, *recordings: dict[str, Any]) -> Element:
    """The tree of a page with these recordings."""
    (folder / "page.md").write_text(text)
    (folder / "page.json").write_text(json.dumps(recordings))
    extensions = ["admonition", "pymdownx.superfences", "pymdownx.highlight"]
    ours = ExercisesExtension(docs_dir=str(folder), outputs_dir=str(folder))
    settings = {"pymdownx.highlight": {"pygments_lang_class": True}}
    html = Markdown(extensions=[*extensions, ours], extension_configs=settings).convert(text)
    return fromstring(f"<body>{html}</body>")


PAGE = """# A page

```console
$ cd /
$ for it in a b; do
>   echo "<$it>"
> done
<a>...
```

!!! note
    ```console
    $ date
    ...
    ```

- An item:

    ```console
    $ date
    ...
    ```
"""
LOOP = 'for it in a b; do\n  echo "<$it>"\ndone'


def test_what_a_run_printed_is_closed_escaped_and_not_in_the_search(tmp_path: Path) -> None:
    tree = render(tmp_path, PAGE, recording(("cd /", None), (LOOP, ["<a>", "", "$ no command", "> & <script>"])))
    [details] = tree.iter("details")
    assert details.attrib == {"class": "recorded", "data-search-exclude": ""}
    assert "".join(details.itertext()).startswith("What a run printed")
    [code] = details.iter("code")
    shown = '$ for it in a b; do\n>   echo "<$it>"\n> done\n<a>\n\n$ no command\n> & <script>\n'
    assert "".join(code.itertext()) == shown, "without the command that prints nothing"
    prompts = ["".join(node.itertext()) for node in code.iter() if node.get("class") == "gp"]
    assert prompts == ["$ ", "> ", "> "], "no output is taken for a command"
    assert "no-copy" in details[1].get("class", "")


def test_a_recording_is_found_by_the_commands_of_its_block(tmp_path: Path) -> None:
    """Also in a note and in a list, where another block has the same, and when the text around it changes."""
    both = (recording(("date", ["Monday"])), recording(("date", ["Tuesday"]), above=1))
    for text in (PAGE, f"Words.\n\n{PAGE}"):
        tree = render(tmp_path, text, *both)
        first, second = (
            ["".join(one.itertext()) for one in tree.iterfind(f".//{tag}/details")] for tag in ("div", "li")
        )
        assert ["Monday" in one for one in first] == ["Tuesday" in one for one in second] == [True]
    assert not list(render(tmp_path, PAGE.replace("date", "date -u"), *both).iter("details"))


def test_what_is_of_this_machine_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "4f1c22aa90be")
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ada"))
    for output, kept in (
        ("Looking in indexes: http://mirror/simple\n\x1b[31mred\x1b[0m  \n\n", "red"),
        (f"{ROOT}/02-cron: x\t", "~/beyond-cron/02-cron: x"),
        ("/home/ada/x\n/home/adam /var/home/ada", "~/x\n/home/adam /var/home/ada"),
        ("\auser@4f1c22aa90be: 4f1c22aa90be7", "user@this-machine: 4f1c22aa90be7"),
    ):
        assert clean(output) == kept


def test_a_long_output_loses_its_middle_and_says_how_much() -> None:
    lines = [f"line {number}" for number in range(100)]
    short = shorten("\n".join(lines))
    assert len(short) == MOST_LINES and short[0] == "line 0" and short[-1] == "line 99"
    [left_out] = [int(found[1]) for line in short if (found := LEFT_OUT.fullmatch(line))]
    assert left_out == 100 - (MOST_LINES - 1)
    assert shorten("\n".join(lines[:MOST_LINES])) == lines[:MOST_LINES]
    wide = shorten("\n".join(["x" * 500] * 30))
    assert len("\n".join(wide)) <= MOST_CHARACTERS and len(wide) > 5
    assert shorten("first\n" + "x" * 5000) == ["first", "[… 1 line left out …]"]
    assert shorten("x" * 5000) == [], "a line that is too long is not cut"


def test_only_what_the_pattern_hides_is_recorded() -> None:
    page = "```console\n$ pwd\n/tmp\n$ date\n... 2026\n$ make\n$ true\n```\n"
    ran = {"1": [("pwd", "/tmp"), ("date", "Monday 2026"), ("make", "done"), ("true", "")]}
    [block] = merge(page, [], ran)
    assert block["printed"] == [None, ["Monday 2026"], ["done"], None]
    assert merge("```console\n$ pwd\n/tmp\n```\n", [], {"1": [("pwd", "/tmp")]}) == []


def test_blocks_that_did_not_run_keep_their_recording() -> None:
    old = [recording(("date", ["Monday"])), recording(("date", ["Tuesday"]), above=1), recording(("gone", ["x"]))]
    [second] = [block for block in blocks(PAGE) if block.commands == ("date",) and block.above]
    merged = merge(PAGE, old, {str(second.line): [("date", "Friday")], "3": [("cd /", "")]})
    assert merged == [old[0], recording(("date", ["Friday"]), above=1)], "one that has not run to its end, neither"
    moved = merge("Words.\n\n" + PAGE, [], {"3": [("cd /", ""), (LOOP, "<a>\n<b>")]})
    assert moved == [recording(("cd /", None), (LOOP, ["<a>", "<b>"]))], "the page was edited after the run"


def test_pages_that_did_not_run_keep_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, folder in (("ROOT", "."), ("OUTPUTS", "out")):
        monkeypatch.setattr(outputs, name, tmp_path / folder)
    monkeypatch.setattr(outputs, "LAST", tmp_path / "last.json")
    (tmp_path / "docs/en").mkdir(parents=True)
    (tmp_path / "docs/en/page.md").write_text(PAGE)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/other.json").write_text("[]")
    ran = {"README.md": {"1": [("date", "x")]}, "docs/en/page.md": {"3": [("cd /", ""), (LOOP, "<a>\n<b>")]}}
    (tmp_path / "last.json").write_text(json.dumps(ran))
    outputs.main()
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["other.json", "page.json"]
    assert json.loads((tmp_path / "out/page.json").read_text()) == [recording(("cd /", None), (LOOP, ["<a>", "<b>"]))]
    with pytest.raises(UserError, match="no page has run since"):
        outputs.main()


def test_what_was_recorded_of_the_lost_window_is_what_its_page_says() -> None:
    """A half, three quarters, seven eighths: on a busy machine more is lost, and such a recording would mislead."""
    [lines] = [
        one["printed"][0]
        for one in json.loads((outputs.OUTPUTS / "01-intro.json").read_text())
        if "lost_window" in one["commands"][0]
    ]
    found = [re.search(r"(\d+) orders, (\d+) lost", line) for line in lines]
    shares = [int(one[2]) / int(one[1]) for one in found if one]
    assert shares == pytest.approx([1 / 2, 3 / 4, 7 / 8], abs=0.12)
