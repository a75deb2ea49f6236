"""The playground: `lab cron` in a browser says what it says in a terminal, and asks nobody else."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect
from support.crontabs import mutants
from support.records import commit, proving
from test_browser import CHROMIUM, Site, built, launched, tab_to
from test_crontab_runs import CHANGES, expressions
from test_crontab_stack import lines
from test_lint import AS_PACKAGES_HAVE_IT, BROKEN, SOUND
from test_site import build, copy_course
from typer.testing import CliRunner

from docs import playground
from engine.core import ROOT, UserError
from lab.cron.command import app

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)")
PLACE = "theme/assets/pyodide"
START = "2026-03-08T01:00"
PATIENCE = 300_000  # milliseconds, for Python to start in a browser on a busy machine


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The course with its playground."""
    course = copy_course(tmp_path_factory.mktemp("with"))
    try:
        playground.make(course / PLACE)
    except UserError as reason:
        if "browser" in os.environ.get("REQUIRE", ""):
            raise
        pytest.skip(str(reason))
    yield from built(course)


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The course as it is built where npm gives nothing."""
    course = copy_course(tmp_path_factory.mktemp("without"))
    shutil.rmtree(course / PLACE, ignore_errors=True)
    yield from built(course)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from launched()


@pytest.fixture
def asked() -> list[str]:
    """The paths that a page has requested, those of its workers too."""
    return []


@pytest.fixture
def page(browser: Browser, asked: list[str]) -> Iterator[Page]:
    """A fresh visitor in New York; the test fails if the page writes an error to the console or asks another host.

    Its clock stands still unless a test moves it: on a busy machine no answer is late.
    """
    context = browser.new_context(timezone_id="America/New_York")
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))

    def note(url: str) -> None:
        asked.append(urlsplit(url).path)
        if urlsplit(url).hostname not in ("localhost", None):
            faults.append(url)

    context.on("request", lambda request: note(request.url))
    page.clock.install(time=datetime(2026, 3, 1))
    yield page
    context.close()
    assert faults == []


def visit(page: Page, site: Site, fragment: str = "") -> None:
    page.goto(f"{site.url}playground/{fragment}", wait_until="networkidle")
    page.clock.pause_at(datetime(2026, 3, 1, 1))


def write(page: Page, crontab: str) -> None:
    """Replace what stands in the field, and let the pause in typing pass."""
    page.fill("#pg-crontab", crontab)
    page.clock.run_for(1000)


def expect_status(page: Page, text: str) -> None:
    expect(page.locator("#playground [role=status]")).to_have_text(text, timeout=PATIENCE)


def printed(*words: str, crontab: bytes = b"") -> list[str]:
    """The lines that `lab cron` prints."""
    return CliRunner().invoke(app, words, input=crontab).output.splitlines()


def explained(said: dict[str, Any]) -> list[str]:
    """The lines of `lab cron explain`, from an answer of the playground."""
    if "refused" in said:
        return [said["refused"]]
    [job] = said["jobs"]
    paragraphs = [job[part] for part in ("words", "fields", "runs", "notes") if job[part]]
    return [line for part in paragraphs for line in ("", *part)][1:]


def linted(said: dict[str, Any]) -> list[str]:
    """The lines of `lab cron lint`, without the last, which counts them."""
    return ["-:{line}: {level}: {what} → {fix}".format(**one) for one in said["findings"]]


def schedules() -> list[tuple[str, str, str]]:
    """(schedule, zone, moment): those that the tests of the command line generate and list."""
    zones = ["UTC", *CHANGES]
    plain = [text for part in range(10) for text in expressions(f"runs {part}", 500)] + lines()
    asked = [(text, zones[number % len(zones)], START) for number, text in enumerate(plain)]
    asked += [
        (text, zone, f"{CHANGES[zone][0]}T00:00") for zone in CHANGES for text in expressions(f"changes {zone}", 44)
    ]
    vectors = json.loads((ROOT / "bench/vectors.json").read_text())["vectors"]
    return asked + [(one["expression"], one["zone"], one["from"]) for one in vectors]


def files() -> list[tuple[bytes, bool]]:
    """(crontab, whether it has a user column): those of the tests of lint, and crontabs with mistakes in them."""
    sound = [text.encode() for text in (*SOUND, *(text for text, *_ in BROKEN))]
    system = [f"MAILTO=root\n{line}\n".encode() for line in AS_PACKAGES_HAVE_IT]
    made = mutants(commit() % 1000, 5000 if proving() else 200)
    return [(text, False) for text in (*sound, *made)] + [(text, True) for text in (*system, *made)]


ASK = """async ([url, asked]) => {
    const python = new Worker(url, { type: "module" });
    const answers = [];
    const all = new Promise((done, failed) => {
        python.onmessage = ({ data }) => {
            if (data.failed) failed(new Error(data.failed));
            if (data.id) answers.push(data.answer);
            if (answers.length === asked.length) done(answers);
        };
    });
    asked.forEach(([text, zone, from, system], number) => {
        const crontab = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
        python.postMessage({ id: number + 1, crontab, zone, from, system });
    });
    return all;
}"""


@needs_chromium
@pytest.mark.browser
@pytest.mark.timeout(7200)
def test_the_browser_says_what_the_terminal_says(page: Page, site: Site) -> None:
    """Word for word, of schedules and of files; a sample of the schedules, all of them with PROVE=1."""
    texts = schedules() if proving() else random.Random(commit()).sample(schedules(), 1000)
    words = [(text.encode().decode("latin-1"), zone, start, False) for text, zone, start in texts]
    words += [(crontab.decode("latin-1"), "UTC", START, system) for crontab, system in files()]
    visit(page, site)
    said = page.evaluate(ASK, [f"{site.url}assets/playground-worker.js", words])
    assert len(said) == len(words) > 1000
    different: list[tuple[Any, ...]] = []
    alone = compared = 0
    for (text, zone, start), answer in zip(texts, said, strict=False):
        if answer["alone"]:  # or a command follows
            here = printed("explain", "--tz", zone, "--from", start, "--", text)
            alone, compared = alone + 1, compared + len(here)
            different += [] if explained(answer) == here else [(text, zone, explained(answer), here)]
    for (crontab, system), answer in zip(files(), said[len(texts) :], strict=True):
        *here, _ = printed("lint", *(("--system",) if system else ()), "-", crontab=crontab)
        compared += len(here)
        different += [] if linted(answer) == here else [(crontab, system, linted(answer), here)]
    print(f"{alone} schedules and {len(files())} files, {compared} lines")
    assert different == []
    assert alone > 0.9 * len(texts)


@needs_chromium
@pytest.mark.browser
def test_by_keyboard_from_the_button_to_the_answer(page: Page, site: Site, asked: list[str]) -> None:
    """Nothing of Python is loaded before; then the whole answer is on the page, under its line."""
    visit(page, site)
    assert not [path for path in asked if "pyodide" in path or "playground-worker" in path]
    expect(page.locator(".without-playground")).to_have_count(0)
    page.fill("#pg-from", START)
    tab_to(page, "#playground button")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "pg-crontab"
    expect_status(page, "Jobs: 4. Errors: 4. Warnings: 1.")
    loaded = {path.rpartition("/")[2] for path in asked if "/pyodide/" in path}
    assert loaded == {*playground.FILES, "lab.zip"}  # so the requests of a worker are seen
    crontab = page.input_value("#pg-crontab")
    shown = page.locator("#playground .answer").evaluate("node => node.textContent")
    *findings, _ = printed("lint", "-", crontab=crontab.encode())
    for line in findings:
        _, number, rest = line.split(":", 2)
        assert f"Line {number} {rest.strip()}" in shown
    for line in crontab.splitlines()[1:]:
        words = ("explain", " ".join(line.split()[:5]), "--tz", "America/New_York", "--from", START)
        said = [one for one in printed(*words) if one]
        assert len(said) > 7 and [one for one in said if one not in shown] == []
    page.keyboard.press("Control+A")
    page.keyboard.type("61 * * * *")
    page.clock.run_for(1000)
    expect_status(page, "Refused.")
    assert page.locator("#playground .answer").inner_text() == f"error: {printed('explain', '61 * * * *')[0]}"


@needs_chromium
@pytest.mark.browser
def test_what_takes_too_long_is_stopped_and_the_page_goes_on(page: Page, site: Site) -> None:
    """A field of many terms, which take minutes: the page answers keys meanwhile, and the next question too."""
    visit(page, site)
    page.click("#playground button")
    expect_status(page, "Jobs: 4. Errors: 4. Warnings: 1.")
    write(page, "1," * 300_000 + "1 * * * *")
    page.locator("#playground summary").first.click()  # the page is not held up
    assert page.locator("#playground details[open]").count() == 1
    page.clock.run_for(3000)
    expect_status(page, "Jobs: 4. Errors: 4. Warnings: 1.")
    page.clock.run_for(3000)
    expect_status(page, "No answer in 5 seconds: it was stopped. In a terminal, lab cron lint has no limit.")
    write(page, "30 2 * * *")
    expect_status(page, "One schedule.")
    assert page.locator("#playground .words").inner_text() == "At 02:30 every day."


@needs_chromium
@pytest.mark.browser
def test_a_link_brings_the_crontab_along(page: Page, site: Site) -> None:
    crontab = "# naïve & 100 %\n0 9 * * * root /x > /l 2>&1\n"
    visit(page, site, f"#crontab={quote(crontab)}&zone=Europe%2FBerlin&from=2026-10-24T12%3A00&system=")
    page.click("#playground button")
    expect_status(page, "Jobs: 1. Errors: 0. Warnings: 0.")
    write(page, crontab.replace("0 9", "30 2"))
    expect_status(page, "Jobs: 1. Errors: 0. Warnings: 0.")
    answer = page.locator("#playground .answer").inner_text()
    address = page.url
    page.goto(f"{site.url}crontab/")
    page.goto(address)
    page.click("#playground button")
    expect(page.locator("#playground .answer")).to_contain_text("Europe/Berlin", timeout=PATIENCE)
    assert page.is_checked("#playground [name=system]")
    assert page.locator("#playground .answer").inner_text() == answer


@needs_chromium
@pytest.mark.browser
def test_it_works_after_instant_navigation(page: Page, site: Site) -> None:
    page.goto(f"{site.url}crontab/", wait_until="networkidle")
    page.evaluate("window.stayed = true")
    page.click("article >> text=in the browser")
    page.wait_for_selector("#playground button")
    page.clock.pause_at(datetime(2026, 3, 1, 1))
    page.click("#playground button")
    expect_status(page, "Jobs: 4. Errors: 4. Warnings: 1.")
    page.clock.resume()
    page.click("article >> text=crontab reference")
    expect(page.locator("article h1")).to_contain_text("Crontab reference")
    page.go_back()
    expect(page.locator("#playground button")).to_be_visible()
    expect(page.locator("#playground label").first).to_have_css("display", "block")  # by its style, which came along
    assert page.evaluate("window.stayed"), "the browser loaded a page anew: this was no instant navigation"


@needs_chromium
@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_an_answer(page: Page, site: Site, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    page.set_viewport_size({"width": 320, "height": 640})
    visit(page, site)
    page.click("#playground button")
    expect_status(page, "Jobs: 4. Errors: 4. Warnings: 1.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.locator("#playground summary").first.click()
    page.clock.resume()
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


@needs_chromium
@pytest.mark.browser
def test_a_site_without_it_names_the_commands(page: Page, without: Site, asked: list[str]) -> None:
    visit(page, without)
    assert "The commands below say the same." in " ".join(page.locator(".without-playground").inner_text().split())
    assert page.locator("#playground *").count() == 0
    assert not [path for path in asked if "pyodide" in path]


@needs_chromium
@pytest.mark.browser
def test_without_a_script_the_page_names_the_commands(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}playground/")
    assert page.locator(".without-playground").is_visible()
    assert "lab cron explain" in page.locator("article").inner_text()
    context.close()


@pytest.mark.browser  # it has the site of the tests above
def test_a_class_bundle_brings_it_without_npm(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playground, "BUNDLED", site.folder / "assets/pyodide")
    monkeypatch.setenv("PATH", "/nowhere")
    assert playground.make(tmp_path / "pyodide") > 10_000_000
    assert (tmp_path / "pyodide/head.html").exists()


@pytest.mark.slow
def test_zensical_builds_it_too(tmp_path: Path) -> None:
    """A page says that the playground is there exactly where docs/playground.py has left its mark."""
    course = copy_course(tmp_path)
    shutil.rmtree(course / PLACE, ignore_errors=True)
    for mark in ("", '<meta name="playground" content="14 MB">'):
        if mark:
            (course / PLACE).mkdir()
            (course / PLACE / "head.html").write_text(mark)
        done = build(course, "zensical")
        assert done.returncode == 0, done.stdout + done.stderr
        assert ('<meta name="playground"' in (course / "site/playground/index.html").read_text()) == bool(mark)


@pytest.mark.parametrize(
    ("path", "registry", "line"),
    [
        ("/nowhere", "", "no playground on the site: npm is not installed; install it, then: make playground"),
        (
            None,
            "http://127.0.0.1:9/",
            f"no playground on the site: npm gives no {playground.PYODIDE} (npm error code ECONNREFUSED); ",
        ),
    ],
)
@pytest.mark.slow
def test_where_npm_gives_nothing_one_line_says_so(tmp_path: Path, path: str | None, registry: str, line: str) -> None:
    course = copy_course(tmp_path)
    shutil.rmtree(course / PLACE, ignore_errors=True)
    env = os.environ | {"npm_config_registry": registry} | ({"PATH": path} if path else {})
    done = subprocess.run(
        (sys.executable, "-m", "docs.playground"), cwd=course, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(line)
    assert not (course / PLACE / "head.html").exists()


def test_another_archive_than_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho something else > pyodide.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(UserError, match=r"npm gives another pyodide@.* than the one that is pinned"):
        playground.archive()
