"""What axe-core finds on each view, in both themes and both languages, wide and on a phone: nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenPage
from tests.documents import encrypted_pdf, many_pages_pdf, paper_pdf, text_pdf
from tests.fakes.machine import Machine
from tests.fakes.nvml import GB, FakeCard
from tests.live import LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.browser

#: all rules of all levels, those of good practice too; axe leaves out only what it calls experimental
RUN = "() => axe.run(document, {resultTypes: ['violations']}).then((found) => found.violations)"
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
LOOKS = [("light", "en-US"), ("dark", "zh-CN"), ("light", "zh-CN"), ("dark", "en-US")]
SIZES = [*((WIDE, *look) for look in LOOKS), *((PHONE, *look) for look in LOOKS[:2])]


class Eye:
    """Looks at one page again and again, and keeps what it saw, with the name of the view."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.found: list[str] = []

    def look(self, view: str) -> None:
        if not self._page.evaluate("'axe' in window"):
            self._page.evaluate(AXE_SCRIPT)
        # a colour half way between two states is nobody's choice
        self._page.wait_for_function("document.getAnimations().every((one) => one.playState !== 'running')")
        self.found += [line for fault in self._page.evaluate(RUN) for line in told(view, fault)]


def told(view: str, fault: dict[str, Any]) -> Iterator[str]:
    """One line for each element that breaks a rule."""
    for node in fault["nodes"]:
        why = " ".join(node["failureSummary"].split())
        yield f"{view}: {fault['id']} ({fault['impact']}) at {node['target']}: {why}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """In the place of the common server: one with two model servers, and a card that others use too."""
    folder = tmp_path_factory.mktemp("axe")
    machine = Machine(folder)
    busy = FakeCard(used=2 * GB, load=3, processes={4242: GB})
    machine.driver.tell([busy, FakeCard("GPU-bbbb")], {4242: "blender"})
    env = {"PYTHONPATH": str(machine.driver.path)}
    with LiveServer(folder / "data", *machine.flags(), "--gpu", "all", env=env) as live:
        yield live


@pytest.fixture(scope="module")
def filled(server: LiveServer) -> str:
    """A list with everything in it: done, failed, cancelled, waiting. The id of a paper that was read."""
    server.end(server.submit("seen by the engine.pdf", text_pdf(1, seed=810), tier="standard"))
    server.end(server.submit("locked.pdf", encrypted_pdf()))
    done = server.submit("a paper.pdf", paper_pdf(3, seed=81), tier="flash")
    server.end(done)
    again = server.client.post(f"/api/v1/tasks/{done}/pages/2/redo", json={"tier": "standard"})
    server.end(again.raise_for_status().json()["id"])
    server.client.post("/api/v1/queue/pause").raise_for_status()
    gone = server.submit("not wanted.pdf", text_pdf(2, seed=82))
    server.client.post(f"/api/v1/tasks/{gone}/cancel").raise_for_status()
    server.end(gone)
    server.submit("waits.pdf", many_pages_pdf(40))
    return done


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "locale"), LOOKS)
def test_the_empty_page(open_page: OpenPage, theme: str, locale: str) -> None:
    page = open_page(color_scheme=theme, locale=locale, viewport=WIDE)
    expect(page.locator(".mo-drop-more")).to_be_visible()  # only while there is nothing
    eye = Eye(page)
    eye.look("empty")
    assert eye.found == []


@pytest.mark.parametrize(("size", "theme", "locale"), first_then_long(*SIZES))
def test_every_view(open_page: OpenPage, filled: str, size: dict[str, int], theme: str, locale: str) -> None:
    page = open_page(color_scheme=theme, locale=locale, viewport=size)
    eye = Eye(page)
    for name, go in VIEWS.items():
        go(page, filled)
        eye.look(name)
    assert eye.found == []


def _list(page: Page, task: str) -> None:
    expect(page.locator(".mo-row")).to_have_count(5)


def _option(page: Page, task: str) -> None:
    page.locator("#mo-add").click()
    page.locator("[data-option=page_range]").fill("5-x")
    page.locator("[data-option=page_range]").blur()


def _code(page: Page, task: str) -> None:
    page.locator("[data-option=page_range]").fill("1-2")
    page.locator("#mo-intake [data-part=use]").click()
    expect(page.locator("#mo-code dialog[open] pre").first).to_be_visible()


def _code_of_tools(page: Page, task: str) -> None:
    page.locator("#mo-code [data-way=tools]").click()
    expect(page.locator("#mo-code pre")).to_have_count(6)


def _menu(page: Page, task: str) -> None:
    page.keyboard.press("Escape")
    page.locator(".mo-row", has_text="a paper.pdf").locator("[aria-haspopup=menu]").click()
    expect(page.get_by_role("menuitem").first).to_be_visible()


def _picked(page: Page, task: str) -> None:
    page.keyboard.press("Escape")
    for tick in page.locator(".mo-row input[type=checkbox]").all()[:2]:
        tick.check()
    expect(page.locator("#mo-queue [data-part=picks]")).to_be_visible()


def _ask(page: Page, task: str) -> None:
    page.locator("#mo-queue [data-part=picks] button:not([disabled])", has=page.locator("svg")).last.click()


def _nothing_found(page: Page, task: str) -> None:
    page.keyboard.press("Escape")
    page.locator("#mo-queue [data-part=search]").fill("no document is called so")
    expect(page.locator("#mo-queue [data-part=nomatch]")).to_be_visible()


def _reader(page: Page, task: str) -> None:
    page.locator("#mo-queue [data-part=clear]").click()
    page.locator(".mo-row", has_text="a paper.pdf").get_by_role("link").click()
    expect(page.locator("#mo-text")).to_contain_text("marker 1")
    if (page.viewport_size or WIDE)["width"] > PHONE["width"]:  # there the text stands alone
        expect(page.locator(".mo-box").first).to_be_attached()


def _tab(view: str) -> Callable[[Page, str], None]:
    def show(page: Page, task: str) -> None:
        page.locator(f"[role=tab][data-view={view}]").click()
        expect(page.locator(f"[role=tab][data-view={view}]")).to_have_attribute("aria-selected", "true")

    return show


def _search(page: Page, task: str) -> None:
    page.locator("[role=tab][data-view=text]").click()
    page.locator("[data-part=search-open]").click()
    page.locator("[data-part=search-input]").fill("marker")
    expect(page.locator(".mo-hits li").first).to_be_visible()


def _compare(page: Page, task: str) -> None:
    page.locator("[data-part=search-close]").click()
    page.locator("[data-part=next]").click()
    expect(page.locator("#mo-text")).to_contain_text("marker 2")
    expect(page.locator("#mo-second")).to_be_visible()


def _keys(page: Page, task: str) -> None:
    page.locator("#mo-reader-title").click()
    page.keyboard.press("?")
    expect(page.locator("dialog[open]")).to_be_visible()


def _failed(page: Page, task: str) -> None:
    page.keyboard.press("Escape")
    page.evaluate("location.hash = ''")
    expect(page.locator(".mo-row", has_text="locked.pdf")).to_be_visible()
    page.locator(".mo-row", has_text="locked.pdf").get_by_role("link").click()
    expect(page.locator("[data-part=note-title]")).to_be_visible()


def _overview(page: Page, task: str) -> None:
    page.locator("#mo-bar [data-part=overview]").click()
    expect(page.locator(".mo-overview[open] dd").first).to_be_visible()


def _engine(page: Page, task: str) -> None:
    page.keyboard.press("Escape")
    page.locator(".mo-engine-chip").click()
    expect(page.locator("#mo-engine dialog[open] .mo-cards li").first).to_be_visible()
    expect(page.locator(".mo-server")).to_have_count(2)


VIEWS: dict[str, Callable[[Page, str], None]] = {
    "the list": _list,
    "a wrong option": _option,
    "use from code": _code,
    "addresses for other tools": _code_of_tools,
    "a menu": _menu,
    "two documents picked": _picked,
    "a question before it is done": _ask,
    "nothing found": _nothing_found,
    "the reader": _reader,
    "the source of a page": _tab("raw"),
    "the JSON of a page": _tab("json"),
    "search": _search,
    "a page read twice": _compare,
    "the keys": _keys,
    "a document that failed": _failed,
    "the overview": _overview,
    "the engine": _engine,
}


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "locale"), LOOKS)
def test_signing_in(house: LiveServer, browser: Browser, theme: Any, locale: str) -> None:
    context = browser.new_context(color_scheme=theme, locale=locale, viewport=PHONE)  # pyright: ignore[reportArgumentType]
    page = context.new_page()
    eye = Eye(page)
    page.goto(house.url)
    eye.look("sign-in")
    page.locator("[name=username]").fill("alice")
    page.locator("[name=password]").fill("not hers")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    eye.look("sign-in, refused")
    page.goto(f"{house.url}/?token=shared", referer="http://elsewhere.example/")
    eye.look("sign-in, by a link")
    context.close()
    assert eye.found == []
