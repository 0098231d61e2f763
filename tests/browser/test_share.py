"""A link opens for whom it is meant: a secret one for anybody, to read, until it ends or is ended."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import arrived
from tests.documents import paper_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(house: LiveServer, browser: Browser) -> Iterator[Page]:
    """Alice's browser, signed in."""
    context = browser.new_context(locale="en-US", permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(house.url)
    page.get_by_label("Name").fill("alice")
    page.get_by_label("Password").fill("wonderland")
    page.get_by_role("button", name="Sign in").click()
    arrived(page)
    yield page
    context.close()


@pytest.fixture
def stranger(browser: Browser) -> Iterator[Page]:
    """A browser that has never been here."""
    context = browser.new_context(locale="en-US")
    yield context.new_page()
    context.close()


def test_a_document_is_shared_and_no_more(house: LiveServer, alice: Page, stranger: Page) -> None:
    with house.asked_with("") as hers:
        hers.client.auth = ("alice", "wonderland")
        task = hers.submit("to share.pdf", paper_pdf(2, seed=161))
        hers.end(task)
    alice.goto(f"{house.url}/#task={task}")
    expect(alice.get_by_text("Here stands marker 1").last).to_be_visible()
    alice.get_by_role("button", name="Copy link").click()
    alice.get_by_role("menuitem", name="For anybody, to read for 7 days").click()
    expect(alice.get_by_text("Copied").last).to_be_visible()
    link = alice.evaluate("navigator.clipboard.readText()")
    assert link.startswith(house.url) and task not in link

    stranger.goto(link)
    for number in (1, 2):
        expect(stranger.get_by_text(f"Here stands marker {number}")).to_be_visible()
    assert stranger.get_by_role("img").first.evaluate("image => image.naturalWidth") > 0
    assert stranger.context.cookies() == [], "nobody is signed in by it"
    for closed in (f"/api/v1/tasks/{task}", "/api/v1/tasks", f"/api/v1/tasks/{task}/source"):
        assert stranger.request.get(house.url + closed).status == 401
    assert stranger.request.post(link).status in (401, 405)

    alice.get_by_role("button", name="Copy link").click()
    alice.get_by_role("menuitem", name="End the link that holds until").click()
    expect(alice.get_by_text("The link opens nothing any more.")).to_be_visible()
    stranger.reload()
    expect(stranger.get_by_text("This link has ended")).to_be_visible()
    stranger.goto(f"{house.url}/shared/{'x' * 32}")
    expect(stranger.get_by_text("This link has ended")).to_be_visible()

    noted = [json.loads(line) for line in (house.data / "audit.log").read_text().splitlines()]
    told = [(line["action"], line["user"].split()[0]) for line in noted if line.get("task") == task]
    assert [each for each in told if each[0] in ("share", "unshare") or each[1] == "link"] == [
        ("share", "alice"),
        ("read", "link"),
        ("unshare", "alice"),
    ]


def test_a_deleted_document_takes_its_links_along(house: LiveServer, stranger: Page) -> None:
    with house.asked_with("boss") as admin:
        task = admin.submit("gone soon.pdf", paper_pdf(1, seed=162))
        admin.end(task)
        path = admin.client.post(f"/api/v1/tasks/{task}/links", json={"days": 1}).json()["path"]
        stranger.goto(f"{house.url}/{path}")
        expect(stranger.get_by_text("Here stands marker 1")).to_be_visible()
        admin.client.delete(f"/api/v1/tasks/{task}").raise_for_status()
    stranger.reload()
    expect(stranger.get_by_text("This link has ended")).to_be_visible()
