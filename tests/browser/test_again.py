"""A page that is read again: chosen, compared side by side, kept or dropped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.documents import paper_pdf
from tests.fakes.machine import Machine
from tests.live import LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.browser

PATIENCE = 60_000


@pytest.fixture(scope="module")
def server(engine_server: LiveServer) -> LiveServer:
    return engine_server


@pytest.fixture
def task(server: LiveServer, tmp_path: Path) -> dict[str, Any]:
    """A document of three pages, read at flash."""
    seed = int(tmp_path.name.encode().hex(), 16) % 1000  # another one for each test
    return server.end(server.submit("paper.pdf", paper_pdf(3, seed=seed), tier="flash", use_cache="false"))


def read_again(page: Page, tier: str) -> None:
    page.get_by_role("button", name="Read this page again").click()
    page.get_by_role("menuitem", name=tier).click()


def text_of(server: LiveServer, task: dict[str, Any], number: int) -> str:
    return server.client.get(f"/api/v1/tasks/{task['id']}/pages/{number}").json()["markdown"]


@pytest.mark.parametrize(("width", "height"), first_then_long((1600, 900), (1100, 800), (390, 844)))
def test_compared_and_kept(
    open_page: OpenPage, server: LiveServer, task: dict[str, Any], width: int, height: int
) -> None:
    viewport = {"width": width, "height": height}
    page = open_page(f"/#task={task['id']}&page=2", viewport=viewport)
    page.get_by_role("tab", name="Text").click()
    was = text_of(server, task, 2)
    read_again(page, "Standard")
    told = page.locator(".mo-again")
    expect(told).to_contain_text("Page 2 was read again: Standard", timeout=PATIENCE)
    mine = page.get_by_role("region", name="Text of page 2").get_by_text("Here stands marker 2").first
    other = page.locator("#mo-second")
    expect(mine).to_be_visible()
    expect(other).to_be_visible()
    expect(other).not_to_be_empty()
    expect(page.get_by_text("In the document", exact=True)).to_be_visible()
    left, right = mine.bounding_box(), other.bounding_box()
    assert left and right
    if width > 900:
        assert left["x"] + left["width"] <= right["x"] + 1
        assert right["y"] <= left["y"] < right["y"] + right["height"], "on one level"
    else:
        assert left["y"] + left["height"] <= right["y"] + 1
    page.get_by_role("tab", name="Markdown").click()
    raw = page.get_by_role("region", name="Text of page 2").locator("pre").first
    expect(page.locator(".mo-raw-new")).to_be_visible()
    assert raw.inner_text().strip() == was.strip()
    page.get_by_role("tab", name="Text").click()

    new = page.locator(".mo-raw-new")
    page.get_by_role("button", name="Use the new one").click()
    expect(told).to_be_hidden()
    expect(other).to_be_hidden()
    expect(page.locator("[data-part=sub]")).to_contain_text("read again: 2")
    assert text_of(server, task, 2) != was
    expect(new).to_be_hidden()
    if width > 1400:
        expect(page.get_by_role("button", name="Page 2: read again", exact=True)).to_be_visible()
    page.get_by_role("tab", name="Markdown").click()
    expect(raw).to_have_text(text_of(server, task, 2), use_inner_text=True)
    page.get_by_role("tab", name="Text").click()


@pytest.mark.slow
def test_dropped(open_page: OpenPage, server: LiveServer, task: dict[str, Any]) -> None:
    page = open_page(f"/#task={task['id']}&page=1")
    was = text_of(server, task, 1)
    read_again(page, "Standard")
    expect(page.locator("#mo-second")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Next page").click()
    expect(page.locator(".mo-again")).to_be_hidden()
    expect(page.locator("#mo-second")).to_be_hidden()
    page.get_by_role("button", name="Previous page").click()
    expect(page.locator("#mo-second")).to_be_visible()
    page.reload()
    expect(page.locator("#mo-second")).to_be_visible()
    page.get_by_role("button", name="Leave it as it was").click()
    expect(page.locator(".mo-again")).to_be_hidden()
    assert text_of(server, task, 1) == was and server.task(task["id"])["redone"] == ""


@pytest.mark.slow
def test_while_it_is_read_it_can_be_stopped(
    open_page: OpenPage, server: LiveServer, machine: Machine, task: dict[str, Any]
) -> None:
    machine.python.set(delay=20.0)
    try:
        page = open_page(f"/#task={task['id']}&page=3")
        page.get_by_role("button", name="Read this page again").press("Enter")
        expect(page.get_by_role("menuitem", name="Flash")).to_be_focused()
        page.get_by_role("menuitem", name="Advanced").press("Enter")
        told = page.locator(".mo-again")
        expect(told).to_contain_text("Advanced", timeout=PATIENCE)
        expect(page.locator("#mo-second")).to_be_hidden()
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(told).to_be_hidden()
        assert [
            item["id"] for item in server.client.get("/api/v1/tasks").json()["tasks"] if item["redo_of"]
        ] == []
    finally:
        machine.python.set(delay=0.0)


def test_what_has_no_pages_cannot_be_read_again(page: Page) -> None:
    expect(page.get_by_role("button", name="Read this page again")).to_be_hidden()
