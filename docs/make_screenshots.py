"""Takes the pictures of the documentation: a real server, documents made here, a real browser.

Without flags it takes those that the documents show. ``--all FOLDER`` takes every view in both themes, both
languages and three widths. Chinese needs a Chinese font on this machine (Debian: fonts-noto-cjk or
fonts-wqy-microhei). The card, the model server and the figures before today are stand-ins.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, Route, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

import screenshot_contents as contents  # noqa: E402

from gradio_app.web.auth.users import User, write  # noqa: E402
from tests.fakes.machine import Machine  # noqa: E402
from tests.fakes.nvml import FakeCard  # noqa: E402
from tests.live import LiveServer  # noqa: E402

TARGET = ROOT / "docs" / "screenshots"
BROWSERS = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars"]
LARGEST = 300_000  # bytes of one picture

SIZES = {"phone": (390, 844), "desk": (1280, 800), "wide": (2560, 1440)}
LOCALES = {"en": "en-US", "zh": "zh-CN"}


@dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    size: str = "desk"
    theme: str = "light"
    language: str = "en"

    @property
    def name(self) -> str:
        """``desk-light-en``."""
        return f"{self.size}-{self.theme}-{self.language}"


@dataclass
class Shown:
    """What there is to be shown."""

    server: LiveServer
    guarded: LiveServer
    report: str = ""
    failed: str = ""
    again: str = ""


#: what the documents show; everything else is for whoever looks after the looks
COMMITTED = [
    ("empty", Look()),
    ("reader", Look()),
    ("reader", Look(theme="dark", language="zh")),
    ("reader", Look("wide", "dark")),
    ("reader", Look("phone")),
    ("list", Look("phone", "dark", "zh")),
    ("compare", Look()),
    ("compare", Look(theme="dark", language="zh")),
    ("overview", Look()),
    ("overview", Look(theme="dark", language="zh")),
    ("engine", Look()),
    ("engine", Look(theme="dark", language="zh")),
    ("sign-in", Look(theme="dark", language="zh")),
    ("picked", Look()),
]


def main() -> None:
    """Makes the pictures again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--all", metavar="FOLDER", type=Path, help="every view in every look")
    parser.add_argument("--only", metavar="VIEW", choices=VIEWS, help="one view")
    chosen = parser.parse_args()
    looks = [Look(*look) for look in product(SIZES, ("light", "dark"), LOCALES)]
    wanted = [(view, look) for look in looks for view in VIEWS] if chosen.all else COMMITTED
    folder: Path = chosen.all or TARGET
    folder.mkdir(parents=True, exist_ok=True)
    path = next((found for name in BROWSERS if name and (found := shutil.which(name))), None)
    if path is None:
        raise SystemExit("Chromium is needed: see CONTRIBUTING.md.")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGS)
        with servers(Path(place)) as shown:
            for view, look in sorted(wanted, key=lambda pair: list(VIEWS).index(pair[0])):
                if chosen.only in (None, view):
                    if view not in ("empty", "sign-in") and not shown.report:
                        fill(shown)
                    take(browser, shown, view, look, folder, LARGEST if folder == TARGET else 0)
        browser.close()


@contextmanager
def servers(folder: Path) -> Iterator[Shown]:
    """One that shows everything, with stand-ins for card and model server; one that asks who you are."""
    machine = Machine(folder)
    machine.driver.tell(
        [FakeCard(used=2 * contents.GB, load=3, processes={4242: contents.GB})], {4242: "blender"}
    )
    env = {"PYTHONPATH": str(machine.driver.path)}
    flags = ("--workers", "1", "--shard-pages-flash", "8", "--engine", "sglang")
    engine = ("--sglang-python", str(machine.python.path), "--model-dir", str(machine.models))
    write(folder / "users.txt", {"alice": User("alice", "wonderland")})
    people = ("--users", str(folder / "users.txt"), "--workers", "1")
    with (
        LiveServer(folder / "data", *flags, *engine, env=env) as server,
        LiveServer(folder / "guarded", *people) as guarded,
    ):
        yield Shown(server, guarded)


def fill(shown: Shown) -> None:
    """Everything at once: read, read again, running, waiting, failed."""
    server = shown.server
    server.end(server.submit("levels-2025.pdf", contents.book(1, "Levels"), tier="standard"))
    server.client.post("/gpu/offload").raise_for_status()
    shown.failed = server.submit("contract.pdf", contents.locked())
    server.end(shown.failed)
    server.end(server.submit("minutes.docx", contents.minutes()))
    shown.report = server.submit("river-report.pdf", contents.report(), tier="flash")
    server.end(shown.report)
    redo = server.client.post(f"/api/v1/tasks/{shown.report}/pages/2/redo", json={"tier": "standard"})
    shown.again = redo.raise_for_status().json()["id"]
    server.end(shown.again)
    server.client.post("/gpu/offload").raise_for_status()
    contents.month_of_work(server.data / "queue.db")
    running = server.submit("field-guide.pdf", contents.book(400, "Field guide"), tier="flash")
    for name in ("thesis.pdf", "handbook.pdf", "atlas.pdf"):
        server.submit(name, contents.book(400, name), tier="flash")
    server.until(running, pages_done=24)


