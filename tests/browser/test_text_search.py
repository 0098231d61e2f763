"""The box of the list finds words in the text of documents, and leads to them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, choose, row
from tests.documents import text_pdf
from tests.live import LiveServer

pytestmark = pytest.mark.browser

LETTER = "# A letter\n\nThe ledger stood on the third page of the Résumé.\n\n这是一份关于机器学习的报告。"
LIT = "[...(CSS.highlights.get('mo-hits') ?? [])].map(String)"


def find_until(page: Page, words: str, name: str, lit: str) -> None:
    """Searches until the document is found by its text: the index follows the queue by a moment.

    What was found before stays until the answer is there: a hit counts once ``lit`` is marked in it.
    """
    field = page.get_by_role("searchbox", name="Find names and text")
    marked = page.locator("mark", has_text=lit)
    hits = row(page, name).get_by_role("button", name="Page ").filter(has=marked)
    for _ in range(20):
        field.fill("")
        field.fill(words)
        try:
            return hits.first.wait_for(timeout=1500)
        except Exception:
            continue
    hits.first.wait_for()


def test_a_word_in_two_documents_is_found_and_lit(open_page: OpenPage, server: LiveServer) -> None:
    page = open_page()
    choose(page, ("ledger.pdf", text_pdf(3, title="Ledger of quays")), ("letter.md", LETTER.encode()))
    for name in ("ledger.pdf", "letter.md"):
        expect(row(page, name)).to_contain_text("Done")
    find_until(page, "ledg", "letter.md", "ledg")
    find_until(page, "ledg", "ledger.pdf", "Ledg")
    hits = row(page, "ledger.pdf").get_by_role("button", name="Page ")
    expect(hits).to_have_count(3)
    expect(hits.nth(2).locator("mark")).to_have_text("Ledg")
    hits.nth(2).click()
    expect(page.locator("#mo-text")).to_contain_text("page 3")
    page.wait_for_function(f"{LIT}.includes('Ledg')")
    assert "page=3" in page.url
    # with the keyboard, several words and accents
    find_until(page, "resume third", "letter.md", "Résumé")
    row(page, "letter.md").get_by_role("link").focus()
    hit = row(page, "letter.md").get_by_role("button", name="Page 1")
    while not hit.evaluate("node => node === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#mo-text")).to_contain_text("The ledger stood")
    page.wait_for_function(f"{LIT}.includes('Résumé') && {LIT}.includes('third')")
    find_until(page, "学习", "letter.md", "学习")
    page.get_by_role("searchbox", name="Find names and text").fill("nowhere at all")
    expect(
        page.get_by_text("Names, folders and the text of finished documents were searched.")
    ).to_be_visible()
