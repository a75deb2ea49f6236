"""The course in a real browser: exercises by keyboard alone, what is kept, what is copied, who can read it."""

import re
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright
from support.records import commit, proving
from test_site import build, copy_course

from lab.progress import store

ROOT = Path(__file__).parents[1]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (apt-get install chromium)"),
]

COMMANDS = "printf 'one\\ntwo\\n'\nfor word in a b; do\n  echo \"$word\"\ndone"


class Site:
    """A folder served on a free port; the folder may change while the address stays."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        site = self

        class Handler(SimpleHTTPRequestHandler):
            def translate_path(self, path: str) -> str:
                self.directory = str(site.folder)
                return super().translate_path(path)

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def serve(folder: Path, pages: Path | None = None) -> Iterator[Site]:
    yield from built(copy_course(folder, pages))


def built(course: Path) -> Iterator[Site]:
    """A copy of the course, built and served."""
    site = Site(course / "site")
    config = course / "mkdocs.yml"  # instant navigation asks that the site knows its own port
    config.write_text(config.read_text().replace("http://localhost:8000/", site.url))
    done = build(course)
    assert done.returncode == 0, done.stderr
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The pages of tests/pages: every kind of exercise."""
    yield from serve(tmp_path_factory.mktemp("kinds"), ROOT / "tests/pages")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    yield from serve(tmp_path_factory.mktemp("course"))


def launched() -> Iterator[Browser]:
    """Chromium, closed in the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from launched()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh visitor's page; the test fails if it writes an error to the console or asks another host."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.set_default_timeout(60_000)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    context.on(
        "request",
        lambda request: (
            faults.append(request.url) if urlsplit(request.url).hostname not in ("localhost", None) else None
        ),
    )
    yield page
    context.close()
    assert faults == []


def tab_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press Tab until the focus is on an element, as a reader without a mouse does."""
    for _ in range(80):
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press(key)
    raise AssertionError(f"the Tab key does not reach {selector}")


def status(page: Page, exercise: str) -> str:
    return page.locator(f"#ex-{exercise} [role=status]").inner_text()


def open_answers(page: Page, exercise: str) -> int:
    return page.locator(f"#ex-{exercise} details[open]").count()


def test_a_choice_by_keyboard_alone(page: Page, kinds: Site) -> None:
    page.goto(f"{kinds.url}exercises/")
    tab_to(page, "#ex-minute-field [type=submit]")
    page.keyboard.press("Enter")
    assert status(page, "minute-field") == "Choose an option first."
    tab_to(page, "#ex-minute-field [type=radio]", "Shift+Tab")
    page.keyboard.press("Space")
    assert open_answers(page, "minute-field") == 0
    tab_to(page, "#ex-minute-field [type=submit]")
    page.keyboard.press("Enter")
    assert status(page, "minute-field").startswith("Not right. Read the hint")
    expect(page.locator("#ex-minute-field details[open] > summary")).to_have_text(["Hint"])
    tab_to(page, "#ex-minute-field .answer summary")
    page.keyboard.press("Enter")
    assert open_answers(page, "minute-field") == 2
    tab_to(page, "#ex-minute-field [type=radio]", "Shift+Tab")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert status(page, "minute-field") == "", "the verdict was on another option"
    page.keyboard.press("Enter")
    assert status(page, "minute-field") == "Right."
    expect(page.locator(".lesson-progress")).to_have_text("Exercises: 1 of 6 done")
    tab_to(page, "#ex-minute-field [type=reset]")
    page.keyboard.press("Space")
    assert status(page, "minute-field") == "" and open_answers(page, "minute-field") == 0
    assert page.locator("#ex-minute-field :checked").count() == 0
    assert page.evaluate("document.activeElement.type") == "radio"
    expect(page.locator(".lesson-progress")).to_have_text("Exercises: 0 of 6 done")


