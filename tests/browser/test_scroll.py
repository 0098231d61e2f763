"""Pages scroll continuously, text and picture in step, and few of them are loaded."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.documents import text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.browser

PAGES = 24


@pytest.fixture(scope="module")
def long(server: LiveServer) -> str:
    """The id of a document of many pages."""
    task = server.submit("long.pdf", text_pdf(PAGES, seed=71, lines=9))
    server.end(task)
    return task


def number(page: Page) -> int:
    return int(page.get_by_role("textbox", name="Page", exact=True).input_value())


def scrolled(page: Page, over: Locator, until: int, by: int = 300) -> None:
    """Turns the wheel over a place until a page is reached."""
    box = over.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, min(box["y"] + box["height"] / 2, 600))
    for _ in range(200):
        if number(page) >= until if by > 0 else number(page) <= until:
            return
        page.mouse.wheel(0, by)
        page.wait_for_timeout(30)
    raise AssertionError(f"page {until} was not reached: {number(page)}")


def marker(page: Page, at: int) -> Locator:
    found = page.locator("#mo-text").get_by_text(re.compile(f"marker {at} stands"))
    return found.locator("visible=true").first


def test_text_and_picture_scroll_in_step(open_page: OpenPage, long: str) -> None:
    page = open_page(f"/#task={long}")
    text, picture = page.locator("#mo-text"), page.locator(".mo-scroll")
    expect(marker(page, 1)).to_be_in_viewport()
    tall = text.evaluate("text => text.scrollHeight")
    scrolled(page, text, 6)
    expect(marker(page, number(page))).to_be_in_viewport()
    expect(page.get_by_role("img", name=f"Page {number(page)} of the original")).to_be_in_viewport()
    expect(page).to_have_url(re.compile(f"page={number(page)}$"))
    scrolled(page, picture, 3, -200)
    expect(page.get_by_role("region", name=f"Text of page {number(page)}", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("img", name=re.compile("^Page .* of the original"))).not_to_have_count(PAGES)
    assert page.get_by_role("region", name=re.compile("^Text of page")).count() < 9
    assert abs(text.evaluate("text => text.scrollHeight") - tall) < 0.2 * tall, "the scrollbar rests"

    text.evaluate("text => text.scrollTo(0, text.scrollHeight)")
    expect(marker(page, PAGES)).to_be_in_viewport()
    expect(page.get_by_role("img", name=f"Page {PAGES} of the original")).to_be_in_viewport()
    expect(page.get_by_role("textbox", name="Page", exact=True)).to_have_value(str(PAGES))

    for view in ("Markdown", "JSON"):
        at = number(page)
        page.get_by_role("tab", name=view).click()
        expect(marker(page, at)).to_be_in_viewport()
        page.get_by_role("textbox", name="Page", exact=True).fill("2")
        page.keyboard.press("Enter")
        expect(marker(page, 2)).to_be_in_viewport()
        scrolled(page, text, 4)
        expect(page.get_by_role("region", name="Text of page 4", exact=True)).to_be_in_viewport()


def test_on_a_phone_the_window_scrolls_through_all_pages(open_page: OpenPage, long: str) -> None:
    page = open_page(f"/#task={long}&page=5", viewport={"width": 390, "height": 844})
    expect(marker(page, 5)).to_be_in_viewport()
    for view in ("Text", "Original"):
        page.get_by_role("tab", name=view).click()
        before = number(page)
        scrolled(page, page.locator("#mo-right"), before + 2)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.get_by_role("img", name=f"Page {number(page)} of the original")).to_be_in_viewport()
