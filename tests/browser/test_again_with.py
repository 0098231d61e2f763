"""What failed is tried again with other options; what cannot work is neither sent nor offered."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import PATIENCE, OpenPage, Watch, adding, arrived, choose, row
from tests.documents import encrypted_pdf, text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_a_failed_document_is_read_with_other_options(open_page: OpenPage, server: LiveServer) -> None:
    task = server.submit("sealed.pdf", encrypted_pdf())
    server.end(task)
    page = open_page(f"/#task={task}")
    page.get_by_role("button", name="Try again with…").click()
    form = page.get_by_role("dialog", name="Read sealed.pdf again with:")
    expect(form.get_by_label("Quality")).to_be_focused()
    assert "Standard: vision model" not in form.get_by_label("Quality").inner_text(), "it could not run here"
    form.get_by_label("Password").fill("secret")
    form.get_by_label("Password").press("Tab")
    expect(form.get_by_role("button", name="Try again")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, "sealed.pdf")).to_contain_text("Done", timeout=PATIENCE)
    expect(row(page, "sealed.pdf")).to_have_count(1)
    expect(page.get_by_role("heading", name="sealed.pdf")).to_be_visible()
    expect(page.get_by_text("This document could not be converted")).to_be_hidden()


def test_a_document_is_read_anew_beside_itself(open_page: OpenPage, server: LiveServer) -> None:
    task = server.submit("anew.pdf", text_pdf(3, seed=141))
    server.end(task)
    page = open_page(f"/#task={task}", locale="zh-CN")
    page.get_by_role("button", name="重新识别本页").click()
    page.get_by_role("menuitem", name="整个文档…").click()
    form = page.get_by_role("dialog", name="重新识别 anew.pdf，使用：")
    form.get_by_label("页码").fill("2")
    form.get_by_role("button", name="重试").click()
    expect(row(page, "anew.pdf")).to_have_count(2)
    expect(page.get_by_text("marker 2 stands")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("textbox", name="页码", exact=True).last).to_have_value("2")
    assert server.task(task)["status"] == "completed"


@pytest.mark.slow
def test_what_cannot_be_mended_is_not_tried_again(page: Page, server: LiveServer) -> None:
    server.end(server.submit("broken.docx", b"PK\x03\x04 nothing else"))
    broken = row(page, "broken.docx")
    expect(broken).to_contain_text("Failed")
    expect(broken.get_by_role("button", name="Delete: broken.docx")).to_be_visible()
    expect(broken.get_by_role("button", name="Try again: broken.docx")).to_be_hidden()


def test_a_film_is_not_even_sent(page: Page, watch: Watch) -> None:
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    choose(page, ("holiday.MP4", b"not a document"))
    film = row(page, "holiday.MP4")
    expect(film).to_contain_text("This type of file cannot be converted")
    expect(film.get_by_role("button", name="Try again: holiday.MP4")).to_be_hidden()
    assert sent == []
    film.get_by_role("button", name="Dismiss: holiday.MP4").click()
    expect(film).to_have_count(0)


def test_only_tiers_that_can_run_are_offered(page: Page) -> None:
    adding(page)
    offered = page.get_by_label("Quality")
    for name in ("standard", "advanced"):
        expect(offered.locator(f"[value={name}]")).to_be_disabled()
        expect(offered.locator(f"[value={name}]")).to_contain_text("no engine here")
    expect(offered.locator("[value=basic]")).to_be_enabled()


def test_a_reader_that_the_engine_serves_is_offered_in_place_of_its_tiers(open_page: OpenPage) -> None:
    """As a server with ``--reader dots.mocr`` tells it (tests/integration/test_page_readers.py)."""

    def with_reader(route: Route) -> None:
        told = route.fetch().json()
        told["engine"] |= {"kind": "remote", "status": "ready", "reader": "dots.mocr"}
        route.fulfill(json=told)

    page = open_page()
    page.route("**/api/v1/queue", with_reader)
    page.reload()
    arrived(page)
    adding(page)
    offered = page.get_by_label("Quality")
    expect(offered.locator("[value='dots.mocr']")).to_have_text("dots.mocr")
    expect(offered.locator("[value=standard]")).to_be_disabled()
    expect(offered.locator("[value=standard]")).to_contain_text("the engine serves dots.mocr")
    offered.select_option("dots.mocr")
