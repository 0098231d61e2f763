"""Coming in and going out, as a person with a browser does it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import arrived
from tests.documents import text_pdf
from tests.live import LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.browser


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A fresh browser profile, with nothing opened."""
    context = browser.new_context(locale="en-US", viewport={"width": 390, "height": 800})
    yield context.new_page()
    context.close()


def enter(page: Page, name: str, password: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def test_in_by_name_and_out_again(house: LiveServer, visitor: Page, tmp_path: Path) -> None:
    visitor.goto(house.url)
    enter(visitor, "alice", "wrong")
    expect(visitor.get_by_role("alert")).to_contain_text("not right")
    enter(visitor, "alice", "wonderland")
    arrived(visitor)
    expect(visitor.get_by_role("button", name="Pause the queue")).to_be_hidden()
    (tmp_path / "mine.pdf").write_bytes(text_pdf())
    visitor.locator("input[type=file]").first.set_input_files(tmp_path / "mine.pdf")
    visitor.get_by_role("link", name="mine.pdf").click()
    expect(visitor.get_by_role("heading", name="mine.pdf")).to_be_visible()
    visitor.get_by_role("button", name="Sign out").click()
    expect(visitor.get_by_label("Password")).to_be_visible()
    assert visitor.context.cookies() == []
    visitor.go_back()
    visitor.reload()
    expect(visitor.get_by_label("Password")).to_be_visible()


def test_the_admin_has_more_buttons(house: LiveServer, visitor: Page) -> None:
    visitor.goto(house.url)
    enter(visitor, "root", "carrots!")
    arrived(visitor)
    expect(visitor.get_by_role("button", name="Pause the queue")).to_be_visible()


@pytest.mark.slow
def test_who_has_no_document_at_hand_tries_the_example(house: LiveServer, visitor: Page) -> None:
    """A new guest's page is empty. The example has a page of text and a scanned one, each with a table."""
    visitor.goto(f"{house.url}/?token=shared")
    arrived(visitor)
    visitor.get_by_role("button", name="Try an example").click()
    visitor.get_by_role("link", name="Example.pdf").click()
    expect(visitor.get_by_role("cell", name="184.5")).to_be_visible(timeout=60_000)
    task = visitor.context.request.get(f"{house.url}/api/v1/tasks").json()["tasks"][0]["id"]
    page = f"{house.url}/api/v1/tasks/{task}"
    done = visitor.context.request.get(page, params={"wait": 60}).json()
    assert (done["status"], done["notes"]) == ("completed", [])
    text = visitor.context.request.get(f"{page}/result").text()
    assert "second layer of glass will halve that" in text and "| Heating | 900 | 1,240 |" in text


def test_the_printed_address_leads_in_and_leaves_no_token_behind(house: LiveServer, visitor: Page) -> None:
    visitor.goto(f"{house.url}/?token=boss")
    arrived(visitor)
    assert "token" not in visitor.url
    expect(visitor.get_by_role("button", name="Pause the queue")).to_be_visible()
    expect(visitor.get_by_text(re.compile("guest-[0-9a-f]{12}"))).to_be_attached()


@pytest.mark.slow
def test_a_link_on_another_page_asks_for_one_click(house: LiveServer, visitor: Page) -> None:
    link = f'<a href="{house.url}/?token=shared">papers</a>'
    elsewhere = "http://elsewhere.example/"
    visitor.route(elsewhere, lambda route: route.fulfill(body=link, content_type="text/html"))
    visitor.goto(elsewhere)
    visitor.get_by_role("link").click()
    expect(visitor.get_by_text("wants to sign this browser in")).to_be_visible()
    assert visitor.context.cookies() == []
    visitor.get_by_role("button", name="Sign in").click()
    arrived(visitor)
    assert "token" not in visitor.url
    expect(visitor.get_by_text(re.compile("guest-[0-9a-f]{12}"))).to_be_attached()


def test_who_is_signed_out_elsewhere_is_told_what_to_do(house: LiveServer, visitor: Page) -> None:
    visitor.goto(f"{house.url}/?token=shared")
    arrived(visitor)
    visitor.context.clear_cookies()
    expect(visitor.get_by_role("status").first).to_contain_text("Reload the page to sign in", timeout=30_000)


@pytest.mark.slow
def test_a_link_to_a_page_holds_over_signing_in(house: LiveServer, visitor: Page) -> None:
    with house.asked_with("") as alice:
        alice.client.auth = ("alice", "wonderland")
        task = alice.submit("hers.pdf", text_pdf(2, seed=71))
        alice.end(task)
    for link in (f"/#task={task}&page=2", f"/?task={task}&page=2"):
        visitor.context.clear_cookies()
        visitor.goto("about:blank")
        visitor.goto(house.url + link)
        enter(visitor, "alice", "wrong")
        expect(visitor.get_by_role("alert")).to_contain_text("not right")
        enter(visitor, "alice", "wonderland")
        expect(visitor.get_by_role("heading", name="hers.pdf")).to_be_visible()
        expect(visitor.get_by_text("marker 2 stands")).to_be_visible()


@pytest.mark.slow
def test_a_guest_who_comes_again_finds_the_documents(
    house: LiveServer, visitor: Page, tmp_path: Path
) -> None:
    (tmp_path / "of a guest.pdf").write_bytes(text_pdf(1, seed=72))
    visitor.goto(f"{house.url}/?token=shared")
    arrived(visitor)
    visitor.locator("input[type=file]").first.set_input_files(tmp_path / "of a guest.pdf")
    mine = visitor.get_by_role("link", name="of a guest.pdf")
    expect(mine).to_be_visible()
    for again in ("the form", "the printed address"):
        visitor.get_by_role("button", name="Sign out").click()
        expect(visitor.get_by_label("Password")).to_be_visible()
        if again == "the form":
            enter(visitor, "", "shared")
        else:
            visitor.goto(f"{house.url}/?token=shared")
        expect(mine).to_be_visible()


@pytest.mark.parametrize("scheme", first_then_long("light", "dark"))
def test_the_form_is_readable(house: LiveServer, visitor: Page, scheme: str, tmp_path: Path) -> None:
    visitor.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visitor.goto(house.url)
    form = visitor.locator("form").bounding_box()
    assert form and form["x"] >= 0 and form["x"] + form["width"] <= 390, "it fits on a phone"
    expect(visitor.get_by_label("Name")).to_be_focused()
    picture = tmp_path / f"sign-in-{scheme}.png"
    visitor.screenshot(path=picture)
    assert picture.stat().st_size > 5000
