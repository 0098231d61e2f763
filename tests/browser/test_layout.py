"""Where things stand: the list and the reader, page and text, what is added; wide, narrow and on a phone."""

from __future__ import annotations

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.browser.conftest import OpenPage, Watch, choose, row
from tests.documents import paper_pdf, text_pdf
from tests.live import LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def paper(server: LiveServer) -> str:
    """The id of a converted paper, below enough others for the list to scroll."""
    task = server.submit("where it stands.pdf", paper_pdf(3, seed=31))
    server.end(task)
    for number in range(14):
        server.end(server.submit(f"after {number}.pdf", text_pdf(1, seed=300 + number)))
    return task


def place(found: Locator) -> FloatRect:
    """Where something is in the window."""
    box = found.bounding_box()
    assert box
    return box


def original(page: Page) -> Locator:
    return page.get_by_role("img", name="Page 1 of the original")


def words(page: Page) -> Locator:
    return page.get_by_text("Here stands marker 1").last


@pytest.mark.parametrize("width", first_then_long(1050, 1280, 1366, 1440))
def test_page_and_text_stand_side_by_side(open_page: OpenPage, paper: str, width: int) -> None:
    page = open_page(f"/#task={paper}", viewport={"width": width, "height": 800})
    expect(words(page)).to_be_in_viewport()
    expect(original(page)).to_be_in_viewport()
    picture, text = place(original(page)), place(words(page))
    assert picture["width"] > 240 and text["width"] > 250
    assert picture["x"] + picture["width"] < text["x"]
    assert text["y"] < 240, "it begins near the top"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    # nothing of the reader's tools is cut off
    for name in ("Next page", "Copy the text of this page", "Download", "Copy all pages as Markdown"):
        box = place(page.get_by_role("button", name=name, exact=True))
        assert box["x"] + box["width"] <= width - 24, name


def test_once_used_the_place_to_drop_is_one_button(open_page: OpenPage, paper: str) -> None:
    page = open_page()
    files, add = (
        page.get_by_role("button", name="Choose files"),
        page.get_by_role("button", name="Add documents"),
    )
    expect(files).to_be_hidden()
    add.click()
    expect(files).to_be_focused()
    expect(page.get_by_label("Quality")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(files).to_be_hidden()
    expect(add).to_be_focused()
    page.keyboard.press("Enter")
    expect(files).to_be_visible()
    page.mouse.click(1000, 600)
    expect(files).to_be_hidden()
    add.click()
    choose(page, ("added.pdf", text_pdf(1, seed=32)))
    expect(files).to_be_hidden()
    expect(row(page, "added.pdf")).to_be_visible()


@pytest.mark.slow
def test_the_list_makes_room_and_comes_back(open_page: OpenPage, paper: str) -> None:
    page = open_page(f"/#task={paper}")
    expect(original(page)).to_be_visible()
    listed, before = row(page, "after 3.pdf"), place(original(page))["x"]
    page.get_by_role("button", name="Hide the list").click()
    expect(listed).to_be_hidden()
    assert place(original(page))["x"] < before - 200
    page.reload()
    expect(original(page)).to_be_visible()
    expect(listed).to_be_hidden()
    page.get_by_role("button", name="Documents: show the list").click()
    expect(listed).to_be_visible()
    expect(page.get_by_role("button", name="Documents: show the list")).to_be_hidden()


@pytest.mark.slow
def test_the_divider_is_dragged_and_remembered(open_page: OpenPage, paper: str) -> None:
    page = open_page(f"/#task={paper}")
    expect(words(page)).to_be_visible()
    divider = page.get_by_role("separator", name="Width of the original page")
    at, before = place(divider), place(words(page))["x"]
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + 200)
    page.mouse.down()
    page.mouse.move(at["x"] + 130, at["y"] + 260, steps=4)
    page.mouse.up()
    dragged = place(words(page))["x"]
    assert 100 < dragged - before < 140
    page.reload()
    expect(words(page)).to_be_visible()
    assert abs(place(words(page))["x"] - dragged) < 2
    divider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert place(words(page))["x"] < dragged - 20
    divider.dblclick()
    assert abs(place(words(page))["x"] - before) < 2


@pytest.mark.parametrize("window", [PHONE, {"width": 640, "height": 400}], ids=["phone", "zoomed"])
def test_a_small_window_shows_the_list_or_the_reader(
    open_page: OpenPage, paper: str, window: dict[str, int], watch: Watch
) -> None:
    page = open_page(viewport=window, has_touch=True)
    mine = row(page, "where it stands.pdf")
    mine.scroll_into_view_if_needed()
    mine.get_by_role("link").tap()
    expect(words(page)).to_be_in_viewport()
    expect(page.get_by_role("heading", name="where it stands.pdf")).to_be_in_viewport()
    expect(mine).to_be_hidden()
    assert place(words(page))["y"] < 380

    page.get_by_role("button", name="Documents: show the list").tap()
    expect(mine).to_be_in_viewport()
    expect(words(page)).to_be_hidden()
    page.go_back()
    expect(words(page)).to_be_in_viewport()
    page.go_back()
    expect(mine).to_be_in_viewport()
