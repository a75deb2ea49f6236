"""Every block on a page is a `console` session that runs, or a file of the lab that is included; nothing else."""

import ast
import difflib
import os
import re
import textwrap
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from support.pages import (
    Shell,
    changed,
    close_shell,
    course_pages,
    notes,
    on_screen,
    open_terminal,
    state,
    steps,
)

from docs import facts
from lab.checks.registry import LESSONS, all_checks
from lab.pages.extension import read_exercises

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)```$", re.M | re.S)
# What else Markdown shows as code: other fences, blocks that are indented (after a blank line), HTML.
OTHER_CODE = re.compile(r"^ *(~{3,}|`{4,}).*$|^ *<(pre|code|script)\b.*$|(?<=\n\n) {4}(?![-*+!?]|\d+\.| )[^\n]*", re.M)
# A file, or some of its lines.
INCLUDE = re.compile(r'\s*--8<-- "(?P<path>[^":]+)(?::(?P<first>\d+):(?P<last>\d+))?"\s*')
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 100, 25


def included(text: str) -> set[str]:
    """The files that a page shows whole."""
    return {found["path"] for found in INCLUDE.finditer(text) if not found["first"]}


def other_code(text: str) -> list[str]:
    """What a page shows as code and no other check sees. In a block that is opened by !!!, ??? or a list, text is indented."""
    without = FENCE.sub("", text)
    inside = re.compile(r"^( *)(!!!|\?\?\?\+?|[-*+:]|\d+\.) .*(?:\n(?:\1 {2,}.*|\s*))*", re.M)
    return [found[0].strip() for found in OTHER_CODE.finditer(inside.sub("", without))]


