"""The overview: what was done, as a person reads it off the bars."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_engine import telling
from tests.documents import text_pdf
from tests.live import LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def done(server: LiveServer) -> int:
    """Pages of a document that was read just now."""
    server.end(server.submit("for the overview.pdf", text_pdf(7, seed=700), use_cache="false"))
    return 7


def open_overview(page: Page) -> Locator:
    page.get_by_role("button", name="Overview", exact=True).click()
    dialog = page.get_by_role("dialog", name="Overview")
    expect(dialog.locator("dd").first).to_be_visible()
    return dialog


def figure(dialog: Locator, name: str) -> Locator:
    return dialog.locator("dl > div", has=dialog.page.get_by_text(name, exact=True)).locator("dd")


def test_what_was_done_today(open_page: OpenPage, done: int) -> None:
    dialog = open_overview(open_page())
    assert int(figure(dialog, "pages read").inner_text().replace(",", "")) >= done
    assert int(figure(dialog, "documents done").inner_text()) >= 1
    expect(figure(dialog, "average wait")).to_contain_text("s")
    bars = dialog.get_by_role("slider", name="Pages by tier")
    expect(bars.locator("[data-series=flash]").last).to_be_visible()
    assert "Flash" in (bars.get_attribute("aria-valuetext") or "")
    expect(dialog.get_by_role("heading", name="Engine states")).to_be_hidden()


@pytest.mark.slow
def test_the_bars_can_be_read_with_the_keyboard_and_the_pointer(open_page: OpenPage, done: int) -> None:
    dialog = open_overview(open_page())
    bars = dialog.get_by_role("slider", name="Pages by tier")
    bars.focus()
    last = bars.get_attribute("aria-valuetext")
    for key in ("ArrowLeft", "ArrowLeft"):
        bars.press(key)
    assert bars.get_attribute("aria-valuenow") == "22" and bars.get_attribute("aria-valuetext") != last
    bars.press("Home")
    assert bars.get_attribute("aria-valuenow") == "0"
    bars.press("End")
    assert bars.get_attribute("aria-valuetext") == last
    bars.blur()
    box = bars.bounding_box()
    assert box
    bars.hover(position={"x": 60, "y": 40})
    assert int(bars.get_attribute("aria-valuenow") or 99) < 3
    bars.hover(position={"x": box["width"] - 12, "y": 40})
    assert bars.get_attribute("aria-valuenow") == "23"


@pytest.mark.slow
def test_thirty_days_are_remembered_and_told_in_chinese(open_page: OpenPage, done: int) -> None:
    page = open_page()
    dialog = open_overview(page)
    dialog.get_by_role("button", name="30 days").click()
    bars = dialog.get_by_role("slider", name="Pages by tier")
    expect(bars).to_have_attribute("aria-valuemax", "29")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="概览").click()
    dialog = page.get_by_role("dialog", name="概览")
    expect(dialog.get_by_role("button", name="30 天")).to_have_attribute("aria-pressed", "true")
    expect(dialog.get_by_role("slider", name="页数（按档位）")).to_have_attribute("aria-valuemax", "29")
    expect(dialog.get_by_text("已完成文档")).to_be_visible()


@pytest.mark.slow
def test_the_engine_has_bars_where_there_was_one(server: LiveServer, open_page: OpenPage, done: int) -> None:
    hour = int(time.time() // 3600)
    rows = [(hour - 5, "ready", 1800.0, 18 << 30, 24 << 30), (hour - 5, "asleep", 1800.0, 1 << 30, 24 << 30)]
    note(server.data / "queue.db", rows)
    try:
        dialog = open_overview(open_page())
        bars = dialog.get_by_role("slider", name="Engine states")
        expect(bars.locator("[data-series=ready]")).to_have_count(1)
        expect(dialog.get_by_text("Peak card memory: 18 of 24 GB")).to_be_visible()
    finally:
        note(server.data / "queue.db", [])


def test_the_machines_of_a_cluster_are_listed(open_page: OpenPage) -> None:
    """What the head of a cluster tells, put into the answer of a server without one."""
    lost = {"id": "n1", "name": "lab-1", "address": "10.0.0.1", "status": "lost", "why": "No answer for 6 s."}
    idle = {"since": None, "slots": {"compute": 8, "vision": 0}, "busy": {"compute": 0, "vision": 0}}
    told = {**lost, **idle, "pages": 0, "versions": {}, "engine": {}, "cards": []}
    page = open_page()
    telling(page, "**/api/v1/cluster", lambda answer: answer.update(address="10.0.0.9:6379", machines=[told]))
    dialog = open_overview(page)
    expect(dialog.get_by_role("heading", name="Machines")).to_be_visible()
    machine = dialog.locator(".mo-server")
    expect(machine).to_have_count(1)
    expect(machine).to_contain_text("lab-1")
    expect(machine).to_contain_text("No answer for 6 s.")


def note(database: Path, rows: Sequence[tuple[object, ...]]) -> None:
    """What the engine did, as the service would have noted it; nothing removes it."""
    with sqlite3.connect(database, timeout=20) as db:
        db.execute("DELETE FROM engine_history")
        db.executemany("INSERT INTO engine_history VALUES (?, ?, ?, ?, ?)", rows)
    db.close()


@pytest.mark.parametrize("width", first_then_long(1280, 390))
def test_it_fits(open_page: OpenPage, done: int, width: int) -> None:
    page = open_page(viewport={"width": width, "height": 800})
    dialog = open_overview(page)
    body = dialog.locator("[data-part=body]")
    assert body.evaluate("node => node.scrollWidth <= node.clientWidth"), "nothing to scroll sideways"
    for bar in dialog.get_by_role("slider").all():
        drawn = bar.locator("svg").evaluate("node => node.getBoundingClientRect().right")
        assert drawn <= width
