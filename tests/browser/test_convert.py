"""The way of a document over the page: choose it, watch it, read it, stop it, delete it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, OpenPage, Watch, adding, choose, row
from tests.documents import encrypted_pdf, paper_pdf, text_pdf, word
from tests.live import LiveServer

pytestmark = pytest.mark.browser


def test_two_files_are_converted_and_can_be_read(page: Page) -> None:
    choose(page, ("first report.pdf", paper_pdf(2)), ("letter.docx", word("Dear reader, hello.")))
    for name in ("first report.pdf", "letter.docx"):
        expect(row(page, name)).to_contain_text("Done", timeout=PATIENCE)
    expect(row(page, "first report.pdf")).to_contain_text("2 pages")

    # the first one that was chosen is open already
    expect(page.get_by_role("heading", name="first report.pdf")).to_be_visible()
    text = page.locator("#mo-text")
    expect(text).to_contain_text("Here stands marker 1", timeout=PATIENCE)
    shown = text.locator("img").first
    expect(shown).to_have_js_property("complete", True)
    assert shown.evaluate("image => image.naturalWidth") > 0

    page.get_by_role("button", name="Next page").click()
    expect(text).to_contain_text("Here stands marker 2")
    assert "page=2" in page.url
    page.keyboard.press("ArrowLeft")
    expect(text).to_contain_text("Here stands marker 1")

    page.get_by_role("tab", name="Markdown").click()
    expect(text).to_contain_text("![](images/")
    expect(text.locator("img:visible")).to_have_count(0)

    row(page, "letter.docx").get_by_role("link").click()
    expect(text).to_contain_text("Dear reader, hello.")
    page.get_by_role("tab", name="Text").click()
    expect(text.locator("table")).to_contain_text("cell")
    expect(page.get_by_role("tab", name="Original")).to_be_hidden()


def test_the_original_page_and_the_downloads(page: Page) -> None:
    choose(page, ("download me.pdf", text_pdf(1, seed=5)))
    expect(row(page, "download me.pdf")).to_contain_text("Done", timeout=PATIENCE)
    page.get_by_role("tab", name="Original").click()
    picture = page.get_by_role("img", name="Page 1 of the original")
    expect(picture).to_be_visible()
    # polled: a sharper picture takes the place of the first one
    drawn = "image => image.complete && image.naturalWidth > 500"
    page.wait_for_function(drawn, arg=picture.element_handle())

    row(page, "download me.pdf").get_by_role("button", name=re.compile("^Download")).click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Markdown").click()
    assert download.value.suggested_filename == "download me.md"
    assert "marker 1" in download.value.path().read_text("utf-8")
    expect(page.get_by_role("menu")).to_have_count(0)


def test_a_long_document_is_cancelled(page: Page, watch: Watch) -> None:
    watch.refused.append("/pages/")  # the second part may be there before the first one
    choose(page, ("endless.pdf", text_pdf(300, seed=11, lines=21)))
    mine = row(page, "endless.pdf")
    expect(mine).to_contain_text("of 300 pages", timeout=PATIENCE)
    running = page.locator(".mo-group").filter(has_text="In progress")
    expect(running.get_by_text("endless.pdf")).to_be_visible()

    mine.get_by_role("button", name="Cancel: endless.pdf").click()
    expect(mine).to_contain_text("Cancelled", timeout=PATIENCE)
    expect(running.get_by_text("endless.pdf")).to_have_count(0)
    expect(mine.get_by_role("button", name="Try again: endless.pdf")).to_be_visible()

    mine.get_by_role("button", name="Delete: endless.pdf").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(mine).to_have_count(0)
    expect(page.get_by_text("Nothing is open")).to_be_visible()


@pytest.mark.slow
def test_reloading_in_the_middle_loses_nothing(page: Page, server: LiveServer, watch: Watch) -> None:
    watch.refused.append("/pages/")  # a page that is not read yet
    choose(page, ("half way.pdf", text_pdf(120, seed=12, lines=21)))
    mine = row(page, "half way.pdf")
    expect(mine).to_contain_text(re.compile(r"[1-9]\d* of 120 pages"), timeout=PATIENCE)
    page.reload()

    expect(mine).to_contain_text("Converting", timeout=PATIENCE)
    expect(page.get_by_role("heading", name="half way.pdf")).to_be_visible()
    expect(page.locator("#mo-text")).to_contain_text("marker 1 stands", timeout=PATIENCE)
    expect(mine).to_contain_text("Converting")  # read while the rest still runs

    page.get_by_role("textbox", name="Page", exact=True).fill("120")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Page 120 is not read yet")).to_be_visible()
    expect(page.locator("#mo-text")).to_contain_text("marker 120 stands", timeout=60_000)
    expect(mine).to_contain_text("Done", timeout=PATIENCE)


@pytest.mark.slow
def test_what_cannot_be_converted_says_why(page: Page, watch: Watch) -> None:
    watch.refused.append("/api/v1/tasks")
    choose(page, ("locked.pdf", encrypted_pdf()), ("nothing.pdf", b""))
    locked = row(page, "locked.pdf")
    expect(locked).to_contain_text("Failed", timeout=PATIENCE)
    expect(locked).to_contain_text("needs a password to open")
    locked.get_by_role("link").click()
    reader = page.locator("#mo-reader, #mo-sheet")
    field = reader.get_by_label("Password of the document")
    for password in ("other", "secret"):
        expect(field).to_have_value("")
        expect(field).to_have_attribute("type", "password")
        field.fill(password)
        reader.get_by_role("button", name="Try again", exact=True).click()
        if password == "other":
            expect(locked).to_contain_text("does not open the document", timeout=PATIENCE)
    expect(locked).to_contain_text("Done", timeout=PATIENCE)
    expect(field).to_be_hidden()
    nothing = row(page, "nothing.pdf")
    expect(nothing).to_contain_text("Not uploaded")
    expect(nothing).to_contain_text("empty (0 bytes)")
    nothing.get_by_role("button", name="Dismiss: nothing.pdf").click()
    expect(nothing).to_have_count(0)


def test_a_link_opens_the_same_page_elsewhere(open_page: OpenPage, server: LiveServer) -> None:
    task = server.submit("shared.pdf", text_pdf(3, seed=13))
    server.end(task)
    page = open_page(f"/?task={task}&page=3")
    expect(page.locator("#mo-text")).to_contain_text("marker 3 stands")
    expect(row(page, "shared.pdf").get_by_role("link")).to_have_attribute("aria-current", "true")


def test_a_link_to_nothing_says_so(open_page: OpenPage, watch: Watch) -> None:
    watch.refused.append("/api/v1/tasks/0000")
    page = open_page("/#task=0000")
    expect(page.get_by_text("This document was not found")).to_be_visible()


@pytest.mark.slow
def test_a_page_range_is_checked_and_used(page: Page, server: LiveServer) -> None:
    server.end(server.submit("before.pdf", text_pdf(1, seed=17)))
    adding(page)
    field = page.get_by_role("textbox", name="Pages")
    field.fill("2-x")
    expect(page.get_by_text("Write pages as 1-5,8,10-12")).to_be_visible()
    choose(page, ("part.pdf", text_pdf(6, seed=14)))
    expect(row(page, "part.pdf")).to_have_count(0)
    field.fill("3-4, 6")
    choose(page, ("part.pdf", text_pdf(6, seed=14)))
    expect(row(page, "part.pdf")).to_contain_text("3 pages", timeout=PATIENCE)
    expect(page.locator("#mo-text")).to_contain_text("marker 3 stands", timeout=PATIENCE)
    page.get_by_role("button", name="Next page").click()
    page.get_by_role("button", name="Next page").click()
    expect(page.locator("#mo-text")).to_contain_text("marker 6 stands")
    expect(page.get_by_text("(3 of 3)")).to_be_visible()


def test_dropping_a_file_anywhere(page: Page) -> None:
    page.evaluate(
        """data => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(data)], "dropped.pdf"));
            const options = { dataTransfer: transfer, cancelable: true };
            const send = (name) => window.dispatchEvent(new DragEvent(name, options));
            send("dragenter");
            window.sawCurtain = !document.querySelector(".mo-curtain").hidden;
            send("drop");
        }""",
        list(text_pdf(1, seed=15)),
    )
    assert page.evaluate("window.sawCurtain")
    expect(page.locator(".mo-curtain")).to_be_hidden()
    expect(row(page, "dropped.pdf")).to_contain_text("Done", timeout=PATIENCE)


@pytest.mark.slow
def test_pausing_and_resuming(page: Page) -> None:
    page.get_by_role("button", name="Pause the queue").click()
    bar = page.locator("#mo-bar")
    expect(bar).to_contain_text("Paused")
    try:
        choose(page, ("later.pdf", text_pdf(1, seed=16)))
        expect(row(page, "later.pdf")).to_contain_text("the queue is paused", timeout=PATIENCE)
    finally:
        page.get_by_role("button", name="Resume the queue").click()
    expect(row(page, "later.pdf")).to_contain_text("Done", timeout=PATIENCE)
    expect(bar).to_contain_text("Ready")
