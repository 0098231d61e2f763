"""How the page looks and speaks: widths, languages, colours, keyboard; what hostile documents cannot do."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from gradio_app.base.errors import BY_CODE
from tests.browser.conftest import PATIENCE, OpenPage, Watch, choose, row
from tests.documents import paper_pdf, text_pdf, web_page
from tests.live import ROOT, LiveServer

pytestmark = pytest.mark.browser

#: what a document's Markdown might hold; each would set ``__pwned`` or fetch something if it could
HOSTILE = """# Fine
<script>window.__pwned = 1</script>
<img src=x onerror="window.__pwned = 2"> <svg onload="window.__pwned = 3"></svg>
<a href="javascript:window.__pwned = 4" id="bait">click</a>
<iframe srcdoc="<script>parent.__pwned = 5</script>"></iframe>
<input autofocus onfocus="window.__pwned = 6">
<form action="/api/v1/queue/pause" method="post"><button>Go on</button></form>

![out](https://tracker.example/a.png) <img alt="x" src="https://tracker.example/b.png">

![ref][pic]

<video poster="https://tracker.example/c.png"></video> <style>body { display: none }</style>
<div style="position:fixed;inset:0;z-index:99999;background:url(https://tracker.example/d.png)">cover</div>

[pic]: https://tracker.example/e.png
"""


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


@pytest.mark.slow
def test_nothing_sticks_out_at_any_width(open_page: OpenPage, server: LiveServer) -> None:
    name = "a rather long name of a document that somebody has chosen with great care.pdf"
    task = server.submit(name, text_pdf(2, seed=21))
    server.end(task)
    page = open_page(f"/#task={task}", viewport={"width": 360, "height": 844})
    expect(page.locator("#mo-text")).to_contain_text("marker 1 stands")
    for width in (360, 390, 768, 1280, 1920):
        page.set_viewport_size({"width": width, "height": 844})
        assert overflow(page) <= 0
        for label in ("Add documents", "Next page", "Download", "Copy link"):
            box = page.get_by_role("button", name=label, exact=True).bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= width, (label, width)


def test_on_a_phone_all_tools_stay_in_the_first_line(open_page: OpenPage) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    mark = page.locator(".mo-mark").bounding_box()
    for name in ("Overview", "中文", "Colours: as the system. Switch to light"):
        tool = page.get_by_role("button", name=name, exact=True).bounding_box()
        assert mark and tool and tool["y"] < mark["y"] + mark["height"], name


def test_chinese_is_remembered(page: Page, server: LiveServer) -> None:
    server.end(server.submit("some.pdf", text_pdf(1, seed=23)))
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("button", name="添加文档")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    page.reload()
    expect(page.get_by_role("button", name="添加文档")).to_be_visible()


def test_the_browsers_language_is_used(open_page: OpenPage, server: LiveServer) -> None:
    server.end(server.submit("empty.docx", b"PK\x03\x04 nothing else"))
    page = open_page(locale="zh-CN")
    failed = row(page, "empty.docx").first
    expect(failed).to_contain_text("失败")
    expect(failed).to_contain_text("不支持该类型的文件")


@pytest.mark.slow
def test_dark_follows_the_system_until_chosen(open_page: OpenPage) -> None:
    page = open_page(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    expect(page.locator("body")).to_have_class(re.compile(r"\bdark\b"))
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Colours: as the system").click()
    expect(page.locator("body")).not_to_have_class(re.compile(r"\bdark\b"))
    assert page.evaluate(ground) != dark
    page.reload()
    expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
    expect(page.locator("body")).not_to_have_class(re.compile(r"\bdark\b"))


def test_hostile_documents_stay_text(page: Page, watch: Watch) -> None:
    watch.told.append("Content Security Policy")
    watch.refused += ["/x", "/pages/1"]
    name = "<img src=x onerror=window.__pwned=7>.html"
    record = {"page": 1, "width": None, "height": None, "markdown": HOSTILE, "blocks": []}
    page.route("**/pages/1", lambda route: route.fulfill(json=record))
    choose(page, (name, web_page()))
    mine = page.locator(".mo-row").filter(has_text="onerror=window.__pwned=7")
    expect(mine).to_contain_text("Done", timeout=PATIENCE)
    expect(page.locator("#mo-reader-title")).to_have_text(name)
    expect(page.locator("#mo-text h1")).to_have_text("Fine")
    expect(page.locator("#mo-text")).to_contain_text("picture on tracker.example, not loaded")

    page.locator("#bait").dispatch_event("click")
    page.locator("#mo-text form button").dispatch_event("click")
    page.get_by_role("tab", name="Markdown").click()  # its cover does not reach beyond its own box
    expect(page.locator("#mo-text pre").first).to_contain_text("window.__pwned = 1")
    assert page.evaluate("window.__pwned") is None
    expect(page.locator("#mo-bar")).to_contain_text("Ready")
    # that nothing was fetched from tracker.example is seen by the watch


def test_a_lost_connection_is_said_and_mended(page: Page) -> None:
    bar = page.locator("#mo-bar")
    expect(bar).to_contain_text("Ready")
    page.context.set_offline(True)
    expect(bar).to_contain_text("No connection to the server", timeout=PATIENCE)
    page.context.set_offline(False)
    expect(bar).to_contain_text("Ready", timeout=PATIENCE)


@pytest.mark.slow
def test_what_a_lost_connection_broke_off_goes_on(page: Page, server: LiveServer, watch: Watch) -> None:
    task = server.submit("still here.pdf", paper_pdf(10, seed=26))
    server.end(task)
    row(page, "still here.pdf").get_by_role("link").click()
    expect(page.get_by_text("Here stands marker 1").last).to_be_visible()
    page.context.set_offline(True)
    choose(page, ("sent when back.pdf", text_pdf(1, seed=27)))
    expect(row(page, "sent when back.pdf")).to_contain_text("Not uploaded")
    # pages beside the one that is read are there already
    page.get_by_role("textbox", name="Page", exact=True).fill("8")
    page.keyboard.press("Enter")
    failed = page.get_by_text("The picture of this page cannot be shown.").locator("visible=true")
    expect(failed.first).to_be_visible()
    page.context.set_offline(False)
    expect(row(page, "sent when back.pdf")).to_contain_text("Done", timeout=PATIENCE)
    expect(page.get_by_text("Here stands marker 8").last).to_be_visible()
    picture = page.get_by_role("img", name="Page 8 of the original")
    expect(picture).to_be_visible()
    page.wait_for_function("image => image.naturalWidth > 0", arg=picture.element_handle())


@pytest.mark.slow
def test_it_works_with_the_keyboard_alone(page: Page, server: LiveServer) -> None:
    server.end(server.submit("keys.pdf", text_pdf(2, seed=22)))
    link = row(page, "keys.pdf").get_by_role("link")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#mo-text")).to_contain_text("marker 1 stands")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#mo-text")).to_contain_text("marker 2 stands")
    expect(link).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Markdown")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitem", name="Everything as ZIP")).to_be_focused()
    page.keyboard.press("Escape")
    expect(row(page, "keys.pdf").get_by_role("button", name="Download: keys.pdf")).to_be_focused()


def test_the_bar_can_be_skipped(page: Page, server: LiveServer) -> None:
    server.end(server.submit("behind the bar.pdf", text_pdf(2, seed=24)))
    link = row(page, "behind the bar.pdf").get_by_role("link")
    expect(link).to_be_visible()
    page.keyboard.press("Tab")
    skip = page.get_by_role("button", name="Skip to the documents")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    page.keyboard.press("Home")
    expect(link).to_be_focused()
    expect(skip).not_to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#mo-text")).to_contain_text("marker 1 stands")
    page.get_by_role("button", name="Skip to the open document").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Text")).to_be_focused()


@pytest.mark.slow
def test_a_box_to_tick_shows_that_it_has_the_focus(page: Page, server: LiveServer) -> None:
    server.end(server.submit("ticked.pdf", text_pdf(1, seed=25)))
    tick = page.get_by_role("checkbox", name="Select ticked.pdf")
    row(page, "ticked.pdf").get_by_role("link").focus()
    page.keyboard.press("Shift+Tab")
    expect(tick).to_be_focused()
    ring = tick.evaluate(
        """box => {
            const style = getComputedStyle(box);
            return [style.outlineStyle, parseFloat(style.outlineWidth), style.opacity];
        }"""
    )
    assert ring == ["solid", 2, "1"]


def test_one_heading_and_named_controls(page: Page) -> None:
    assert page.locator("h1").count() == 1
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll(".mo-pane button, .mo-pane input, .mo-pane select")]
            .filter((node) => !node.hidden && node.type !== "file" && node.offsetParent)
            .filter((node) => !(node.ariaLabel || node.textContent.trim() || node.labels?.length))
            .map((node) => node.outerHTML)"""
    )
    assert unnamed == []


def test_every_error_has_a_chinese_sentence() -> None:
    texts = (ROOT / "gradio_app/web/ui/assets/common/texts.js").read_text("utf-8")
    chinese = texts[texts.index("ERRORS_ZH") :]
    assert [code for code in BY_CODE if not re.search(rf"^  {code}: ", chinese, re.MULTILINE)] == []