@pytest.mark.parametrize(
    "text",
    [
        "~~~\nx = 1\n~~~\n",
        "````python\nx = 1\n````\n",
        "words\n\n    x = 1\n\nwords",
        "<pre>x = 1</pre>",
        "<code>x</code>",
    ],
)
def test_every_kind_of_code_is_seen(text: str) -> None:
    assert other_code(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_code_of_its_own(page: Path) -> None:
    assert not other_code(page.read_text())
    for fence in FENCE.finditer(page.read_text()):
        include = INCLUDE.fullmatch(fence["body"])
        assert fence["info"] == "console" or include, f"typed by hand in {page.name}:\n{fence[0]}"
        if include:
            assert f'title="{include["path"]}"' in fence["info"], f"{page.name}: the title is not the path\n{fence[0]}"


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_a_note_above_a_block_is_of_one_of_its_commands(page: Path) -> None:
    text = page.read_text()
    seen = 0
    for fence in FENCE.finditer(text):
        if fence["info"] == "console":
            above = text[: fence.start()]
            seen += len(list(notes(above)))
            assert steps(textwrap.dedent(fence["body"]), above)
    assert seen == len(re.findall(r"<!--- (?:repeat|exit code)", text)), "a note stands above no block, or is misspelt"


@pytest.mark.parametrize(
    ("block", "above", "output", "code", "fits"),
    [
        ("$ true\n", "", "anything", 0, True),
        ("$ true\n", "", "", 1, False),
        ("$ cat x\na ... c\n", "", "a b c", 0, True),
        ("$ cat x\na ... c\n", "", "a b c", 1, False),  # an exit code counts where output is expected, too
        ("$ cat x\na\n", "<!--- exit code 3: cat -->\n", "a", 3, True),
        ("$ cat x\na\n", "<!--- exit code 3: cat -->\n", "a", 0, False),
        ("$ cat x\na\n", "<!--- exit code 3: cat -->\n<!--- repeat for 9 s: cat -->\n", "b", 3, False),
    ],
)
def test_a_command_fits_by_output_and_exit_code(block: str, above: str, output: str, code: int, fits: bool) -> None:
    [step] = steps(block, above)
    assert step.fits(output, code) == fits
    assert step.seconds == (9 if "repeat" in above else 0)


def test_a_note_of_a_command_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no command below begins with 'dog'"):
        steps("$ cat x\n", "<!--- exit code 3: dog -->\n")


@pytest.fixture
def shell() -> Iterator[Shell]:
    opened = Shell(dict(os.environ))
    yield opened
    opened.close()


def test_the_shell_of_a_page_is_on_a_terminal(shell: Shell) -> None:
    """So a command that prints something else there, or asks, does it in the tests too."""
    assert shell.run("test -t 0 && test -t 1 && stty size") == ("24 80", 0)
    assert shell.run("cd /\npwd; (exit 3)") == ("/", 3)
    assert shell.run("echo $?; pwd") == ("3\n/", 0)
    assert shell.run("cat <<'END'\na  b\nEND") == ("a  b", 0)
    assert shell.run("true &") == ("", 0)
    assert shell.run("wait") == ("", 0)


def test_a_job_in_the_background_that_wants_the_terminal_is_seen(shell: Shell) -> None:
    """As `docker compose exec` does it without `</dev/null`: it is stopped, and `wait` does not wait for it."""
    with pytest.raises(AssertionError, match=r"reads from the terminal: .*Stopped"):
        shell.run("(cat; true) > /dev/null &")  # bash may say so at once, or before a later prompt
        for _ in range(100):
            shell.run("sleep 0.05")


def hungry(text: str) -> list[str]:
    """The commands on a page that would read from the terminal what a reader pastes after them."""
    bodies = [textwrap.dedent(fence["body"]) for fence in FENCE.finditer(text) if fence["info"] == "console"]
    every = [step.command for body in bodies for step in steps(body, "")]
    return [
        one for one in every if " exec -T " in one and not re.search(r"</dev/null|<<|\| docker|exec -T --detach", one)
    ]


def test_no_command_of_a_page_reads_what_is_pasted_after_it() -> None:
    assert {page.name: hungry(page.read_text()) for page in PAGES if hungry(page.read_text())} == {}
    asking = [line for page in PAGES for line in page.read_text().splitlines() if "compose exec" in line]
    assert [line for line in asking if "clickhouse-client" in line and " -T " not in line] == []  # it would draw boxes
    lines = [
        "docker compose exec -T a cat",
        "docker compose exec -T a cat </dev/null",
        "echo 1 | docker compose exec -T a cat",
    ]
    assert hungry("```console\n" + "".join(f"$ {line}\n" for line in lines) + "```\n") == lines[:1]


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("a\r\nb\r\n", "a\nb\n"),
        ("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "red link"),
        ("10 %\r20 %\r\x1b[Kdone\r\n", "done\n"),
        ("old line\r\n1 of 2\x1b[1A\r\x1b[2Knew\r\n\x1b[2K2 of 2", "new\n2 of 2"),
        ("[+] Running\r\n one\r\n\x1b[2A\x1b[0G\x1b[J[+] Done\r\n", "[+] Done\n"),
    ],
)
def test_what_is_drawn_over_is_not_shown(printed: str, shown: str) -> None:
    assert on_screen(printed) == shown


# What changes the shell itself, and not what runs in it.
CHANGES_THE_SHELL = re.compile(r"(?:cd|source|\.|export|unset|alias|unalias|set|shopt|\w+\(\)) ")


def test_every_page_leaves_the_terminal_as_it_was() -> None:
    """So a reader needs one terminal for all pages. Their other commands run with the pages (`pytest --one-shell`)."""
    terminal = open_terminal()
    done = 0
    try:
        for page in course_pages():
            for fence in FENCE.finditer(page.read_text()):
                for step in steps(textwrap.dedent(fence["body"]), "") if fence["info"] == "console" else []:
                    if CHANGES_THE_SHELL.match(step.command):
                        output, code = terminal.shell.run(step.command)
                        assert code == 0, f"{page.name}: $ {step.command}\n{output}"
                        done += 1
            differs = changed(terminal.before, state(terminal.shell))
            assert not differs, page.name
        assert done > 30
    finally:
        terminal.shell.close()


