"""What is seen of the page from outside: its title in a tab, the preview of a link, a print."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE, OpenPage, Watch, choose
from tests.documents import paper_pdf, text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def paper(server: LiveServer) -> str:
    """The id of a converted paper."""
    task = server.submit("to print.pdf", paper_pdf(3, seed=51))
    server.end(task)
    return task


@pytest.mark.slow
def test_the_title_names_the_document_and_how_far_it_is(
    open_page: OpenPage, paper: str, watch: Watch
) -> None:
    watch.refused.append("/pages/")  # a page that is not read yet
    page = open_page(f"/#task={paper}")
    expect(page).to_have_title("to print.pdf · MinerU Optimized")
    page.get_by_role("button", name="Close").click()
    expect(page).to_have_title("MinerU Optimized")
    choose(page, ("long.pdf", text_pdf(200, seed=52, lines=21)))
    expect(page).to_have_title(re.compile(r"^\(1\) \d+ % · long\.pdf · MinerU Optimized$"), timeout=PATIENCE)
    page.get_by_role("button", name="Cancel: long.pdf").click()
    expect(page).to_have_title("long.pdf · MinerU Optimized", timeout=PATIENCE)


def test_a_link_is_previewed_under_our_name(server: LiveServer) -> None:
    head = server.client.get("/", headers={"accept": "text/html"}).text.partition("</head>")[0]
    tags = dict(re.findall(r'<meta\s+(?:property|name)="((?:og|twitter):\w+)"\s+content="([^"]*)"', head))
    assert tags["og:title"] == "MinerU Optimized"
    assert not [value for value in tags.values() if "radio" in value or "{" in value or "Click" in value]


@pytest.mark.slow
def test_a_print_shows_what_is_read_and_no_tools(open_page: OpenPage, paper: str) -> None:
    page = open_page(f"/#task={paper}", color_scheme="dark")
    words = page.get_by_text("Here stands marker 1").last
    expect(words).to_be_visible()
    page.emulate_media(media="print")
    expect(words).to_be_visible()
    for tool in ("Add documents", "Download", "Next page", "Delete: to print.pdf"):
        expect(page.get_by_role("button", name=tool, exact=True)).to_be_hidden()
    expect(page.get_by_role("img", name="Page 1 of the original")).to_be_hidden()
    ink = words.evaluate("node => getComputedStyle(node).color")
    assert ink == "rgb(0, 0, 0)", "on white paper"


def test_the_whole_document_is_printed(open_page: OpenPage, paper: str) -> None:
    page = open_page(f"/#task={paper}")
    expect(page.get_by_text("Here stands marker 1").last).to_be_visible()
    page.keyboard.press("Control+p")
    frame = page.frame_locator("iframe[name=mo-print]")
    for number in (1, 2, 3):
        expect(frame.get_by_text(f"Here stands marker {number}")).to_be_attached()
    pictures = frame.get_by_role("img")
    assert pictures.first.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


@pytest.mark.slow
def test_a_document_that_ends_while_it_is_cancelled(
    open_page: OpenPage, server: LiveServer, watch: Watch
) -> None:
    watch.refused.append("/cancel")
    server.client.post("/api/v1/queue/pause").raise_for_status()
    try:
        task = server.submit("too late.pdf", text_pdf(1, seed=53))
        page = open_page()
        cancel = page.get_by_role("button", name="Cancel: too late.pdf")
        expect(cancel).to_be_visible()
        page.route("**/api/v1/tasks?since=*", lambda route: route.fulfill(status=204))  # the page is behind
        server.client.post(f"/api/v1/tasks/{task}/cancel").raise_for_status()
        cancel.click()
        expect(page.get_by_text("It has ended already: there is nothing to cancel.")).to_be_visible()
    finally:
        server.client.post("/api/v1/queue/resume").raise_for_status()
