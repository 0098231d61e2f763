"""Downloads as somebody saves them from the page: whole, with their pictures and real names and dates."""

from __future__ import annotations

import re
import time
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, row
from tests.documents import paper_pdf, text_pdf
from tests.live import LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def paper(server: LiveServer) -> str:
    """The id of a converted paper with a figure on each page."""
    task = server.submit("Söme paper.pdf", paper_pdf(2, seed=61))
    server.end(task)
    return task


def saved(page: Page, name: str, item: str) -> tuple[str, Path]:
    """The name under which the browser saves a format, and where the file is."""
    row(page, name).get_by_role("button", name=re.compile("^Download")).click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name=item).click()
    return download.value.suggested_filename, download.value.path()


@pytest.mark.parametrize(("item", "suffix"), first_then_long(("Markdown", "md"), ("LaTeX", "tex")))
def test_a_text_comes_with_its_pictures(open_page: OpenPage, paper: str, item: str, suffix: str) -> None:
    name, path = saved(open_page(), "Söme paper.pdf", item)
    assert name == "Söme paper.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names[0] == f"Söme paper.{suffix}", "named after the document"
        wanted = set(re.findall(r"images/[\w.-]+", archive.read(names[0]).decode()))
        assert wanted and wanted <= set(names), "each picture that the text shows is there"
        now = time.localtime()
        assert {info.date_time[0] for info in archive.infolist()} <= {now.tm_year - 1, now.tm_year}


def test_a_page_holds_its_pictures(open_page: OpenPage, paper: str, browser: object) -> None:
    page = open_page()
    name, path = saved(page, "Söme paper.pdf", "HTML")
    assert name == "Söme paper.html"
    page.route("**/alone.html", lambda route: route.fulfill(path=path, content_type="text/html"))
    page.goto(re.sub(r"[#?].*", "", page.url) + "alone.html")
    shown = page.get_by_role("img")
    expect(shown).to_have_count(2)
    for picture in shown.all():
        assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_a_text_without_pictures_comes_as_it_is(open_page: OpenPage, server: LiveServer) -> None:
    server.end(server.submit("plain words.pdf", text_pdf(1, seed=62)))
    name, path = saved(open_page(), "plain words.pdf", "Markdown")
    assert name == "plain words.md" and "marker 1" in path.read_text("utf-8")


@pytest.mark.slow
def test_all_pages_are_copied_at_once(open_page: OpenPage, paper: str) -> None:
    page = open_page(f"/#task={paper}", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy all pages as Markdown").click()
    expect(page.get_by_text("Copied").last).to_be_visible()
    text = page.evaluate("navigator.clipboard.readText()")
    assert "Here stands marker 1" in text and "Here stands marker 2" in text


@pytest.mark.slow
def test_a_selection_is_one_zip_with_the_names_of_its_documents(
    open_page: OpenPage, paper: str, server: LiveServer
) -> None:
    server.end(server.submit("second.pdf", text_pdf(1, seed=63)))
    page = open_page()
    for name in ("Söme paper.pdf", "second.pdf"):
        page.get_by_role("checkbox", name=f"Select {name}").check(force=True)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download: 2 documents").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {"Söme paper/document.md", "second/document.md"} <= set(archive.namelist())