@pytest.mark.parametrize("command", ["cd lab", "export LEFT=1", "left() { :; }", "alias left=true", "set -o noglob"])
def test_a_page_that_leaves_something_fails(command: str) -> None:
    terminal = open_terminal()
    terminal.shell.run(command)
    with pytest.raises(AssertionError, match="the page does not undo this"):
        close_shell({"terminal": terminal, "text": "", "ended": True})


def test_every_page_is_in_the_course() -> None:
    assert sorted(course_pages()) == PAGES


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_part_of_a_file_is_a_whole(page: Path) -> None:
    """Some lines of a Python file are shown from the first line of a statement to the last of another."""
    for part in INCLUDE.finditer(page.read_text()):
        if part["first"]:
            lines = (ROOT / part["path"]).read_text().splitlines()[int(part["first"]) - 1 : int(part["last"])]
            assert lines[0].strip() and lines[-1].strip(), f"{page.name}: an empty line at an end of {part[0].strip()}"
            assert part["path"].endswith(".py"), f"{page.name}: {part['path']} has no statements"
            shown = ast.parse(textwrap.dedent("\n".join(lines)))  # a SyntaxError: a statement is cut
            assert len(lines) == (shown.body[-1].end_lineno or 0), f"{page.name}: {part[0].strip()}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_file_is_whole_once_on_a_page(page: Path) -> None:
    """After that a page shows the lines that it speaks of. What the fault board counted is in predictions, too."""
    whole = [part["path"] for part in INCLUDE.finditer(page.read_text()) if not part["first"]]
    assert [path for path in set(whole) if whole.count(path) > 1 and not path.startswith("contrast/results/")] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_highlighted_lines_are_there(page: Path) -> None:
    """`hl_lines` counts the lines that are shown; none of the highlighted ones is empty."""
    for fence in FENCE.finditer(page.read_text()):
        part, marked = INCLUDE.fullmatch(fence["body"]), re.search(r'hl_lines="([\d -]+)"', fence["info"])
        if part and marked:
            lines = ["", *(ROOT / part["path"]).read_text().splitlines()]
            shown = ["", *lines[int(part["first"] or 1) : int(part["last"] or len(lines)) + 1]]
            for span in marked[1].split():
                first, _, last = span.partition("-")
                ends = shown[int(first)], shown[int(last or first)]  # an IndexError: the file has no such line
                assert all(end.strip() for end in ends), f"{page.name}: {part['path']}, lines {span}"


def differing(exercise: str, solution: str) -> str:
    """The lines of a solution that its exercise has not, as `hl_lines` counts them; none where most of them differ."""
    before, after = exercise.splitlines(), solution.splitlines()
    changes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    new = [range(first + 1, last + 1) for kind, _, _, first, last in changes if kind in ("replace", "insert")]
    lines = [line for span in new for line in span if after[line - 1].strip()]
    spans = [list(span) for _, span in groupby(lines, key=lambda line: line - lines.index(line))]
    if len(lines) > len(after) * 2 / 3:
        return ""
    return " ".join(f"{span[0]}-{span[-1]}" if span[1:] else f"{span[0]}" for span in spans)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_differs_in_a_solution_is_highlighted(page: Path) -> None:
    for fence in FENCE.finditer(page.read_text()):
        part, marked = INCLUDE.fullmatch(fence["body"]), re.search(r'hl_lines="([\d -]+)"', fence["info"])
        if part and "/solutions/" in part["path"] and not part["first"]:
            exercise = ROOT / part["path"].replace("/solutions/", "/exercises/")
            if exercise.exists():
                wanted = differing(exercise.read_text(), (ROOT / part["path"]).read_text())
                assert (marked[1] if marked else "") == wanted, f"{page.name}: {part['path']}"


