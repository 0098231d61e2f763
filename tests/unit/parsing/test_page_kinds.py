"""Each page is told to be text, a picture of text, or empty, from what it is made of."""

from __future__ import annotations

import io

import pypdfium2
import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from gradio_app.parsing.page_kinds import PageKind, kind_of
from tests.scans import ENGLISH, page_of, scan, sheet, text_page

SMALL = sheet(ENGLISH[:2], dpi=60)


def lines(canvas: Canvas, count: int, hidden: bool = False) -> None:
    """So many lines of text; ``hidden``: as the layer of a scanner, which is not drawn."""
    canvas.saveState()
    for number in range(count):
        text = canvas.beginText(20, 280 - 20 * number)
        text.setTextRenderMode(3 if hidden else 0)
        text.textOut(ENGLISH[number % len(ENGLISH)])
        canvas.drawText(text)
    canvas.restoreState()


def background(canvas: Canvas, share: float = 1.0) -> None:
    """A picture as wide as the page, over this part of its height."""
    canvas.drawImage(ImageReader(SMALL), 0, 0, 400, 300 * share)


def kind(content: bytes) -> PageKind:
    return kind_of(page_of(content))


def test_text() -> None:
    assert kind(text_page(lambda canvas: canvas.drawString(20, 50, "A word"))) is PageKind.DIGITAL


def test_a_picture_over_the_page_is_a_scan() -> None:
    assert kind(scan(SMALL)) is PageKind.SCAN


def test_the_layer_of_a_scanner_does_not_make_text_of_a_scan() -> None:
    hidden = [line for _ in range(3) for line in ENGLISH]
    assert kind(scan(sheet(hidden, dpi=60), hidden=hidden)) is PageKind.SCAN


def test_a_stamp_does_not_make_text_of_a_scan() -> None:
    def draw(canvas: Canvas) -> None:
        background(canvas)
        lines(canvas, 12, hidden=True)
        canvas.drawString(250, 10, "RECEIVED 14 MARCH")

    assert kind(text_page(draw)) is PageKind.SCAN


def test_text_on_a_background_picture_is_text() -> None:
    def draw(canvas: Canvas) -> None:
        background(canvas)
        lines(canvas, 4)

    assert kind(text_page(draw)) is PageKind.DIGITAL


@pytest.mark.parametrize(("share", "wanted"), [(0.5, PageKind.DIGITAL), (0.6, PageKind.SCAN)])
def test_a_picture_counts_from_half_a_page_on(share: float, wanted: PageKind) -> None:
    def draw(canvas: Canvas) -> None:
        background(canvas, share)
        canvas.drawString(20, 280, "Figure 1")

    assert kind(text_page(draw)) is wanted


def test_a_picture_is_counted_as_far_as_it_is_on_the_page() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(SMALL), 300, 0, 4000, 300)
        canvas.drawString(20, 280, "Beside it")

    assert kind(text_page(draw)) is PageKind.DIGITAL


def test_a_picture_within_forms_is_found() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.beginForm("inner")
        background(canvas)
        canvas.endForm()
        canvas.beginForm("outer")
        canvas.doForm("inner")
        canvas.endForm()
        canvas.doForm("outer")
        canvas.drawString(20, 280, "12")

    assert kind(text_page(draw)) is PageKind.SCAN


def test_an_empty_page() -> None:
    assert kind(text_page(lambda canvas: canvas.showPage())) is PageKind.EMPTY


def test_text_that_was_made_outlines_must_be_seen() -> None:
    def draw(canvas: Canvas) -> None:
        for left in range(20, 380, 10):
            path = canvas.beginPath()
            path.moveTo(left, 100)
            path.curveTo(left, 110, left + 8, 110, left + 8, 100)
            path.close()
            canvas.drawPath(path, fill=1)

    assert kind(text_page(draw)) is PageKind.SCAN


def test_the_boxes_of_a_page_do_not_begin_at_nought() -> None:
    """A crop box elsewhere: its lower left corner is where the page begins."""

    def draw(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(SMALL), 1000, 1000, 400, 300)
        canvas.drawString(1250, 1010, "RECEIVED")

    out, writer = io.BytesIO(), PdfWriter()
    page = PdfReader(io.BytesIO(text_page(draw, 2000, 2000))).pages[0]
    for box in (page.cropbox, page.mediabox):
        box.lower_left, box.upper_right = (1000, 1000), (1400, 1300)
    writer.add_page(page)
    writer.write(out)
    assert kind(out.getvalue()) is PageKind.SCAN


@pytest.mark.parametrize("turn", [0, 90])
def test_one_picture_in_strips_or_turned_is_a_scan(turn: int) -> None:
    picture = Image.new("L", (60, 40), 200)
    picture.info["dpi"] = (10, 10)
    assert kind(scan(picture, turned=turn)) is PageKind.SCAN


def test_a_scan_in_strips_with_a_layer_is_a_scan() -> None:
    """Scanners write a page as strips that each cover little of it."""

    def draw(canvas: Canvas) -> None:
        for number in range(10):
            canvas.drawImage(ImageReader(SMALL), 0, 30 * number, 400, 30)
        lines(canvas, 12, hidden=True)

    def stamped(canvas: Canvas) -> None:
        draw(canvas)
        canvas.drawString(250, 10, "RECEIVED")

    assert kind(text_page(draw)) is PageKind.SCAN
    assert kind(text_page(stamped)) is PageKind.SCAN


def test_pages_are_judged_one_by_one() -> None:
    writer, out = PdfWriter(), io.BytesIO()
    for content in (scan(SMALL), text_page(lambda canvas: lines(canvas, 2)), scan(SMALL)):
        writer.append(io.BytesIO(content))
    writer.write(out)
    document = pypdfium2.PdfDocument(out.getvalue())
    assert [kind_of(page) for page in document] == [PageKind.SCAN, PageKind.DIGITAL, PageKind.SCAN]


@pytest.mark.parametrize(("size", "wanted"), [(400, PageKind.SCAN), (150, PageKind.DIGITAL)])
def test_a_picture_is_as_large_as_its_form_makes_it(size: int, wanted: PageKind) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.beginForm("small")
        canvas.drawImage(ImageReader(SMALL), 0, 0, 40, 30)
        canvas.endForm()
        canvas.scale(size / 40, size / 40)
        canvas.doForm("small")
        canvas.drawString(0.2, 0.2, "12")

    assert kind(text_page(draw)) is wanted
