"""The reader as a viewer: boxes and their text, zoom, keys, ways of showing, search, the strip of pages."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage, Watch
from tests.documents import many_pages_pdf, paper_pdf, text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.browser

WIDE = {"width": 1600, "height": 900}
#: every kind of block, as MinerU writes it, and what of it is seen in the text
BLOCKS = [
    ("doc_title", "# The cost of < and >", "The cost of < and >"),
    ("text", "Plain words of 5 $ and **bold** ones, 3 \\$.", "Plain words of 5 $ and bold ones, 3 $."),
    ("list", "- first\n- second", "first"),
    ("list", "1. one\n2. two", "one"),
    ("equation", "$$\na < b \\frac{c}{d}\n$$", "a"),
    ("table", "<table><tr><td>left cell</td><td>right</td></tr></table>", "left cell"),
    ("table", "| head |\n| --- |\n| body cell |", "body cell"),
    ("code", "```python\nprint('code')\n```", "print"),
    ("image", "<details>\n<summary>image content</summary>\n\nhidden words\n</details>", "image content"),
    ("text", "Last words, and $x<y$ in them.", "Last words"),
]


def record(blocks: list[tuple[str, str]]) -> dict[str, Any]:
    """A page as the server tells it, its blocks one below the other."""
    height = 1 / (len(blocks) + 1)
    listed = [
        {
            "id": f"1-{index}",
            "type": kind,
            "bbox": [0.1, index * height, 0.9, (index + 0.8) * height],
            "markdown": markdown,
            "auxiliary": kind == "header",
        }
        for index, (kind, markdown) in enumerate(blocks)
    ]
    body = [markdown for kind, markdown in blocks if kind != "header"]
    return {"page": 1, "width": 595, "height": 842, "markdown": "\n\n".join(body), "blocks": listed}


def boxes(page: Page) -> Locator:
    return page.locator(".mo-box")


def lit(page: Page) -> Locator:
    """What is lit of the text."""
    return page.locator("#mo-text .mo-lit")


@pytest.fixture(scope="module")
def paper(server: LiveServer) -> str:
    """The id of a converted paper."""
    task = server.submit("boxes.pdf", paper_pdf(3, seed=41))
    server.end(task)
    return task


def test_boxes_and_text_light_each_other(open_page: OpenPage, paper: str) -> None:
    page = open_page(f"/#task={paper}", viewport=WIDE)
    text = page.locator("#mo-text")
    expect(text).to_contain_text("Here stands marker 1")
    first = page.get_by_role("button", name=re.compile("^Text: Here stands marker 1"))
    first.hover()
    expect(first).to_have_class(re.compile("mo-lit"))
    expect(lit(page)).to_have_count(1)
    expect(lit(page)).to_contain_text("Here stands marker 1")

    text.locator("img").first.hover()
    figure = page.get_by_role("button", name=re.compile("^Figure")).first
    expect(figure).to_have_class(re.compile("mo-lit"))
    expect(first).not_to_have_class(re.compile("mo-lit"))

    # a page that is larger than its pane: a click brings the other side into view
    page.keyboard.press("0")
    last = text.locator("p").filter(has_text=re.compile("^(?!Here).{200}")).first
    page.locator(".mo-scroll").evaluate("pane => pane.scrollTo(0, 0)")
    last.click()
    expect(page.locator(".mo-box.mo-lit")).to_be_in_viewport()


def test_each_kind_of_block_finds_its_text(open_page: OpenPage, paper: str) -> None:
    page = open_page(viewport=WIDE)
    told = record([(kind, markdown) for kind, markdown, _ in BLOCKS] + [("header", "Running head")])
    page.route("**/pages/1", lambda route: route.fulfill(json=told))
    page.goto(page.url + f"#task={paper}")
    expect(boxes(page)).to_have_count(len(BLOCKS) + 1)
    expect(page.locator("#mo-text .katex").first).to_be_visible()
    for index, (kind, _, words) in enumerate(BLOCKS):
        boxes(page).nth(index).hover()
        expect(lit(page), kind).to_have_count(1)
        expect(lit(page), kind).to_contain_text(words)
    boxes(page).nth(len(BLOCKS)).hover()
    expect(lit(page)).to_have_count(0)
    # the marks leave no trace that a reader could see
    assert "mo-at" not in page.locator("#mo-text").inner_text()


def test_code_that_does_not_end_is_shown_without_links(open_page: OpenPage, paper: str) -> None:
    page = open_page(viewport=WIDE)
    told = record([("text", "Before."), ("code", "```\nnever closed"), ("text", "After.")])
    page.route("**/pages/1", lambda route: route.fulfill(json=told))
    page.goto(page.url + f"#task={paper}")
    expect(page.locator("#mo-text")).to_contain_text("never closed")
    expect(page.locator("#mo-text")).to_contain_text("After.")
    expect(page.locator("#mo-text")).not_to_contain_text("mo-at")


def test_boxes_with_the_keyboard_and_without_boxes(open_page: OpenPage, paper: str) -> None:
    page = open_page(f"/#task={paper}", viewport=WIDE)
    expect(page.locator("#mo-text")).to_contain_text("Here stands marker 1")
    page.locator(".mo-scroll").focus()
    page.keyboard.press("Tab")
    expect(boxes(page).first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(boxes(page).nth(1)).to_be_focused()
    expect(lit(page)).to_contain_text("Here stands marker 1")

    switch = page.get_by_role("button", name="Boxes around recognised regions")
    expect(switch).to_have_attribute("aria-pressed", "true")
    switch.click()
    expect(boxes(page).first).to_be_hidden()
    page.reload()
    expect(page.locator("#mo-text")).to_contain_text("Here stands marker 1")
    expect(boxes(page).first).to_be_hidden()
    page.keyboard.press("b")
    expect(boxes(page).first).to_be_visible()


def test_on_a_phone_a_box_leads_to_its_text(open_page: OpenPage, paper: str) -> None:
    # with a finger: a mouse would be over some other text after that, and light it
    page = open_page(f"/#task={paper}", viewport={"width": 390, "height": 844}, has_touch=True)
    expect(page.locator("#mo-text")).to_contain_text("Here stands marker 1")
    page.get_by_role("tab", name="Original").tap()
    expect(page.locator(".mo-paper").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes(page).last.tap()
    expect(page.get_by_role("tab", name="Text")).to_have_attribute("aria-selected", "true")
    expect(lit(page)).to_be_in_viewport()


def test_zoom_and_fit(open_page: OpenPage, paper: str) -> None:
    page = open_page(f"/#task={paper}", viewport=WIDE)
    paper_on_desk = page.locator(".mo-paper").first

    def size(side: str = "width") -> float:
        found = paper_on_desk.bounding_box()
        assert found
        return found[side]  # type: ignore[literal-required]

    expect(page.locator("#mo-text")).to_contain_text("Here stands marker 1")
    fitted = size()
    page.get_by_role("button", name="Zoom in").click()
    expect(page.get_by_role("button", name="Fit the width")).to_have_attribute("aria-pressed", "false")
    assert size() > fitted
    page.keyboard.press("-")
    page.keyboard.press("-")
    assert size() < fitted
    page.keyboard.press("0")
    assert abs(size() - 595.28 * 96 / 72) < 1
    expect(page.get_by_role("button", name="Zoom: 100 %")).to_be_visible()
    page.get_by_role("button", name="Fit the page").click()
    pane = page.locator(".mo-scroll").bounding_box()
    assert pane and size("height") <= pane["height"]
    page.reload()
    expect(page.get_by_role("button", name="Fit the page")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("f")
    expect(page.get_by_role("button", name="Fit the width")).to_have_attribute("aria-pressed", "true")


def test_keys_turn_pages_and_walk_through_documents(open_page: OpenPage, server: LiveServer) -> None:
    for number in (1, 2):
        server.end(server.submit(f"walk {number}.pdf", text_pdf(3, seed=50 + number)))
    page = open_page()
    page.locator(".mo-row-name").filter(has_text="walk 2.pdf").click()
    text = page.locator("#mo-text")
    expect(text).to_contain_text("marker 1 stands")
    page.keyboard.press("PageDown")
    expect(text).to_contain_text("marker 2 stands")
    page.keyboard.press("ArrowRight")
    expect(text).to_contain_text("marker 3 stands")
    page.keyboard.press("PageUp")
    expect(text).to_contain_text("marker 2 stands")
    title = page.locator("#mo-reader-title")
    page.keyboard.press("j")
    expect(title).to_have_text("walk 1.pdf")
    page.keyboard.press("k")
    expect(title).to_have_text("walk 2.pdf")

    page.locator("#mo-queue input[type=search]").fill("jk")
    page.keyboard.press("j")
    expect(title).to_have_text("walk 2.pdf")
    page.locator("#mo-queue input[type=search]").fill("")

    page.locator("#mo-text").focus()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Previous or next page")
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="快捷键").click()
    expect(page.get_by_role("dialog", name="快捷键")).to_contain_text("上一页或下一页")


def test_three_ways_of_showing_are_copied(open_page: OpenPage, paper: str) -> None:
    page = open_page(f"/#task={paper}", permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator("#mo-text")).to_contain_text("Here stands marker 1")
    held = "navigator.clipboard.readText()"

    page.get_by_role("button", name="Copy the text of this page").click()
    expect(page.get_by_text("Copied").last).to_be_visible()
    plain = page.evaluate(held)
    assert "Here stands marker 1" in plain and "![](" not in plain

    page.get_by_role("tab", name="Markdown").click()
    page.get_by_role("button", name="Copy the Markdown of this page").click()
    page.wait_for_function(f"async () => (await {held}).includes('![](images/')")

    page.get_by_role("tab", name="JSON").click()
    expect(page.locator("#mo-text")).to_contain_text('"type": "image"')
    page.get_by_role("button", name="Copy the JSON of this page").click()
    page.wait_for_function(f"async () => (await {held}).startsWith('{{')")
    assert json.loads(page.evaluate(held))["page"] == 1
    page.get_by_role("button", name="Next page").click()
    expect(page.locator("#mo-text")).to_contain_text('"page": 2')


def test_search_finds_on_all_pages_and_marks_both_sides(open_page: OpenPage, paper: str) -> None:
    page = open_page(f"/#task={paper}", viewport=WIDE)
    text = page.locator("#mo-text")
    expect(text).to_contain_text("Here stands marker 1")
    page.keyboard.press("/")
    field = page.get_by_role("searchbox", name="Search in this document")
    expect(field).to_be_focused()
    page.keyboard.type("STANDS  marker")
    hits = page.locator(".mo-hits button")
    expect(hits).to_have_count(3)
    expect(page.get_by_text("1 of 3")).to_be_visible()
    expect(hits.nth(2)).to_have_accessible_name(re.compile("^Page 3: Here stands marker 3"))
    marked = "[...(CSS.highlights.get('mo-hit') ?? [])].map(String).join()"
    page.wait_for_function(f"() => {marked} === 'stands marker'")
    expect(page.locator(".mo-box[data-hit=now]")).to_have_count(1)

    page.keyboard.press("Enter")
    expect(text).to_contain_text("Here stands marker 2")
    expect(page.get_by_text("2 of 3")).to_be_visible()
    page.wait_for_function(f"() => {marked} === 'stands marker'")
    page.get_by_role("button", name="Previous hit").click()
    expect(text).to_contain_text("Here stands marker 1")
    hits.nth(2).click()
    expect(text).to_contain_text("Here stands marker 3")
    expect(page.locator(".mo-box[data-hit=now]")).to_have_count(1)

    field.fill("nowhere to be found")
    expect(page.get_by_text("Not found in the pages that are read")).to_be_visible()
    expect(hits).to_have_count(0)
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(page.locator(".mo-box[data-hit]")).to_have_count(0)
    assert page.evaluate("CSS.highlights.size") == 0


def test_a_thousand_pages_load_only_what_is_seen(
    open_page: OpenPage, server: LiveServer, watch: Watch
) -> None:
    watch.refused.append("/pages/")  # pages that are not read yet
    task = server.submit("thousand.pdf", many_pages_pdf(1000))
    try:
        server.until(task, pages_done=1)
        asked: list[str] = []
        page = open_page(viewport=WIDE)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(page.url + f"#task={task}")
        strip = page.get_by_role("navigation", name="Pages")
        seen = strip.get_by_role("button")
        expect(strip.locator("[aria-current=page]")).to_have_text("1")
        expect(strip.locator("img").first).to_have_attribute("src", re.compile("/pages/1.png"))
        strip.evaluate("strip => strip.scrollTo(0, strip.scrollHeight)")
        last = strip.get_by_role("button", name="Page 1000")
        expect(last).to_be_visible()
        assert seen.count() < 15
        last.click()
        expect(page.get_by_role("textbox", name="Page", exact=True)).to_have_value("1000")
        expect(last).to_have_attribute("aria-current", "page")
        last.press("ArrowUp")
        expect(strip.get_by_role("button", name="Page 999")).to_be_focused()
        small = [url for url in asked if "width=160" in url]
        assert 1 <= len(small) < 30 and len([url for url in asked if "/pages/" in url]) < 50

        switch = page.get_by_role("button", name="Strip of pages")
        switch.click()
        expect(strip).to_be_hidden()
        page.reload()
        expect(page.locator("#mo-reader-title")).to_have_text("thousand.pdf")
        expect(switch).to_have_attribute("aria-pressed", "false")
    finally:
        server.client.post(f"/api/v1/tasks/{task}/cancel")
