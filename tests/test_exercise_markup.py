"""The grammar of exercises: what a mistake says, and what a right one becomes."""

from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest
from markdown import Markdown

from lab.pages.extension import BuildStopped, PageError, read_course, read_exercises

ROOT = Path(__file__).parents[1]
FIXTURE = ROOT / "tests/pages/exercises.md"
EXTENSIONS = ["admonition", "attr_list", "toc", "pymdownx.details", "pymdownx.superfences", "lab.pages.extension"]

CHOICE = '!!! exercise choice id_a "A"\n    Question\n\n    - [ ] one\n    - [x] two\n'
HINTED = CHOICE + "\n    ??? hint\n        Count.\n"
PREDICT = '!!! exercise predict id_c "C"\n    How many?\n\n    ??? answer\n        --8<-- "counts.md"\n'
COUNTS = "| Lane | What | lost | doubled |\n| --- | --- | ---: | ---: |\n| Cron | ran 2 | 2 | 0 |\n| Prefect | 7 | 0 | 10 |\n"
SHORT = '!!! exercise text short id_b "B"\n    Question\n\n    ??? answer\n        Yes.\n'


def render(folder: Path, text: str) -> Element:
    """Write a page, render it as a builder does, and return its tree."""
    (folder / "page.md").write_text(text)
    converter = Markdown(extensions=EXTENSIONS, extension_configs={"lab.pages.extension": {"docs_dir": str(folder)}})
    return fromstring(f"<body>{converter.convert(text)}</body>")


MISTAKES = {
    "no kind": ('!!! exercise id_a "A"\n    Text\n', 'exercise "a": unknown kind ""'),
    "unknown kind": ('!!! exercise choices id_a "A"\n    Text\n', 'exercise "a": unknown kind "choices"'),
    "half a kind": ('!!! exercise text id_a "A"\n    Text\n', 'exercise "a": unknown kind "text"'),
    "no id": ('!!! exercise self "A title"\n    Text\n', 'exercise "A title": it has no id'),
    "two ids": ('!!! exercise self id_a id_b "A"\n    Text\n', 'exercise "a": it has more than one id'),
    "capital in the id": ('!!! exercise self id_Ab "A"\n    Text\n', 'exercise "Ab": an id has lower-case letters'),
    "no title": ("!!! exercise self id_a\n    Text\n", 'exercise "a": its title is empty'),
    "empty title": ('!!! exercise self id_a " "\n    Text\n', 'exercise "a": its title is empty'),
    "no closing quote": ('!!! exercise self id_a "A\n    Text\n', "write !!! exercise KIND id_SOME-ID"),
    "misspelt": ('!!! exercises self id_a "A"\n    Text\n', "write !!! exercise KIND id_SOME-ID"),
    "collapsible": ('??? exercise self id_a "A"\n    Text\n', "write !!! exercise KIND id_SOME-ID"),
    "no right option": (CHOICE.replace("[x]", "[ ]"), 'exercise "a": a choice has exactly one [x], here 0'),
    "two right options": (CHOICE.replace("[ ]", "[X]"), 'exercise "a": a choice has exactly one [x], here 2'),
    "one option": (CHOICE.replace("    - [ ] one\n", ""), 'exercise "a": a choice has at least two options, here 1'),
    "options in the answer": (
        CHOICE.split("    - [ ]")[0] + "    ??? answer\n        - [ ] one\n        - [x] two\n",
        'exercise "a": a choice has at least two options, here 0',
    ),
    "box without space": (CHOICE.replace("[ ]", "[]"), 'exercise "a": an option is written - [ ] or - [x]'),
    "option without text": (CHOICE.replace("[ ] one", "[ ]"), 'exercise "a": an option is written - [ ] or - [x]'),
    "text without answer": (SHORT.split("    ???")[0], 'exercise "b": a text exercise has an answer'),
    "nothing below": (SHORT.splitlines()[0] + "\n", 'exercise "b": a text exercise has an answer'),
    "answer without text": (SHORT.split("        Yes.")[0], 'exercise "b": a text exercise has an answer'),
    "empty answer": (SHORT.replace("        Yes.\n", "\nEnd.\n"), 'exercise "b": a text exercise has an answer'),
    "open answer": (SHORT.replace("???", "!!!"), 'exercise "b": an answer is written ??? answer'),
    "prediction without answer": (PREDICT.split("    ???")[0], 'exercise "c": a prediction has an answer'),
    "prediction typed by hand": (PREDICT.replace('--8<-- "counts.md"', "| 1 |"), "that includes what was measured"),
    "hint of a text": (SHORT + "\n    ??? hint\n        Look.\n", 'exercise "b": only a choice has a hint'),
    "empty hint": (HINTED.replace("        Count.\n", ""), 'exercise "a": a hint is written ??? hint, and its text is'),
    "open hint": (HINTED.replace("???", "!!!"), 'exercise "a": a hint is written ??? hint'),
    "two hints": (HINTED + HINTED[len(CHOICE) :], 'exercise "a": a choice has one hint, here 2'),
    "same id twice": (f"{CHOICE}\n{SHORT.replace('id_b', 'id_a')}", 'exercise "a": its id is already used on line 7'),
}