def test_the_other_kinds_by_keyboard_alone(page: Page, kinds: Site) -> None:
    page.goto(f"{kinds.url}exercises/")
    tab_to(page, "#ex-how-often input")
    page.keyboard.press("Enter")
    assert status(page, "how-often") == "Write an answer first."
    page.keyboard.type("each minute ")
    page.keyboard.press("Enter")
    assert status(page, "how-often") == "Saved. Compare it with the answer below."
    assert open_answers(page, "how-often") == 1
    tab_to(page, "#ex-what-is-wrong textarea")
    page.keyboard.type("It drifts.\nIt is deaf.")
    assert open_answers(page, "what-is-wrong") == 0
    tab_to(page, "#ex-what-is-wrong [type=submit]")
    page.keyboard.press("Space")
    assert open_answers(page, "what-is-wrong") == 1
    for box in ("look-around", "every-ten"):
        tab_to(page, f"#ex-{box} [type=checkbox]")
        page.keyboard.press("Space")
        assert status(page, box) == "Done."
    tab_to(page, "#ex-every-ten summary")
    page.keyboard.press("Enter")
    assert open_answers(page, "every-ten") == 1
    expect(page.locator(".lesson-progress")).to_have_text("Exercises: 4 of 6 done")
    tab_to(page, "#ex-look-around [type=checkbox]", "Shift+Tab")
    page.keyboard.press("Space")
    expect(page.locator(".lesson-progress")).to_have_text("Exercises: 3 of 6 done")


def test_a_prediction_by_keyboard_alone(page: Page, kinds: Site) -> None:
    page.goto(f"{kinds.url}exercises/")
    tab_to(page, "#ex-killed [type=number]")
    for number in ("2", "0", "1", "0", "0"):  # two of three lanes as measured, and the next one half
        page.keyboard.type(number)
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert status(page, "killed") == "Write a number in each field first." and open_answers(page, "killed") == 0
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    measured = ["✓ as measured", "✓ as measured", "measured 0", "✓ as measured", "✓ as measured", "measured 0"]
    for _ in range(2):  # also after a reload
        expect(page.locator("#ex-killed .prediction span")).to_have_text(measured)
        assert status(page, "killed").startswith("4 of 6 as measured. Saved.")
        values = page.locator("#ex-killed [type=number]").evaluate_all("all => all.map(one => one.value)")
        assert values == ["2", "0", "1", "0", "0", "3"]
        page.reload()
    expect(page.locator(".lesson-progress")).to_have_text("Exercises: 1 of 6 done")
    tab_to(page, "#ex-killed [type=number]")
    page.keyboard.press("ArrowUp")
    assert page.locator("#ex-killed .prediction span").count() == 0 and status(page, "killed") == ""


def test_an_answer_that_no_page_has_written_stops_no_exercise(page: Page, kinds: Site) -> None:
    """A file of progress may be edited by hand, and an id may stay while its kind changes."""
    page.goto(f"{kinds.url}exercises/")
    for text in ("abc", "null", "[1]"):
        page.evaluate("text => localStorage.setItem('beyond-cron:killed', JSON.stringify({ value: text }))", text)
        page.reload()
        expect(page.locator(".lesson-progress")).to_have_text("Exercises: 0 of 6 done")
        expect(page.get_by_role("button", name="Forget all")).to_be_visible()


def fill_in(page: Page) -> None:
    page.check("#ex-minute-field [data-right]")
    page.click("#ex-minute-field [type=submit]")
    page.fill("#ex-how-often input", "each minute")
    page.click("#ex-how-often [type=submit]")
    page.fill("#ex-what-is-wrong textarea", "a draft\nof two lines")
    page.check("#ex-every-ten [type=checkbox]")


def expect_filled_in(page: Page) -> None:
    expect(page.locator("#ex-minute-field :checked")).to_have_value("at minute five of every hour")
    assert status(page, "minute-field") == "Right."
    assert page.input_value("#ex-how-often input") == "each minute"
    assert page.input_value("#ex-what-is-wrong textarea") == "a draft\nof two lines"
    assert page.is_checked("#ex-every-ten [type=checkbox]") and not page.is_checked("#ex-look-around [type=checkbox]")
    expect(page.locator(".lesson-progress")).to_have_text("Exercises: 3 of 6 done")


