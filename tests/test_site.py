"""The site as two builders make it from one mkdocs.yml: complete, strict, and with nothing from another host."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
BUILDERS = {
    "python -m mkdocs": [sys.executable, "-m", "mkdocs", "build", "--strict"],
    "mkdocs": [str(Path(sys.executable).parent / "mkdocs"), "build", "--strict"],
    "zensical": [str(Path(sys.executable).parent / "zensical"), "build", "--strict", "--clean"],
}
MISTAKE = '\n!!! exercise choice id_wrong-on-purpose "Wrong"\n    - [ ] one\n    - [ ] two\n'
REASON = 'exercise "wrong-on-purpose": a choice has exactly one [x], here 0'


def copy_course(folder: Path, pages: Path | None = None) -> Path:
    """Copy what a build reads, with other pages if given, and return the copy: zensical writes beside mkdocs.yml."""
    course = folder / "course"
    shutil.copytree(ROOT, course, ignore=shutil.ignore_patterns(".*", "site", "dist", "__pycache__", "*.egg-info"))
    if pages:
        shutil.rmtree(course / "docs/en")
        shutil.copytree(pages, course / "docs/en")
        config = yaml.safe_load((course / "mkdocs.yml").read_text())
        del config["nav"]
        (course / "mkdocs.yml").write_text(yaml.safe_dump(config))
    return course


def build(course: Path, builder: str = "python -m mkdocs") -> subprocess.CompletedProcess[str]:
    """Build a copy of the course into its folder `site`."""
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"}
    return subprocess.run(
        BUILDERS[builder], cwd=course, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module", params=BUILDERS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    course = copy_course(tmp_path_factory.mktemp("site"))
    done = build(course, request.param)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not re.search(r"warn", done.stdout + done.stderr, re.IGNORECASE), done.stdout + done.stderr
    return course / "site"


class Reader(HTMLParser):
    """Collects what a browser fetches for a page without being asked, and the sentences of its answers."""

    RELATIONS = frozenset({"stylesheet", "icon", "preload", "prefetch", "preconnect", "dns-prefetch", "modulepreload"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.urls: list[str] = []
        self.answers: list[str] = []
        self.details: list[bool] = []  # for each open <details>, whether it is an answer
        self.shown = 0  # how many files and tables are open: a page may show one, and its answer again
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "link" and self.RELATIONS & set((values.get("rel") or "").split()):
            self.urls.append(values.get("href") or "")
        self.urls += [values[name] or "" for name in ("src", "srcset", "poster", "data", "action") if name in values]
        self.urls += re.findall(r"url\(['\"]?([^'\")]*)", values.get("style") or "")
        if tag == "details":
            self.details.append("answer" in (values.get("class") or "").split())
        self.shown += tag in ("pre", "table")

    def handle_endtag(self, tag: str) -> None:
        if tag == "details":
            self.details.pop()
        self.shown -= tag in ("pre", "table")

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if any(self.details) and not self.shown and len(words) > 40:
            self.answers.append(words)


def search_index(site: Path, page: str = "") -> str:
    """The words that the search of a built site knows of all pages, or of one, without markup."""
    files = [*site.glob("search*.json"), *site.glob("search/*.json")]
    assert files
    entries = [entry for file in files for of in json.loads(file.read_text()).values() for entry in of]
    known = [entry for entry in entries if isinstance(entry, dict) and entry["location"].startswith(page)]
    assert known
    text = json.dumps(known, ensure_ascii=False)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text).replace("\\n", " ").replace('\\"', '"')).split())


# The words of Prefect 0 to 2 that a learner brings along: from a readme of 2023, from notes on 0.x, from tutorials.
OLD_WORDS = """
prefect orion start; prefect agent start -q default; agent; queue; default queue; deployment build; deployment apply;
--interval; infrastructure; working_dir; anchor_date; anchor date; flow-run ls; run; deployment; schedule; retries;
missed; task; flow; flow run; @task; prefect.Task; Task class; run method; max_retries; retry_delay; dependencies;
trigger; all_successful; any_failed; all_finished; reference tasks; define time; run time; container of tasks; DAG;
graph; edge; node; imperative API; set_upstream; data dependency; state dependency; State object; state; engine; flow
runner; FlowRunner; task runner; TaskRunner; executor; LocalExecutor; LocalDaskExecutor; DaskExecutor; Dask
distributed; submit; clock; filter; adjustment; weekends; business day; result; LocalResult; target;
{task_name}-{today}; template; templating; persistence; checkpointing; cache_for; task_input_hash; skipped;
nem_prices_raw_2014-01-01; flow-run name; task-run name; project; label; mapping; unmapped; flatten; Parameter; case;
switch; merge; signals; prefect.context; today; logger; secret; PrefectSecret; KV store; storage; run config;
register; backend; StartFlowRun; create_flow_run; Client; state handler; SequentialTaskRunner; ConcurrentTaskRunner;
flow group
"""


def test_the_search_finds_each_old_word_of_prefect(site: Path) -> None:
    index = search_index(site, "prefect-terms/")
    words = [" ".join(word.split()) for word in OLD_WORDS.split(";")]
    assert len(words) > 90
    assert [word for word in words if word.lower() not in index.lower()] == []


def test_every_page_of_the_course_is_built(site: Path) -> None:
    pages = {page.stem for page in (ROOT / "docs/en").glob("*.md")} - {"index"}
    assert {"01-intro", "02-cron", "crontab", "troubleshooting", "instructor"} <= pages
    assert all((site / page / "index.html").is_file() for page in pages)
    assert "This page does not exist" in (site / "404.html").read_text()


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    loads = {page: Reader(page.read_text()).urls for page in site.rglob("*.html")}
    loads |= {
        sheet: re.findall(r"(?:url\(|@import\s+)['\"]?([^'\")\s]*)", sheet.read_text()) for sheet in site.rglob("*.css")
    }
    assert sum(map(len, loads.values())) > 50
    foreign = [(str(page), url) for page, urls in loads.items() for url in urls if urlsplit(url).netloc]
    assert foreign == []


def test_no_answer_of_the_course_is_in_its_search_index(site: Path) -> None:
    answers = [words for page in site.rglob("*.html") for words in Reader(page.read_text()).answers]
    assert len(answers) > 10
    index = search_index(site)
    assert "Cron starts a program on time" in index
    assert [words for words in answers if words in index] == []


def test_what_a_run_printed_is_on_its_page_and_not_in_the_search(site: Path) -> None:
    pages = "".join(page.read_text() for page in (ROOT / "docs/en").glob("*.md"))
    index, seen = search_index(site), 0
    for file in (ROOT / "results/outputs").glob("*.json"):
        page = html.unescape(re.sub(r"<[^>]*>", "", (site / file.stem / "index.html").read_text()))
        outputs = (lines for recording in json.loads(file.read_text()) for lines in recording["printed"] if lines)
        for line in (line for lines in outputs for line in lines if len(" ".join(line.split())) > 40):
            if line not in pages:
                assert line in page and " ".join(line.split()) not in index, f"{file.stem}: {line}"
                seen += 1
    assert seen > 10


@pytest.mark.parametrize("builder", ["python -m mkdocs", "zensical"])
def test_answers_are_not_in_the_search_index(tmp_path: Path, builder: str) -> None:
    course = copy_course(tmp_path, ROOT / "tests/pages")
    done = build(course, builder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (course / "site/exercises/index.html").read_text().count("zanzibar") == 5
    index = search_index(course / "site")
    assert "at minute five of every hour" in index, "questions can be found"
    assert "Start again" not in index
    assert "zanzibar" not in index


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_mistake_in_an_exercise_fails_the_build_with_one_line(tmp_path: Path, builder: str) -> None:
    course = copy_course(tmp_path, ROOT / "tests/pages")
    with (course / "docs/en/other.md").open("a") as page:
        page.write(MISTAKE)
    line = (course / "docs/en/other.md").read_text().splitlines().index(MISTAKE.split("\n")[1]) + 1
    done = build(course, builder)
    said = [said for said in (done.stdout + done.stderr).splitlines() if said and not said.startswith("INFO")]
    assert done.returncode != 0
    if builder == "zensical":  # it adds a traceback to every error of an extension
        assert any(f"docs/en/other.md:{line}: {REASON}" in one for one in said)
    else:
        assert said == [f"ERROR   -  Error reading page 'other.md': docs/en/other.md:{line}: {REASON}"]


def test_the_two_builders_read_the_same_plain_configuration() -> None:
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    assert config["plugins"] == ["search"] and "hooks" not in config
    assert config["theme"]["font"] is False
    assert all((ROOT / path).exists() for path in config["watch"])
