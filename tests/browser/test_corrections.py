"""A paragraph and a cell are corrected on the page, by mouse and by keyboard alone, and brought back."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watch
from tests.browser.test_axe import Eye
from tests.live import LiveServer

pytestmark = pytest.mark.browser

PAGE = b"""# Annual report

The frist paragraph of this report.

| Year | Sum |
| ---- | --- |
| 2024 | 1O5 |
"""


def blocks(server: LiveServer, task: dict[str, Any]) -> dict[str, str]:
    """The address of each block in REST, by what it says."""
    here = f"/api/v1/tasks/{task['id']}/pages/1"
    found = server.client.get(here).json()["blocks"]
    return {each["markdown"]: f"{here}/blocks/{each['id'].partition('-')[2]}" for each in found}


def test_a_paragraph_and_a_cell_are_corrected_and_brought_back(
    server: LiveServer, page: Page, watch: Watch
) -> None:
    watch.refused.append("/blocks/")  # 409 twice: somebody else was quicker
    task = server.end(server.submit("corrected.md", PAGE))
    page.goto(f"{server.url}/#task={task['id']}&page=1")
    text, form = page.locator("#mo-text"), page.get_by_role("dialog")
    text.get_by_text("The frist paragraph").dblclick()
    field, eye = form.get_by_label("Text"), Eye(page)
    expect(field).to_have_value("The frist paragraph of this report.")
    expect(field).to_be_focused()
    field.fill("The first paragraph of this report.")
    page.keyboard.press("Escape")
    expect(form).to_be_hidden()

    # what was typed is there again; meanwhile somebody else changes the same block
    text.get_by_text("The frist paragraph").hover()
    page.get_by_role("button", name="Correct this block").click()
    expect(field).to_have_value("The first paragraph of this report.")
    path = blocks(server, task)["The frist paragraph of this report."]
    rev = server.client.get(path).json()["rev"]
    assert server.client.patch(path, json={"rev": rev, "text": "Theirs."}).status_code == 200
    form.get_by_role("button", name="Save").click()
    expect(form.get_by_text("Somebody has changed this block meanwhile")).to_be_visible()
    expect(form.get_by_text("Theirs.", exact=True)).to_be_visible()
    form.get_by_role("button", name="Keep mine").click()
    expect(form).to_be_hidden()
    expect(text.get_by_text("The first paragraph of this report.")).to_be_visible()

    # a cell, by keyboard alone, while another block changes
    text.get_by_text("The first paragraph").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    cell = form.get_by_label("Row 2, cell 2")
    eye.look("the form of a table")
    expect(cell).to_have_value("1O5")
    heading = blocks(server, task)["# Annual report"]
    change = {"rev": server.client.get(heading).json()["rev"], "level": 2}
    assert server.client.patch(heading, json=change).status_code == 200
    cell.fill("105")
    page.keyboard.press("Control+Enter")
    expect(form).to_be_hidden()
    expect(text.get_by_role("cell", name="105")).to_be_visible()
    page.reload()
    expect(text.get_by_role("cell", name="105")).to_be_visible()
    expect(text.get_by_text("The first paragraph of this report.")).to_be_visible()
    eye.look("a corrected page")
    markdown = httpx.get(f"{server.url}/api/v1/tasks/{task['id']}/result").text
    assert "105" in markdown and "## Annual report" in markdown and "frist" not in markdown

    text.get_by_text("The first paragraph").dblclick()
    form.get_by_text("Show the original").click()
    eye.look("the form of a paragraph")
    expect(form.get_by_text("The frist paragraph of this report.")).to_be_visible()
    form.get_by_role("button", name="Bring back the original").click()
    expect(text.get_by_text("The frist paragraph of this report.")).to_be_visible()
    expect(text.get_by_text("The first paragraph")).to_have_count(0)
    text.get_by_role("cell", name="105").dblclick()
    expect(cell).to_be_focused()
    assert eye.found == []
