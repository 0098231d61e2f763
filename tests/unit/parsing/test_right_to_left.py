"""Hebrew and Arabic: words of a line in the order of reading, with numbers and Latin names right."""

from __future__ import annotations

from pathlib import Path

import pypdfium2
import pytest
from matplotlib import get_data_path
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from gradio_app.parsing import reading
from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.right_to_left import joined
from gradio_app.parsing.readers.embedded.tables.grid import cell_text
from gradio_app.parsing.readers.embedded.words import page_words
from gradio_app.parsing.readers.flash import text_of
from tests.scans import text_page


@pytest.mark.parametrize(
    ("from_left_to_right", "read"),
    [
        (["Plain", "words", "of", "2029"], "Plain words of 2029"),
        (["ערב", "21:30", "עד", "8:15", "מבוקר"], "מבוקר 8:15 עד 21:30 ערב"),
        (["יום", "North", "Quay", "ליד"], "ליד North Quay יום"),
        (["חדש", "Windows", "11", "מחשב"], "מחשב Windows 11 חדש"),
        (["The", "sign", "ברוכים", "הבאים", "stands", "here"], "The sign הבאים ברוכים stands here"),
        (["A", "שלום", "!"], "A שלום !"),
        (["متر", "25", "-", "12"], "12 - 25 متر"),
        (["12", "45"], "12 45"),
        ([], ""),
    ],
)
def test_words_come_in_the_order_of_reading(from_left_to_right: list[str], read: str) -> None:
    assert joined(from_left_to_right) == read


def test_cells_of_tables_are_read_line_by_line() -> None:
    placed = [("לקים", 10, 0), ("12", 35, 0), ("ספר", 50, 0), ("ירוק", 30, 12), ("כריך", 55, 12)]
    words = [Word(x, y, x + 12, y + 10, text, 10) for text, x, y in placed]
    assert cell_text(words) == "ספר 12 לקים כריך ירוק"


LINES = (
    ("הספרייה", "פתוחה", "מ", "8:15", "עד", "21:30", "בימי", "חול"),
    ("ובשבת", "היא", "סגורה", "מלבד", "חדר", "North", "Quay", "הקטן"),
    ("المكتبة", "مفتوحة", "من", "8:15", "حتى", "21:30", "مساء"),
)


def drawn(canvas: Canvas) -> None:
    """Lines from the right edge: each word is a text of its own, its letters from left to right."""
    pdfmetrics.registerFont(TTFont("DejaVu", Path(get_data_path(), "fonts/ttf/DejaVuSans.ttf")))
    canvas.setFont("DejaVu", 11)
    for number, line in enumerate(LINES):
        right = 360.0
        words = list(line)
        if "North" in words:  # a name runs from left to right
            words[5:7] = ["North Quay"]
        for word in words:
            shown = word if word.isascii() else word[::-1]
            right -= canvas.stringWidth(shown)
            canvas.drawString(right, 250 - 18 * number, shown)
            right -= canvas.stringWidth(" ")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.pdf"
    path.write_bytes(text_page(drawn))
    return path


def test_letters_make_words(page: Path) -> None:
    words = {word.text for word in page_words(pypdfium2.PdfDocument(page)[0])}
    assert words == {word for line in LINES for word in line}


@pytest.mark.parametrize("every", [False, True], ids=["auto", "basic"])
def test_a_page_is_read_in_the_order_of_reading(page: Path, every: bool) -> None:
    found = reading.read(str(page), [], "auto", every)
    text = " ".join(text_of(block) for block in found.model.pages[0])
    for line in LINES:
        assert " ".join(line) in text
    assert found.coverage == 1.0
