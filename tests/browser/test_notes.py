"""Notes on a result: a sentence in the row and in the reader, all of them with their pages on request."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, row
from tests.browser.test_axe import PHONE, Eye
from tests.browser.test_engine import telling
from tests.browser.test_look import overflow
from tests.documents import text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.browser

LONG = "Words are missing: " + "Donaudampfschifffahrtsgesellschaftskapitän" * 8
NOTES = [
    {"code": "text_left_out", "pages": "3-4", "message": LONG},
    {"code": "handwriting", "pages": "7", "message": "Handwriting was not read."},
    {"code": "of_a_newer_server", "pages": "", "message": "<b>Something</b> new."},
]


@pytest.fixture(scope="module")
def noted(server: LiveServer) -> str:
    """A document that was read."""
    task = server.submit("noted.pdf", text_pdf(2, seed=160), tier="flash")
    server.end(task)
    return task


def with_notes(page: Page, task: str) -> None:
    """From now on the server's answers have notes on this document."""

    def change(body: Any) -> None:
        for found in body.get("tasks", [body]):
            if found.get("id") == task:
                found["notes"] = NOTES

    telling(page, re.compile(rf"/api/v1/tasks(\?|/{task}$)"), change)
    page.goto(f"{page.url.partition('#')[0]}#task={task}")
    page.reload()


def test_a_note_is_seen_in_the_row_and_all_of_them_in_the_reader(open_page: OpenPage, noted: str) -> None:
    page = open_page()
    expect(row(page, "noted.pdf")).not_to_contain_text("Page")
    with_notes(page, noted)
    expect(row(page, "noted.pdf")).to_contain_text("Pages 3-4: Words are missing")
    expect(row(page, "noted.pdf")).to_contain_text("(and 2 more)")
    reader = page.locator("#mo-reader")
    items = reader.get_by_role("listitem")
    expect(items).to_have_count(0)
    reader.get_by_text("Pages 3-4").first.click()
    expect(items).to_have_text(
        [f"Pages 3-4: {LONG}", "Page 7: Handwriting was not read.", "<b>Something</b> new."]
    )
    eye = Eye(page)
    eye.look("notes")
    assert eye.found == []


@pytest.mark.slow
def test_on_a_phone_and_in_chinese(open_page: OpenPage, noted: str) -> None:
    page = open_page(locale="zh-CN", viewport=PHONE)
    with_notes(page, noted)
    reader = page.locator("#mo-reader")
    reader.get_by_text("另有 2 条").click()
    expect(reader.get_by_role("listitem").nth(1)).to_contain_text("第 7 页：手写内容未识别")
    expect(reader.get_by_role("listitem").nth(2)).to_have_text("<b>Something</b> new.")
    assert overflow(page) <= 0
    eye = Eye(page)
    eye.look("notes on a phone")
    page.get_by_role("button", name="文档：显示列表").click()
    expect(row(page, "noted.pdf")).to_contain_text("第 3-4 页：部分可见文字不在结果中")
    eye.look("notes in the list on a phone")
    assert eye.found == []