def test_the_lines_that_differ_are_counted() -> None:
    for exercise, solution, lines in (
        ("a\nb\nc\n", "a\nx\nc\n", "2"),
        ("a\nb\nc\nd\n", "a\n\nx\ny\nb\nc\nd\nz\n", "3-4 8"),
        ("a\nb\nc\n", "x\ny\nz\n", ""),
        ("a\nb\n", "a\n", ""),
    ):
        assert differing(exercise, solution) == lines


def is_tool(file: Path) -> bool:
    """A program that works for a lesson without being one: pages need not show it, and it may be longer."""
    board = file.parts[0] == "contrast" and len(file.parts) == 2 and file.suffix != ".yml"
    return board or file.parts[1:2] == ("host",) or file == Path("05-migration/trigger.py")


# A number with a unit, as words have it. What is written as `code` is a setting or a command, not a figure.
FIGURE = re.compile(r"(?<![\w.`])\d[\d.,]*[  ]?(?:%|s\b|ms\b|seconds?\b|minutes?\b|hours?\b|min\b|[kMG]B\b|rows/s\b)")


def typed_figures(text: str) -> list[str]:
    """Paragraphs with a figure that no run has written: neither included nor with the source in a comment above it.

    What an exercise asks and offers is no figure of ours.
    """
    prose = re.sub(r"<!---.*?-->|`[^`\n]*`|^ *- \[[ x]\].*$", "", FENCE.sub("", text), flags=re.M)
    parts = ["", *re.split(r"\n\s*\n", prose)]
    return [
        part.strip()
        for before, part in pairwise(parts)
        if FIGURE.search(part) and "<!-- figure: " not in part and not before.rstrip().endswith("-->")
    ]


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_a_figure_comes_from_a_run(page: Path) -> None:
    assert not typed_figures(page.read_text())


def test_a_typed_figure_is_seen() -> None:
    assert typed_figures("It took 23 seconds.") and typed_figures("words\n\nIt needs 1.2 GB of memory\n")
    assert not typed_figures("<!-- figure: make contrast -->\nIt took 23 seconds.")
    assert not typed_figures("At 3 a.m., in two steps, `sleep 30 s`.")


def test_the_figures_of_the_pages_are_up_to_date() -> None:
    """results/facts is what `make facts` makes of what was measured, and of the pages as they are now."""
    committed = {path.stem: path.read_text().strip() for path in facts.FACTS.glob("*.md")}
    assert committed == facts.facts(), "make facts"
    included = {Path(path).stem for page in PAGES for path in re.findall(r'"results/facts/([^"]+)"', page.read_text())}
    assert included <= set(committed)


def test_the_pictures_of_the_readme_are_up_to_date() -> None:
    """Each is in one scheme, and GitHub finds both."""
    readme, pictures = (ROOT / "README.md").read_text(), facts.pictures()
    for name, picture in pictures.items():
        assert f'"results/{name}.svg"' in readme
        assert (ROOT / f"results/{name}.svg").read_text() == picture, ".venv/bin/python -m docs.facts"
        assert "prefers-color-scheme" not in picture and picture.count("--ink:") == 1
    assert len(set(pictures.values())) == 2


def minutes(text: str) -> list[int]:
    """The durations in a text: `1 h 25 min` is 85."""
    found = re.findall(r"(?:(\d+) h)?\s?(?:(\d+) min)?", text.replace("\u00a0", " "))
    return [60 * int(h or 0) + int(m or 0) for h, m in found if h or m]