def test_answers_outlive_a_reload_and_a_page_in_another_order(page: Page, kinds: Site, tmp_path: Path) -> None:
    page.goto(f"{kinds.url}exercises/")
    fill_in(page)
    page.reload()
    expect_filled_in(page)
    keys = page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('beyond-cron:')).sort()")
    assert keys == [f"beyond-cron:{name}" for name in ("every-ten", "how-often", "minute-field", "what-is-wrong")]

    moved = copy_course(tmp_path, ROOT / "tests/pages")
    text = (moved / "docs/en/exercises.md").read_text().replace("    - [ ] every `5` minutes\n", "")
    text = text.replace("of every hour\n", "of every hour\n    - [ ] every `5` minutes\n")
    head, *exercises = re.split(r"(?m)^(?=!!! exercise [a-z ]+ id_(?!shown))", text.replace("!!! note", "\n# Note\n"))
    (moved / "docs/en/exercises.md").write_text(head + "".join(reversed(exercises)))
    assert build(moved).returncode == 0
    before, kinds.folder = kinds.folder, moved / "site"
    try:
        page.reload()
        assert page.locator("form.exercise").first.get_attribute("id") == "ex-killed"
        expect_filled_in(page)
    finally:
        kinds.folder = before


def say(page: Page) -> str:
    return page.locator(".progress-buttons [role=status]").inner_text()


