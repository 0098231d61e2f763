"""Some hundred documents with the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.crowd import fill
from tests.live import LiveServer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """In place of the one that all other tests share: one with many documents."""
    data = tmp_path_factory.mktemp("many") / "data"
    fill(data, 400)
    with LiveServer(data, "--workers", "1") as live:
        yield live


def test_the_list_is_one_stop_for_the_tab_key(page: Page) -> None:
    expect(page.locator(".mo-row").first).to_be_visible()
    page.locator(".mo-row").first.get_by_role("link").focus()
    for _ in range(4):  # its buttons, and the one that shows all that wait
        page.keyboard.press("Tab")
    assert not page.evaluate("Boolean(document.activeElement.closest('[role=listitem]'))")
    names = page.get_by_role("listitem").get_by_role("link").all_text_contents()
    page.locator(".mo-row").first.get_by_role("link").focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".mo-row").nth(1).get_by_role("link")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".mo-row").first.get_by_role("link")).to_be_focused()
    page.keyboard.press("End")  # far away: its row was not in the document
    last = page.locator("a:focus")
    expect(last).to_be_in_viewport()
    assert (last.text_content() or "") not in names
    page.keyboard.press("Home")
    expect(page.locator(".mo-row").first.get_by_role("link")).to_be_focused()
    expect(page.locator(".mo-row").first).to_be_in_viewport()