# ------------------------------------------------------------ views


def _empty(page: Page, shown: Shown) -> None:
    page.goto(shown.server.url)
    page.locator(".mo-drop-more").wait_for()


def _list(page: Page, shown: Shown) -> None:
    page.goto(shown.server.url)
    page.locator(".mo-row", has_text="river-report").wait_for()
    page.locator(".mo-summary", has_text="·").wait_for()


def _picked(page: Page, shown: Shown) -> None:
    _list(page, shown)
    for name in ("river-report", "minutes", "contract"):
        page.locator(".mo-row", has_text=name).locator("input[type=checkbox]").check()
    page.locator("#mo-queue [data-part=picks]").wait_for()


def _reader(page: Page, shown: Shown, number: int = 1, tab: str = "text") -> None:
    page.goto(f"{shown.server.url}/#task={shown.report}&page={number}")
    page.locator(f"[role=tab][data-view={tab}]").click()
    page.locator(".mo-summary", has_text="·").wait_for()
    if tab == "text":
        page.locator("#mo-text").get_by_text("river was measured").first.wait_for()
    picture = page.get_by_role("img", name=re.compile(rf"(Page|第) {number}\b"))
    if picture.is_visible():
        page.wait_for_function("document.querySelector('.mo-picture img').naturalWidth > 0")
        box = page.locator(f".mo-box[data-block^='{number}-']").nth(2)
        box.wait_for(state="attached")
        box.hover()
    _show_reader(page)


def _show_reader(page: Page) -> None:
    """On a phone the reader is below the list."""
    if (page.viewport_size or {"width": 0})["width"] < 900:
        page.evaluate("document.getElementById('mo-right').scrollIntoView()")


def _json(page: Page, shown: Shown) -> None:
    _reader(page, shown, tab="json")
    page.locator("#mo-text").get_by_text('"markdown"').first.wait_for()


def _search(page: Page, shown: Shown) -> None:
    _reader(page, shown)
    page.locator("[data-part=search-open]").click()
    page.locator("[data-part=search-input]").fill("water level")
    page.locator(".mo-hits li").first.wait_for()


def _compare(page: Page, shown: Shown) -> None:
    """The second reading is made up: the stand-in for the model knows no words."""

    def better(route: Route) -> None:
        answer = route.fetch()
        first = shown.server.client.get(f"/api/v1/tasks/{shown.report}/pages/2").json()["markdown"]
        route.fulfill(response=answer, json={**answer.json(), "markdown": contents.second_reading(first)})

    page.route(f"**/api/v1/tasks/{shown.again}/pages/2", better)
    _reader(page, shown, 2)
    page.locator("#mo-second").get_by_text("river was measured").first.wait_for()


def _keys(page: Page, shown: Shown) -> None:
    _reader(page, shown)
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()


def _failed(page: Page, shown: Shown) -> None:
    page.goto(f"{shown.server.url}/#task={shown.failed}")
    page.locator("[data-part=note-title]").wait_for()
    _show_reader(page)


def _overview(page: Page, shown: Shown) -> None:
    page.goto(shown.server.url)
    page.locator("#mo-bar [data-part=overview]").click()
    page.locator(".mo-overview[open] [data-span=days]").click()
    page.locator(".mo-overview[open] [role=slider][aria-valuemax='29']").first.wait_for()


def _engine(page: Page, shown: Shown) -> None:
    def with_history(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "history": contents.an_hour(time.time())})

    page.route("**/gpu/status", with_history)
    page.goto(shown.server.url)
    page.locator(".mo-engine-chip", has_text="GB").wait_for(state="attached")
    page.locator(".mo-engine-chip").click()
    page.locator(".mo-plot-band").nth(4).wait_for(state="attached")


def _sign_in(page: Page, shown: Shown) -> None:
    page.goto(shown.guarded.url)
    page.locator("[name=username]").fill("alice")
    page.locator("[name=password]").fill("not hers")
    page.locator("button").click()
    page.get_by_role("alert").wait_for()


#: in the order in which they are taken: what needs an empty server comes first
VIEWS: dict[str, Callable[[Page, Shown], None]] = {
    "empty": _empty,
    "sign-in": _sign_in,
    "list": _list,
    "picked": _picked,
    "reader": _reader,
    "json": _json,
    "search": _search,
    "compare": _compare,
    "keys": _keys,
    "failed": _failed,
    "overview": _overview,
    "engine": _engine,
}


def take(browser: Browser, shown: Shown, view: str, look: Look, folder: Path, largest: int) -> None:
    """One picture, in a browser profile of its own; 256 colours where it would be too large with all."""
    width, height = SIZES[look.size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if look.theme == "dark" else "light",
        locale=LOCALES[look.language],
        reduced_motion="reduce",
    )
    page = context.new_page()
    VIEWS[view](page, shown)
    path = folder / f"{view}-{look.name}.png"
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    context.close()
    picture.save(path, optimize=True)
    if largest and path.stat().st_size > largest:
        picture.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size = path.stat().st_size
    print(f"{path.name}  {size / 1000:.0f} kB", flush=True)
    if largest and size > largest:
        raise SystemExit(f"{path} is too large.")


if __name__ == "__main__":
    main()