def choose(page: Page, file: Path) -> None:
    """Press the button as a reader does, by keyboard, and choose a file."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Load progress").press("Enter")
    chooser.value.set_files(file)


def test_progress_goes_to_a_file_and_comes_back_in_another_browser(
    page: Page, browser: Browser, kinds: Site, tmp_path: Path
) -> None:
    page.goto(f"{kinds.url}exercises/")
    page.get_by_role("button", name="Save progress").click()
    assert say(page) == "There is nothing to save yet."
    fill_in(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save progress").press("Enter")
    assert download.value.suggested_filename == "beyond-cron-progress.json"
    assert say(page) == "Saved what you have done in 4 exercises."
    download.value.save_as(tmp_path / "saved.json")
    saved = store.read(tmp_path / "saved.json")  # the terminal reads it
    assert saved.answers["minute-field"] == store.Answer("at minute five of every hour", "right", True)
    assert set(saved.answers) == {"every-ten", "how-often", "minute-field", "what-is-wrong"}

    elsewhere = browser.new_context().new_page()
    elsewhere.goto(f"{kinds.url}exercises/")
    choose(elsewhere, tmp_path / "saved.json")
    expect(elsewhere.locator(".lesson-progress")).to_have_text("Exercises: 3 of 6 done")
    assert say(elsewhere) == "Loaded what you have done in 4 exercises."
    expect_filled_in(elsewhere)
    elsewhere.reload()
    expect_filled_in(elsewhere)
    elsewhere.context.close()


def test_what_lab_check_has_passed_is_ticked(
    page: Page, kinds: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_PROGRESS", str(tmp_path / "progress.json"))
    judged = {"exercises/every-ten": store.Judged(True, ""), "exercises/look-around": store.Judged(False, "")}
    store.keep(lambda own: store.Progress(own.answers, judged))
    page.goto(f"{kinds.url}exercises/")
    choose(page, tmp_path / "progress.json")
    expect(page.locator("#ex-every-ten [type=checkbox]")).to_be_checked()
    assert status(page, "every-ten") == "Done." and not page.is_checked("#ex-look-around [type=checkbox]")
    expect(page.locator(".lesson-progress")).to_have_text("Exercises: 1 of 6 done")


def test_all_is_forgotten_once_the_reader_has_agreed(page: Page, kinds: Site) -> None:
    page.goto(f"{kinds.url}exercises/")
    button = page.get_by_role("button", name="Forget all")
    button.click()
    assert say(page) == "There is nothing to forget yet."
    page.evaluate("localStorage.setItem('of-another-site', 'stays')")
    fill_in(page)
    page.once("dialog", lambda dialog: dialog.dismiss())
    button.press("Enter")
    assert say(page) == "Nothing was forgotten."
    expect_filled_in(page)
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    page.once("dialog", agree)
    button.press("Enter")
    assert asked == ["Forget what you have done in 4 exercises, on all pages?"]
    for _ in range(2):  # also after a reload
        expect(page.locator(".lesson-progress")).to_have_text("Exercises: 0 of 6 done")
        assert page.locator("form :checked").count() == 0 and status(page, "minute-field") == ""
        assert page.input_value("#ex-how-often input") == page.input_value("#ex-what-is-wrong textarea") == ""
        page.reload()
    assert page.evaluate("localStorage.getItem('of-another-site')") == "stays"


def test_a_file_that_is_no_progress_changes_nothing(page: Page, kinds: Site, tmp_path: Path) -> None:
    page.goto(f"{kinds.url}exercises/")
    fill_in(page)
    file = tmp_path / "saved.json"
    form = '{"format": "beyond-cron progress", "version": 1, '
    for text, reason in (
        ("nothing", "it is no JSON"),
        ("[]", 'it does not say "format": "beyond-cron progress"'),
        (form.replace("1", "2") + '"answers": {}}', "this course reads version 1 of it"),
        (form + '"answers": []}', "answers or checks is no object"),
        (form + '"answers": {"how-often": {"value": "new"}, "<img src=x>": {}}}', "an answer in it is none"),
        (form + '"answers": {"how-often": null}}', "an answer in it is none"),
        (form + '"checks": {"exercises/every-ten": {"passed": "yes"}}}', "a check in it is none"),
        (" " * 1_000_001, "it is larger than 1000000 bytes"),
    ):
        file.write_text(text)
        choose(page, file)
        expect(page.locator(".progress-buttons [role=status]")).to_have_text(
            f"saved.json is no file with progress: {reason}."
        )
    expect_filled_in(page)


def test_exercises_work_after_instant_navigation(page: Page, kinds: Site) -> None:
    # Instant navigation begins once the theme has read sitemap.xml; a click before that loads the page anew.
    page.goto(kinds.url, wait_until="networkidle")
    page.evaluate("window.stayed = true")
    expect(page.locator("article .progress")).to_have_text("0 of 6 done")
    expect(page.locator(".progress-total")).to_have_text("All exercises: 0 of 6 done")
    page.click("article >> text=Another page")
    page.check("#ex-other-read [type=checkbox]")
    expect(page.locator(".lesson-progress")).to_have_text("Exercises: 1 of 1 done")
    page.click("article >> text=all kinds")
    page.wait_for_selector("#ex-minute-field")
    fill_in(page)
    page.go_back()
    expect(page.locator("#ex-other-read [role=status]")).to_have_text("Done.")
    page.go_forward()
    page.wait_for_selector("#ex-minute-field")
    expect_filled_in(page)
    page.click(".md-header__button.md-logo")
    expect(page.locator("article .progress")).to_have_text("3 of 6 done")
    expect(page.locator(".progress-total")).to_have_text("All exercises: 3 of 6 done")
    assert page.evaluate("window.stayed"), "the browser loaded a page anew: this was no instant navigation"


def test_the_copy_button_copies_commands_only(page: Page, kinds: Site) -> None:
    page.goto(f"{kinds.url}exercises/")
    copied = []
    for block in (".language-console >> nth=0", "#ex-every-ten .language-console", ".language-cron, .language-text"):
        page.locator(block).first.hover()
        page.locator(block).first.locator("[data-clipboard-target]").click()
        copied.append(page.evaluate("navigator.clipboard.readText()").rstrip("\n"))
    crontab = (ROOT / "02-cron/crontab.txt").read_text().rstrip("\n")
    assert copied == [COMMANDS, "lab check exercises/every-ten", crontab]


def test_what_a_run_printed_opens_and_is_neither_copied_nor_printed(page: Page, course: Site) -> None:
    page.goto(f"{course.url}migrate/", wait_until="networkidle")
    recorded = page.locator(".recorded")
    assert recorded.count() > 1 and page.locator(".recorded[open], .recorded [data-clipboard-target]").count() == 0
    recorded.first.locator("summary").press("Enter")
    expect(recorded.first.locator("code")).to_be_visible()
    page.emulate_media(media="print")
    assert page.locator(".recorded:visible").count() == 0, "paper has the pattern"


def test_without_a_script_everything_can_be_read_and_opened(browser: Browser, kinds: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{kinds.url}exercises/")
    page.locator("#ex-minute-field .answer summary").press("Enter")
    assert page.locator("#ex-minute-field .answer").inner_text().count("zanzibar") == 1
    assert page.locator("#ex-minute-field label").all_inner_texts()[2] == "at five o'clock"
    assert page.locator("article button:visible").count() == 0
    page.locator("#ex-how-often input").press("Enter")
    assert page.url == f"{kinds.url}exercises/", "Enter in a field must not reload the page"
    context.close()


def test_a_browser_that_refuses_storage_says_so(page: Page, kinds: Site) -> None:
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('no', 'QuotaExceededError') }")
    page.goto(f"{kinds.url}exercises/")
    page.check("#ex-minute-field [data-right]")
    page.click("#ex-minute-field [type=submit]")
    assert status(page, "minute-field").startswith("Right. This browser keeps nothing")
    expect(page.locator(".lesson-progress")).to_have_text("Exercises: 1 of 6 done")
    page.get_by_role("button", name="Save progress").click()
    assert say(page) == "This browser keeps nothing: there is nothing to save."


def test_on_paper_an_answer_is_what_was_open_and_the_menus_are_gone(page: Page, kinds: Site) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{kinds.url}exercises/")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("details.answer:visible, details.hint:visible").count() == 0, "a handout has no answers"
    page.evaluate("document.querySelector('#ex-how-often details').open = true")
    expect(page.locator("details.answer:visible > p")).to_have_text(["Each minute: zanzibar."])
    assert page.locator("nav:visible, button:visible, .md-header:visible").count() == 0
    assert page.evaluate("getComputedStyle(document.body).getPropertyValue('--paper')").strip() == "#fff"


SHOWN = "term => getComputedStyle(term, '::after').content"


def test_a_term_shows_its_meaning_to_mouse_and_keyboard(page: Page, course: Site) -> None:
    page.goto(f"{course.url}01-intro/")
    term = page.locator("a.term[href$='#drift']")
    meaning = f'"{term.get_attribute("data-meaning")}"'
    assert len(meaning) > 20 and term.evaluate(SHOWN) == "none"
    term.hover()
    assert term.evaluate(SHOWN) == meaning
    page.keyboard.press("Escape")
    assert term.evaluate(SHOWN) == "none"
    page.mouse.move(0, 0)
    term.focus()
    assert term.evaluate(SHOWN) == meaning
    page.keyboard.press("Enter")
    page.wait_for_url("**/glossary/#drift")


def test_a_touch_shows_a_term_and_a_second_one_follows_it(browser: Browser, course: Site) -> None:
    context = browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{course.url}01-intro/", wait_until="networkidle")
    term = page.locator("a.term[href$='#drift']")
    term.tap()
    assert term.evaluate(SHOWN) == f'"{term.get_attribute("data-meaning")}"'
    assert page.url.endswith("/01-intro/") and page.evaluate("document.documentElement.scrollWidth") == 390
    term.tap()
    page.wait_for_url("**/glossary/#drift")
    context.close()


def test_the_crontab_on_one_page_is_one_sheet(page: Page, course: Site) -> None:
    page.goto(f"{course.url}crontab-sheet/")
    for paper in ("A4", "Letter"):
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper))) == 1, paper


@pytest.mark.parametrize("address", ["contrast/#two-schedulers", "03-prefect/#exercises", "02-cron/#ex-when-cron"])
def test_an_address_leads_to_its_heading(page: Page, course: Site, address: str) -> None:
    """Blocks and pictures above it, which nobody has seen yet, are laid out later: that must not move it away."""
    page.goto(course.url + address, wait_until="networkidle")
    place = page.locator("#" + address.partition("#")[2])
    expect(place).to_be_in_viewport()
    page.wait_for_function(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
    )
    expect(place).to_be_in_viewport()


def test_the_page_that_does_not_exist_leads_back(page: Page, course: Site) -> None:
    page.goto(f"{course.url}404.html")
    expect(page.locator("article h1")).to_have_text("This page does not exist")
    page.fill("article [type=search]", "crontab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=crontab")
    page.wait_for_selector(".md-search-result__item a")
    page.goto(f"{course.url}404.html")
    page.click("article >> text=Start page")
    expect(page.locator("article h1")).to_contain_text("Beyond Cron")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_says_what_this_is(page: Page, course: Site, width: int, height: int, scheme: str) -> None:
    """A sentence, a picture that is read to whoever does not see it, and two buttons: all of it without scrolling."""
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(course.url)
    first = page.locator(".first")
    picture = first.get_by_role("img", name="slow-run: Cron starts a run whether or not the one before has ended.")
    buttons = first.locator(".md-button")
    shown = [first.locator("h1"), first.locator(".lead"), picture, *buttons.all()]
    for box in (one.bounding_box() for one in shown):
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
    leads_to = buttons.evaluate_all("all => all.map(one => one.href)")
    assert leads_to == [f"{course.url}01-intro/", f"{course.url}contrast/"]
    words = picture.locator("text:visible").evaluate_all("all => all.map(one => one.getBoundingClientRect().right)")
    assert len(words) > 3 and max(words) <= width
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 25, 31)"}[scheme]
    assert picture.locator(".name").first.evaluate("one => getComputedStyle(one).fill") != ground


def test_each_claim_of_the_first_page_has_its_proof(page: Page, course: Site) -> None:
    page.goto(course.url)
    claims = page.locator(".first-proofs li")
    proofs = claims.locator("a").evaluate_all("all => all.map(one => one.href)")
    assert len(set(proofs)) == claims.count() >= 5
    for proof in proofs:
        page.goto(proof)
        anchor = urlsplit(proof).fragment
        assert not anchor or page.locator(f"[id='{anchor}']").count() == 1, proof


def test_the_first_page_is_light(page: Page, course: Site) -> None:
    """Its bytes before compression, without those of the search; four fifths are the theme."""
    page.goto(course.url, wait_until="networkidle")
    entries = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
    sizes = dict(page.evaluate(f"{entries}.map(one => [one.name, one.decodedBodySize])"))
    weight = sum(size for name, size in sizes.items() if "search" not in name)
    assert 200_000 < weight < 340_000, sizes


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_are_fetched_in_one_scheme_and_have_captions(page: Page, course: Site, scheme: str) -> None:
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if request.url.endswith(".webp") else None)
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{course.url}03-prefect/")
    pictures = page.locator("article figure.screenshot img:visible")
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("one => one.naturalWidth") > 0
    captions = page.locator("figure.screenshot figcaption:visible").all_inner_texts()
    assert captions == pictures.evaluate_all("all => all.map(one => one.alt)")
    assert len(captions) == len(fetched) > 5 and all(url.endswith(f"-{scheme}.webp") for url in fetched)


# What a learner types, and the page that has to come first.
QUERIES = {
    "cron not running": "troubleshooting/#by-symptom",
    "environment variables": "troubleshooting/#missing-variables",
    "timezone": "troubleshooting/#wrong-hour",
    "docker logs empty": "troubleshooting/#empty-logs",
    "permission denied": "troubleshooting/#permission-denied",
    "exit code 137": "troubleshooting/#exit-code-137",
    "port 4200": "why/#port-taken",
    "crontab syntax": "crontab/#the-five-fields",
    "every 15 minutes": "crontab/#the-five-fields",
    "percent sign": "crontab/#the-percent-sign",
    "daylight saving time": "crontab/#when-the-clock-changes",
    "flock": "02-cron/",
    "overlapping runs": "02-cron/#parallel-runs",
    "retry": "03-prefect/#retry",
    "rate limit": "04-incidents/",
    "prefect late": "prefect-operating/#a-run-is-late-and-does-not-start",
    "watermark": "prefect-etl/#the-watermark-is-fixed-before-the-snapshot",
    "without docker": "prefect-host/",
    "agent": "prefect-terms/#agents-and-deployments",
    "missed runs": "missed-runs/",
    "migrate crontab": "migrate/",
    "systemd timer": "which/#fault-by-fault",
    "kubernetes cronjob": "which/#fault-by-fault",
}


def test_the_search_puts_the_right_page_first(page: Page, course: Site) -> None:
    """By what a visitor sees: the first result, and the part of its page that is shown first."""
    page.set_default_timeout(120_000)
    page.goto(course.url)
    field, results = page.locator(".md-search__input"), page.locator(".md-search-result__item")
    first = {}
    for words in QUERIES:
        field.fill("")
        field.press("Shift")  # the theme listens for a key that is released
        expect(results).to_have_count(0, timeout=120_000)
        field.fill(words)
        field.press("Shift")
        results.first.wait_for(state="attached")
        found = results.first.locator("a").evaluate_all("all => all.map(one => one.href)")[:2]
        first[words] = [re.sub(r"\?[^#]*", "", url.removeprefix(course.url)) for url in found]
    assert {words: found for words, found in first.items() if QUERIES[words] not in found} == {}


def paths(site: Site) -> list[str]:
    return sorted(str(page.relative_to(site.folder)) for page in site.folder.rglob("*.html"))


def test_no_page_is_wider_than_a_narrow_screen(page: Page, course: Site, kinds: Site) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    for site in (course, kinds):
        for path in paths(site):
            page.goto(site.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 320, path


@pytest.mark.parametrize(("width", "shown"), [(390, False), (800, False), (1220, True), (1440, True)])
def test_back_to_top_lies_over_no_text(page: Page, course: Site, width: int, shown: bool) -> None:
    """The theme offers it when a reader scrolls up; a narrow screen has no place for it beside the text."""
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{course.url}02-cron/", wait_until="networkidle")
    page.locator("#ex-when-cron").scroll_into_view_if_needed()
    page.mouse.wheel(0, 300)
    page.wait_for_timeout(300)
    page.mouse.wheel(0, -200)
    expect(page.locator(".md-top")).not_to_have_attribute("hidden", "")
    button, text = page.locator(".md-top").bounding_box(), page.locator("article").bounding_box()
    assert text and bool(button) == shown
    assert not button or (button["x"] >= text["x"] + text["width"] and button["height"] < 60)


FITS = """() => {
    document.querySelectorAll("details").forEach((one) => { one.open = true });
    const files = [...document.querySelectorAll(".highlight > .filename")];
    const code = (file) => file.parentElement.querySelector("code");
    return files.map((file) => [file.textContent, code(file).scrollWidth <= code(file).clientWidth]);
}"""
# Tools of the fault board. What cannot be broken may be longer too: a line of a crontab, and what a program printed.
MAY_WRAP = {
    "contrast/docker-compose.yml",
    "contrast/inside/sink.sql",
    "05-migration/docker-compose.yml",
    "results/oncall-post-mortem.md",
}
UNBROKEN = (".txt", ".pycon")


def test_a_line_of_a_file_fits_the_screen(page: Page, course: Site) -> None:
    """On a screen of 1440 pixels no line of a program is wrapped, inside an exercise or out of it."""
    page.set_viewport_size({"width": 1440, "height": 900})
    fits: list[tuple[str, bool]] = []
    for path in paths(course):
        page.goto(course.url + path)
        page.add_style_tag(content="pre > code { white-space: pre !important }")
        fits += page.evaluate(FITS)
    assert len(fits) > 150
    assert {file for file, does in fits if not does and not file.endswith(UNBROKEN)} <= MAY_WRAP


# Each page in one of these, which the commit draws; with PROVE=1 in all combinations.
LOOKS = [("light", 1440), ("dark", 390)]


@pytest.mark.parametrize(("scheme", "width"), [*LOOKS, *[("dark", 1440), ("light", 390)] * proving()])
def test_axe_finds_nothing_serious_on_any_page(page: Page, course: Site, kinds: Site, scheme: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
    found = []
    for site in (course, kinds):
        for number, path in enumerate(paths(site)):
            if not proving() and (number + commit()) % 2 != LOOKS.index((scheme, width)):
                continue
            page.goto(site.url + path)
            page.wait_for_function("typeof document$ !== 'undefined'")
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
            for answer in page.locator("[type=submit]:visible").all()[:3]:
                answer.click()  # their words are on the page too
            report = Axe().run(page, options={"resultTypes": ["violations"]}).response
            found += [
                (path, one["id"], node["html"][:160], node.get("failureSummary", "")[:300])
                for one in report["violations"]
                if one["impact"] in ("serious", "critical")
                for node in one["nodes"]
            ]
    assert found == []