def test_no_two_pages_disagree_about_a_time() -> None:
    """The page itself, the table, the totals and the plans, as they are included."""
    fact = {path.stem: path.read_text() for path in facts.FACTS.glob("*.md")}
    header, _, *rows = fact["times"].splitlines()
    table = {re.sub(r"\W*\[|\].*|[| ]", "", row.split("|")[1]): minutes(row) for row in rows}
    assert header.count("|") == 6 and [*table] == [*facts.PAGES, "all"]
    for page in facts.PAGES:
        takes, _, exercises, together = table[page]
        assert minutes(fact[f"time-{page}"]) == [takes, exercises] and takes + exercises == together
        assert f'"results/facts/time-{page}.md"' in (ROOT / "docs/en" / f"{page}.md").read_text()
    for column in (0, 2, 3):
        assert table["all"][column] == sum(table[page][column] for page in facts.PAGES)
    assert minutes(fact["time-total"]) == [table["all"][0], table["all"][2]]
    for name in facts.PLANS:
        (needed, there), *steps = (minutes(line) for line in fact[f"plan-{name}"].splitlines() if minutes(line))
        assert needed == sum(takes for [takes] in steps) <= there
        for page, exercises, takes in re.findall(
            r"\[(.+?)\]\(.+?\)(, its exercises)?.*\| *(\S.*?) *\|$", fact[f"plan-{name}"], re.M
        ):
            assert minutes(takes) == [table[page][2 if exercises else 0]], (name, page)


def files_of(lesson: str) -> list[str]:
    """The files of a lesson that are its own: none that begins with a dot, none that Python or a learner made."""
    inside = (path.relative_to(ROOT) for path in (ROOT / lesson).rglob("*") if path.is_file())
    return [
        str(path)
        for path in inside
        if not is_tool(path)
        and not any(part.startswith((".", "__pycache__")) for part in path.parts)
        and path.suffix not in (".yours", ".lock")  # a lock is written by a program: thousands of hashes
        and path.name != "__init__.py"
        and not (path.parent.name == "results" and path.name == "board.md")
        and (path.parent.name not in ("results", "dashboards") or path.suffix != ".json")  # written by programs too
    ]


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_file_of_a_lesson_is_shown(lesson: str) -> None:
    shown = set().union(*(included(page.read_text()) for page in PAGES))
    missing = set(files_of(lesson)) - shown
    assert not missing, f"shown by no page: {sorted(missing)}"


def runs_in_the_board(file: str) -> bool:
    """What the containers of the fault board run: shown, and as long as a module of lab/, for it is a tool."""
    return file.startswith("contrast/inside/")


@pytest.mark.parametrize("lesson", LESSONS)
def test_lesson_files_are_short(lesson: str) -> None:
    lines = {file: len((ROOT / file).read_text().splitlines()) for file in files_of(lesson)}
    most = {file: 250 if runs_in_the_board(file) else MOST_LINES for file in lines}
    assert not {file: count for file, count in lines.items() if count > most[file]}


