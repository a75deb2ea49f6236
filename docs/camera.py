"""Pictures of the pages of Prefect and of what watches it, light and dark, for the pages of the course."""

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from playwright.sync_api import FloatRect, Page, sync_playwright

from engine.core import ROOT, UserError, say

LOGIN = "admin:beyond-cron"
SIDEBAR, WIDTH, HEIGHT = 256, 1024, 900  # pixels of a page
MOST = 75_000  # bytes of a picture
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
# A picture as WebP, by the browser that took it.
WEBP = """async png => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const canvas = Object.assign(document.createElement("canvas"), { width: bitmap.width, height: bitmap.height });
    canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
    return canvas.toDataURL("image/webp", 0.8).split(",")[1];
}"""
DEADLINE = 240  # seconds for something to happen

T = TypeVar("T")


@dataclass(frozen=True)
class View:
    """What is photographed: a page, from its line `top` to `bottom`, when it shows `text`."""

    path: str
    text: str
    top: int = 0
    bottom: int = 480
    width: int = WIDTH
    left: int = SIDEBAR


def wait(what: str, happened: Callable[[], T]) -> T:
    """What `happened` returns, as soon as that is true. Raises UserError when it is not by the deadline."""
    end = time.monotonic() + DEADLINE
    while not (answer := happened()):
        if time.monotonic() > end:
            raise UserError(f"screenshots: no {what} in {DEADLINE} s (try: make screenshots again on an idle machine)")
        time.sleep(1)
    return answer


def webp(page: Page, png: bytes) -> bytes:
    """A picture as WebP: a third of the bytes, and nobody sees it."""
    return base64.b64decode(page.evaluate(WEBP, base64.b64encode(png).decode()))


def photograph(ui: str, views: dict[str, View], folder: Path) -> None:
    """Take each picture twice, light and dark. Raises UserError when one is too large."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for scheme in SCHEMES:
            page = browser.new_page(viewport={"width": SIDEBAR + WIDTH, "height": HEIGHT}, color_scheme=scheme)
            page.set_default_timeout(DEADLINE * 1000)
            password = base64.b64encode(LOGIN.encode()).decode()
            kept = {"prefect-password": password, "color-scheme": json.dumps(scheme)}
            page.add_init_script(f"Object.assign(localStorage, {json.dumps(kept)})")
            for name, view in views.items():
                page.goto(ui + view.path)
                page.get_by_text(view.text).first.wait_for()
                page.wait_for_timeout(3000)  # a chart grows after its data have come
                clip = FloatRect(x=view.left, y=view.top, width=view.width, height=view.bottom - view.top)
                file = folder / f"{name}-{scheme}.webp"
                file.write_bytes(webp(page, page.screenshot(clip=clip)))
                say(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} KB")
                if file.stat().st_size > MOST:
                    raise UserError(f"screenshots: {file} has more than {MOST} bytes: photograph less of that page")
        browser.close()
