"""Use from code: what the dialog shows is copied from it and run as it stands."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import OpenPage, adding, arrived, row
from tests.documents import paper_pdf, text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.browser

CLIENT = Path(__file__).resolve().parents[2] / "client"
#: gradio_client calls a hub at its start, unless it is told not to
ENV = {**os.environ, "PYTHONPATH": str(CLIENT), "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


def opened(page: Page) -> None:
    page.get_by_role("button", name="Use from code").click()
    expect(page.get_by_role("dialog", name="Use from code")).to_be_visible()


def copied(page: Page, way: str) -> list[str]:
    """What the buttons of a tab put into the clipboard; it is what stands there."""
    page.get_by_role("tab", name=way, exact=True).click()
    found: list[str] = []
    for block in page.locator(".mo-code-block").all():
        block.get_by_role("button").click()
        expect(block.get_by_role("button")).to_contain_text("Copied")
        found.append(page.evaluate("navigator.clipboard.readText()"))
        assert found[-1] == block.locator("code").inner_text()
    return found


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, env=ENV, capture_output=True, timeout=120, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(text: str) -> None:
    """Only the page that was chosen."""
    assert "marker 2" in text and "marker 1" not in text, text


def test_what_is_shown_runs_as_it_stands(open_page: OpenPage, server: LiveServer, tmp_path: Path) -> None:
    (tmp_path / "document.pdf").write_bytes(paper_pdf(2, seed=118))
    server.end(server.submit("before.pdf", text_pdf(1, seed=120)))
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    expect(row(page, "before.pdf")).to_be_visible()
    adding(page)
    page.get_by_role("combobox", name="Quality").select_option("flash")
    page.get_by_role("textbox", name="Pages").fill(" 2 ")
    page.get_by_role("combobox", name="OCR").select_option("txt")
    opened(page)
    one, later = copied(page, "curl")
    assert "YOUR_KEY" not in one, "nobody is asked for a key here"
    run(tmp_path, "bash", "-ec", one)
    check(json.loads((tmp_path / "document.json").read_text())["markdown"])
    run(tmp_path, "bash", "-ec", later)
    check((tmp_path / "document.md").read_text())
    for way, count in (("Python", 2), ("gradio_client", 1)):
        programs = copied(page, way)
        assert len(programs) == count
        for program in programs:
            check(run(tmp_path, sys.executable, "-c", program))
    [config] = copied(page, "MCP")
    url = json.loads(config)["mcpServers"]["mineru"]["url"]
    with ThreadPoolExecutor(1) as pool:  # this thread has Playwright's loop
        assert "convert" in pool.submit(lambda: asyncio.run(names_of_tools(url))).result()
    shown = copied(page, "Other tools")
    assert [text for text in shown if server.url not in text] == []
    assert any("--tier flash" in text for text in shown)


async def names_of_tools(url: str) -> list[str]:
    async with (
        streamable_http_client(url) as (reading, writing, _),
        ClientSession(reading, writing) as session,
    ):
        await session.initialize()
        return [tool.name for tool in (await session.list_tools()).tools]


def test_by_keyboard_on_a_phone_in_chinese(open_page: OpenPage, server: LiveServer) -> None:
    server.end(server.submit("before.pdf", text_pdf(1, seed=120)))
    page = open_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
    page.get_by_role("button", name="添加文档").click()
    use = page.get_by_role("button", name="通过代码使用")
    use.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="通过代码使用")
    expect(dialog).to_be_in_viewport()
    expect(dialog.get_by_role("button", name="关闭")).to_be_in_viewport()
    page.get_by_role("tab", name="curl").focus()
    for name in ("Python", "gradio_client", "MCP", "其他工具"):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name=name)).to_be_focused()
        expect(page.get_by_role("tabpanel", name=name)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert dialog.evaluate("(node) => node.scrollWidth - node.clientWidth") <= 0
    # where the browser has no clipboard of its own: a page that comes over a plain network
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    first = page.locator(".mo-code-block").first.get_by_role("button")
    first.press("Enter")
    expect(first).to_contain_text("已复制")
    expect(first).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(use).to_be_focused()


@pytest.mark.slow
def test_a_key_is_never_the_real_one(house: LiveServer, browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "document.pdf").write_bytes(paper_pdf(1, seed=119))
    context = browser.new_context(locale="en-US", permissions=["clipboard-read", "clipboard-write"])
    try:
        page = context.new_page()
        page.goto(f"{house.url}/?token=shared")
        arrived(page)
        page.locator("body.mo-empty").wait_for()  # whose documents are its own
        opened(page)
        for way in ("curl", "Python", "gradio_client", "MCP"):
            for text in copied(page, way):
                assert "YOUR_KEY" in text and "shared" not in text
        [one, _] = copied(page, "curl")
    finally:
        context.close()
    run(tmp_path, "bash", "-ec", one.replace("YOUR_KEY", "shared"))
    assert "marker 1" in json.loads((tmp_path / "document.json").read_text())["markdown"]