@pytest.mark.parametrize("lesson", LESSONS)
def test_functions_of_a_lesson_are_short(lesson: str) -> None:
    lines = {
        f"{file}: {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for file in files_of(lesson)
        if file.endswith(".py") and not runs_in_the_board(file)
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert lines
    assert not {name: count for name, count in lines.items() if count > MOST_LINES_OF_A_FUNCTION}


def test_a_lesson_has_few_files_in_one_place() -> None:
    """Ten flows, and nine files at the top: what a learner can survey."""
    here = [path for path in (ROOT / "03-prefect").iterdir() if path.is_file() and not path.name.startswith(".")]
    assert len(here) <= 9
    assert len(list((ROOT / "03-prefect/flows").glob("*.py"))) <= 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_task_of_an_exercise_is_in_prose(page: Path) -> None:
    """A reader sees it whole, where a comment in the file would end at the edge of the screen."""
    for block in re.split(r"^!!! exercise ", page.read_text(), flags=re.M)[1:]:
        if block.startswith("check"):
            title, *task = re.split(r"^    (?:```|\?\?\?)", block, flags=re.M)[0].split("\n", 1)
            assert len("".join(task).split()) >= 8, f"{page.name}: {title}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_choice_has_a_hint_and_every_exercise_an_answer(page: Path) -> None:
    exercises = read_exercises(page)
    assert [one.id for one in exercises if one.kind == "choice" and not one.has_hint] == []
    assert [one.id for one in exercises if not one.has_answer] == []


def test_the_first_page_calls_each_page_by_its_title() -> None:
    """And shows the progress of all that have exercises, so that its total is that of the course."""
    text = (ROOT / "docs/en/index.md").read_text()
    links = re.findall(r"^ *(?:- |Then )\[([^]]+)\]\(([\w-]+)\.md\)", text, re.M)
    first = {page.stem: re.search(r"^# (.+)$", page.read_text(), re.M) for page in PAGES}
    titles = {name: found[1] for name, found in first.items() if found}
    assert len(links) > 15 and [name for name, page in links if name != titles[page]] == []
    shown = re.findall(r'\]\(([\w-]+)\.md\)\{ data-progress="([^"]+)" \}', text)
    assert {page for page, _ in shown} == {page.stem for page in PAGES if read_exercises(page)}
    assert all(page == named for page, named in shown)


@pytest.mark.parametrize("lesson", LESSONS)
def test_check_exercises_and_checks_have_the_same_names(lesson: str) -> None:
    on_pages = [e.check for page in PAGES for e in read_exercises(page) if e.kind == "check"]
    assert sorted(c for c in on_pages if c.startswith(lesson)) == sorted(
        c for c in all_checks() if c.startswith(lesson)
    )


def starts_a_stack(page: Path) -> bool:
    return re.search(r"^ *\$ docker compose up", page.read_text(), re.M) is not None


@pytest.mark.parametrize("page", sorted({*facts.PAGES, *(page.stem for page in PAGES if starts_a_stack(page))}))
def test_a_page_begins_with_what_it_needs_and_ends_with_cleaning_up(page: str) -> None:
    text = (ROOT / "docs/en" / f"{page}.md").read_text()
    first, *_, last = (textwrap.dedent(f["body"]) for f in FENCE.finditer(text) if f["info"] == "console")
    box = text.index('!!! note "Before you start"')
    assert box < text.index("```") and all(f"**{what}:**" in text for what in ("Folder", "Stack", "Time"))
    assert first.startswith("$ source .venv/bin/activate\n")
    assert any(words in last for words in ("docker compose down", "unset", "rm -r moved"))


def test_each_page_with_exercises_says_how_long_it_takes() -> None:
    """Those that it has no time of would be left out of the sum of all."""
    assert {page.stem for page in PAGES if read_exercises(page)} <= set(facts.PAGES)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "**Goal:**" in page.read_text()], ids=lambda page: page.name
)
def test_a_page_with_a_goal_ends_with_what_was_learned(page: Path) -> None:
    """Three to five things, and then what comes next."""
    end = page.read_text().split("\n## What you can do now { data-search-exclude }\n\n")[1]
    bullets, _, after = end.partition("\n\n")
    assert 3 <= len(bullets.splitlines()) <= 5 and all(re.match(r"- .*\.$", line) for line in bullets.splitlines())
    assert after.startswith(("## Next\n", "**Next:** "))


def test_lessons_have_enough_exercises() -> None:
    for pages, least, least_checks in (
        ("01-intro", 6, 2),
        ("02-cron", 14, 6),
        ("03-prefect", 15, 6),
        ("04-incidents", 8, 4),
        ("05-migration migrate trigger move workers bigdata monitoring", 40, 13),
        ("contrast", 10, 4),
    ):
        kinds = [e.kind for page in pages.split() for e in read_exercises(ROOT / "docs" / "en" / f"{page}.md")]
        assert len(kinds) >= least and kinds.count("check") >= least_checks