@pytest.mark.parametrize(("text", "reason"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_stops_the_build_in_one_line_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    page = tmp_path / "page.md"
    above = "# Title\n\n```text\n!!! exercise shown only\n```\n\n"
    page.write_text(above + text)
    with pytest.raises(PageError) as error:
        read_exercises(page)
    line = 7 + text[: text.find("!!! exercise text") if text.startswith(f"{CHOICE}\n!") else 0].count("\n")
    assert error.value.message.startswith(f"{page}:{line}: ")
    assert reason in error.value.message
    assert "\n" not in error.value.message
    with pytest.raises(BuildStopped) as stopped:
        render(tmp_path, above + text)
    assert stopped.value.message == error.value.message


def test_an_id_is_used_once_in_the_course(tmp_path: Path) -> None:
    (tmp_path / "01.md").write_text(CHOICE)
    (tmp_path / "02.md").write_text("\n\n" + CHOICE.replace('"A"', '"Other"'))
    with pytest.raises(PageError) as error:
        read_course(tmp_path)
    assert error.value.message == (f'{tmp_path}/02.md:3: exercise "a": its id is already used at {tmp_path}/01.md:1')


def test_an_exercise_leaves_the_anchor_of_a_heading_alone(tmp_path: Path) -> None:
    body = render(tmp_path, f"## A\n\n{CHOICE}")
    heading, form = body.find("h2"), body.find("form")
    assert heading is not None and form is not None
    assert (heading.get("id"), form.get("id"), form.get("data-id")) == ("a", "ex-a", "a")


@pytest.mark.parametrize(
    ("text", "anchor"),
    [
        (f"{CHOICE}\n## Ex A\n", "ex-a"),
        ("## Retry\n\n## Retry\n", "retry"),
        ("## Retry\n\n## Again {#retry}\n", "retry"),
    ],
)
def test_an_anchor_of_two_places_stops_the_build(tmp_path: Path, text: str, anchor: str) -> None:
    with pytest.raises(BuildStopped, match=f'two places have the anchor "#{anchor}"'):
        render(tmp_path, text)


def test_a_mistake_on_one_page_stops_the_build_of_that_page_only(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text('!!! exercise self "No id"\n    Text\n')
    render(tmp_path, CHOICE)
    with pytest.raises(BuildStopped, match=r"other\.md:1: "):
        render(tmp_path, (tmp_path / "other.md").read_text())


def test_a_fence_that_never_ends_hides_no_exercise(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# Title\n\n```console\n$ true\n\n" + CHOICE)
    with pytest.raises(PageError, match=r"page\.md:3: .*never closed"):
        read_exercises(tmp_path / "page.md")


@pytest.mark.parametrize(
    "text", [CHOICE.replace("\n\n    -", "\n    -"), "Text\n\n    " + CHOICE.replace("\n", "\n    ")]
)
def test_what_markdown_reads_otherwise_stops_the_build(tmp_path: Path, text: str) -> None:
    with pytest.raises(BuildStopped, match=r'page\.md:\d: exercise "a": Markdown reads it otherwise'):
        render(tmp_path, text)


def test_exercises_are_read_with_their_place_and_parts() -> None:
    found = [(one.id, one.kind, one.options, one.has_answer, one.lesson) for one in read_exercises(FIXTURE)]
    assert found == [
        ("minute-field", "choice", 3, True, "exercises"),
        ("how-often", "text short", 0, True, "exercises"),
        ("what-is-wrong", "text long", 0, True, "exercises"),
        ("look-around", "self", 0, False, "exercises"),
        ("every-ten", "check", 0, True, "exercises"),
        ("killed", "predict", 0, True, "exercises"),
    ]
    assert [one.id for one in read_exercises(FIXTURE) if one.has_hint] == ["minute-field"]
    lines = FIXTURE.read_text().splitlines()
    assert all(f"id_{one.id} " in lines[one.line - 1] for one in read_exercises(FIXTURE))


def test_fences_comments_and_nested_blocks(tmp_path: Path) -> None:
    shown = "~~~~text\n```\n" + CHOICE + "~~~~\n\n<!--\n" + CHOICE + "-->\n\n"
    nested = '!!! note "Try it"\n    ' + CHOICE.replace("\n", "\n    ")
    body = render(tmp_path, shown + nested)
    assert [form.get("data-id") for form in body.iter("form")] == ["a"]
    assert [one.id for one in read_exercises(tmp_path / "page.md")] == ["a"]


def test_a_choice_is_a_group_of_labelled_radios(tmp_path: Path) -> None:
    text = CHOICE.replace("one", "`5` *minutes*").replace('"A"', '"When does `cron` run?"')
    form = render(tmp_path, text).find("form")
    assert form is not None and form.get("data-kind") == "choice" and form.get("id") == "ex-a"
    legend = form.find("fieldset/legend")
    assert legend is not None and "".join(legend.itertext()) == "When does cron run?"
    labels = form.findall("fieldset/label")
    assert ["".join(label.itertext()) for label in labels] == ["5 minutes", "two"]
    radios = [label.find("input") for label in labels]
    assert [(r.get("type"), r.get("name"), r.get("value"), r.get("data-right")) for r in radios if r is not None] == [
        ("radio", "a", "5 minutes", None),
        ("radio", "a", "two", ""),
    ]
    assert [button.get("type") for button in form.iter("button")] == ["submit", "reset"]
    actions = form.find("fieldset/p[@class='actions']")
    assert actions is not None and actions.get("hidden") is not None, "no button without the script"
    assert form.find("fieldset/p[@role='status']") is not None


@pytest.mark.parametrize(("kind", "field"), [("text short", "input[@type='text']"), ("text long", "textarea")])
def test_a_text_exercise_is_a_labelled_field_and_an_answer(tmp_path: Path, kind: str, field: str) -> None:
    form = render(tmp_path, SHORT.replace("text short", kind)).find("form/fieldset")
    assert form is not None
    assert form.find(f"label/{field}") is not None
    answer = form.find("details")
    assert answer is not None and answer.get("data-search-exclude") is not None and answer.get("open") is None
    assert answer.findtext("summary") == "Answer" and answer.findtext("p") == "Yes."


def test_a_hint_stands_before_the_answer_and_both_are_closed(tmp_path: Path) -> None:
    answer = "\n    ??? answer\n        It is two.\n"
    form = render(tmp_path, CHOICE + answer + HINTED[len(CHOICE) :]).find("form/fieldset")
    assert form is not None
    parts = [(part.get("class"), part.findtext("summary"), part.findtext("p")) for part in form.findall("details")]
    assert parts == [("hint", "Hint", "Count."), ("answer", "Answer", "It is two.")]
    assert all(part.get("open") is None for part in form.findall("details"))


def predict(folder: Path, counts: str) -> Element:
    """Render a prediction, whose counts are included as a builder includes them."""
    (folder / "page.md").write_text(PREDICT)
    (folder / "counts.md").write_text(counts)
    settings: dict[str, dict[str, object]] = {
        "lab.pages.extension": {"docs_dir": str(folder)},
        "pymdownx.snippets": {"base_path": [str(folder)]},
    }
    converter = Markdown(extensions=[*EXTENSIONS, "tables", "pymdownx.snippets"], extension_configs=settings)
    return fromstring(f"<body>{converter.convert(PREDICT)}</body>")


def test_a_prediction_asks_for_the_numbers_that_were_measured(tmp_path: Path) -> None:
    form = predict(tmp_path, COUNTS).find("form")
    assert form is not None and form.get("data-kind") == "predict"
    [asked] = (table for table in form.iter("table") if table.get("class") == "prediction")
    fields = [(one.get("aria-label"), one.get("type"), one.get("data-measured")) for one in asked.iter("input")]
    assert fields == [
        ("Cron: lost", "number", "2"),
        ("Cron: doubled", "number", "0"),
        ("Prefect: lost", "number", "0"),
        ("Prefect: doubled", "number", "10"),
    ]
    assert [cell.text for cell in asked.iter("th")] == ["lost", "doubled", "Cron", "Prefect"]
    assert [cell.text for cell in form.findall("fieldset/details//tbody/tr[2]/td")] == ["Prefect", "7", "0", "10"]


@pytest.mark.parametrize("counts", ["Nothing was counted.", COUNTS.replace("| 2 | 0 |", "| some | – |")])
def test_a_prediction_without_numbers_stops_the_build(tmp_path: Path, counts: str) -> None:
    with pytest.raises(
        BuildStopped, match=r'page\.md:1: exercise "c": .* no table with a column of numbers'
    ) as stopped:
        predict(tmp_path, counts.replace("| 0 | 10 |", "| – | – |"))
    assert "\n" not in stopped.value.message


def test_a_check_shows_its_command_and_a_box(tmp_path: Path) -> None:
    form = render(tmp_path, '!!! exercise check id_no-overlap "No overlap"\n    Edit the file.\n').find("form")
    assert form is not None
    assert "".join(form.find(".//code").itertext()) == "$ lab check page/no-overlap\n"  # type: ignore[union-attr]
    assert form.find("fieldset/label/input[@type='checkbox']") is not None


def test_progress_names_the_exercises_of_a_page(tmp_path: Path) -> None:
    (tmp_path / "02-cron.md").write_text(SHORT + "\n" + CHOICE)
    link = render(tmp_path, '[02-cron](02-cron.md){ data-progress="02-cron" }').find(".//a")
    assert link is not None and link.get("data-exercises") == "b a"
    with pytest.raises(BuildStopped, match='data-progress="02-crn": no page of that name'):
        render(tmp_path, '[02-cron](02-cron.md){ data-progress="02-crn" }')


def test_a_page_says_below_its_title_how_many_exercises_it_has(tmp_path: Path) -> None:
    body = render(tmp_path, f"# Title\n\nText\n\n{CHOICE}\n{SHORT}")
    assert [child.tag for child in body][:3] == ["h1", "p", "p"]
    assert body[1].get("class") == "lesson-progress" and "".join(body[1].itertext()) == "Exercises: 2"
    assert body[1].find("progress[@max='2']") is not None
    assert render(tmp_path, "# Title\n\nText\n").find("p[@class]") is None


def test_only_what_has_a_colour_of_its_own_is_an_element_of_code(tmp_path: Path) -> None:
    code = 'def work(rows: int) -> None:\n    print("&lt; 1", rows < 1)'
    block = render(tmp_path, f"```python\n{code}\n```\n").find(".//code")
    assert block is not None and "".join(block.itertext()).strip() == code
    coloured = [span.text for span in block.iter("span")]
    assert coloured == ["def", "work", "int", "print", '"&lt; 1"', "1"]
