"""The text of a page as it is seen: words in tables stay whole, each script runs its own way."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.live import LiveServer
from tests.marks import first_then_long

pytestmark = pytest.mark.browser

WORDS = ("Kilometres", "Thermometer", "International", "Administration", "Responsibility")
LONG = "Words that want all the room of the table, and a little more than that, as they never end. " * 3
ROWS = "".join(f"<th>{word}</th>" for word in (LONG, *WORDS))
PAGE = f"""<html><body><h1>Rates</h1><table><tr>{ROWS}</tr><tr>{"<td>1</td>" * 6}</tr></table>
<p>שלום עולם, זו פסקה.</p><ul><li>ראשון</li></ul><p>مرحبا بالعالم.</p>
<table><tr><th>שם</th><th>מחיר</th></tr><tr><td>לחם</td><td>12</td></tr></table><p>English again.</p>
</body></html>"""


@pytest.fixture(scope="module")
def scripts(server: LiveServer) -> str:
    """The id of a page with wide tables, and with text of three scripts."""
    task = server.submit("scripts.html", PAGE.encode())
    server.end(task)
    return task


def lines_of(page: Page, word: str) -> int:
    """On how many lines a word stands."""
    return page.get_by_text(word, exact=True).evaluate(
        """cell => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return new Set([...range.getClientRects()].map((box) => box.top)).size;
        }"""
    )


@pytest.mark.parametrize("width", first_then_long(390, 1280))
def test_words_in_narrow_columns_stay_whole(open_page: OpenPage, scripts: str, width: int) -> None:
    page = open_page(f"/#task={scripts}", viewport={"width": width, "height": 800})
    expect(page.get_by_text("Kilometres", exact=True)).to_be_visible()
    assert [lines_of(page, word) for word in WORDS] == [1] * len(WORDS)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def edges(found: Locator) -> tuple[float, float]:
    """Left and right end of the words in an element, and not of the element."""
    box = found.evaluate(
        """node => {
            const range = document.createRange();
            range.selectNodeContents(node);
            return range.getBoundingClientRect().toJSON();
        }"""
    )
    return box["left"], box["right"]


def test_each_script_runs_its_own_way(open_page: OpenPage, scripts: str) -> None:
    page = open_page(f"/#task={scripts}")
    left = edges(page.get_by_text("English again."))[0]
    hebrew, arabic = page.get_by_text("שלום עולם, זו פסקה."), page.get_by_text("مرحبا بالعالم.")
    for paragraph in (hebrew, arabic):
        column = paragraph.bounding_box()
        assert column and edges(paragraph)[0] > left + 100, "it does not begin at the left"
        assert abs(edges(paragraph)[1] - column["x"] - column["width"]) < 2, "it begins at the right"
    assert edges(page.get_by_text("ראשון", exact=True))[0] > left + 100
    assert edges(page.get_by_text("שם", exact=True))[0] > edges(page.get_by_text("מחיר", exact=True))[1]
    # the full stop ends a line at its left
    last = hebrew.evaluate(
        """node => {
            const text = node.firstChild, range = document.createRange();
            range.setStart(text, text.length - 1);
            range.setEnd(text, text.length);
            return range.getBoundingClientRect().left;
        }"""
    )
    assert last <= edges(hebrew)[0] + 1