# The words with which a command on a page may begin, beside those that the page defines itself: bash has them, or every
# system that the course names, or the course brings them.
OURS = {"docker", "lab", "make", "prefect", "python3", ".venv/bin/prefect", ".venv/bin/python"}
OF_BASH = {
    "cd", "do", "done", "echo", "export", "for", "printf", "source", "test", "time", "true", "unset", "until", "wait",
    "[", "}",
}  # fmt: skip
# What macOS and Ubuntu 22.04 both have, and of each the options that both know: `timeout` and `curl --json` are not here.
OF_THE_SYSTEM = {
    "cat": set(),
    "cp": set(),
    "curl": {"--silent", "--user", "--header", "--data", "--output", "--write-out"},
    "diff": set(),
    "grep": {"-c", "-m", "-o", "--count", "--max-count", "--quiet"},
    "head": {"-n"},
    "mkdir": set(),
    "rm": {"-r"},
    "sleep": set(),
    "tail": {"-n"},
    "tee": set(),
    "wc": {"-l"},
}
QUOTED = re.compile(r"<<'(\w+)'\n.*\n\1|'[^']*'|\"(?P<text>(?:[^\"\\]|\\.)*)\"", re.S)
BEGIN = re.compile(r"(?:\$\(|<\(|\|\|?|&&|;|&|\n|\(|\{ |\b(?:do|then|until|time) )")


def words_of_the_host(command: str) -> list[list[str]]:
    """Each simple command in a command of a page, as words; what is quoted, and so for somebody else, is left out."""
    inner = [
        part[1] for text in QUOTED.finditer(command) for part in re.finditer(r"\$\(([^()]*)\)", text["text"] or "")
    ]
    bare = re.sub(r"\d?>&\d|&>", " ", QUOTED.sub("''", command.replace("\\\n", " ")))
    parts = [part.split() for text in (bare, *inner) for part in BEGIN.split(text)]
    found = []
    for words in parts:
        while words and re.match(r"\w+=", words[0]):  # a variable for the command behind it
            words = words[1:]
        if words and words[0] not in (")", "))") and not re.match(r"[<>]", words[0]):
            found.append([word.rstrip(")") for word in words])
    return found


def unknown_words(text: str) -> list[str]:
    """The commands and options on a page that a learner's machine may lack."""
    own = set(re.findall(r"^\$ (\w+)\(\) {", text, re.M))
    unknown = []
    for fence in FENCE.finditer(text):
        for step in steps(textwrap.dedent(fence["body"]), "") if fence["info"] == "console" else []:
            for name, *rest in words_of_the_host(step.command):
                options = {word.split("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
                known = OF_THE_SYSTEM.get(name)
                if known is None and name not in OURS | OF_BASH | own | {f"{word}()" for word in own}:
                    unknown.append(name)
                elif known is not None and options - known:
                    unknown.append(f"{name} {' '.join(sorted(options - known))}")
    return unknown


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_a_command_uses_what_every_host_has(page: Path) -> None:
    assert not unknown_words(page.read_text())


@pytest.mark.parametrize(
    ("command", "unknown"),
    [
        ('timeout 12 docker logs --follow box || echo "over"', ["timeout"]),
        ("docker logs box | sed -i s/a/b/", ["sed"]),
        ('test "$(date --date tomorrow)" = x', ["date"]),
        ("ask() {\n>   curl --silent http://localhost --json \\\n>     '{}'\n> }\n$ ask", ["curl --json"]),
        ("for s in 1 2; do\n>   docker exec box timeout $s true > /tmp/log 2>&1 || echo $s\n> done", []),
        ("diff <(tac a) <(docker exec box sh -c 'tac b') && echo equal", ["tac"]),
        ("docker exec -T box python - <<'END'\n> import x\n> END", []),
        ("(sleep 4; gsleep 4) > /tmp/log 2>&1 &", ["gsleep"]),
        ("RATE=5 docker compose up && seq 3", ["seq"]),
    ],
)
def test_a_word_that_a_host_may_lack_is_seen(command: str, unknown: list[str]) -> None:
    assert unknown_words(f"```console\n$ {command}\n```\n") == unknown
