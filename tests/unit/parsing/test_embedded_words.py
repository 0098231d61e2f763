"""Words and drawings of a page of PDF."""

from __future__ import annotations

import io
from collections.abc import Callable

import pypdfium2
import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from gradio_app.parsing.readers.embedded import drawing as drawings
from gradio_app.parsing.readers.embedded.drawing import Drawing, page_drawing
from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.words import page_words
from tests.documents import picture


def page_of(draw: Callable[[Canvas], object], turned: int = 0) -> pypdfium2.PdfPage:
    """A page of 400 x 300 points that ``draw`` drew on."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(400, 300), invariant=1)
    canvas.setPageRotation(turned)
    draw(canvas)
    canvas.save()
    return pypdfium2.PdfDocument(out.getvalue())[0]


def words_of(draw: Callable[[Canvas], object], turned: int = 0) -> list[Word]:
    return page_words(page_of(draw, turned))


def test_words_have_a_box_with_the_origin_at_the_top() -> None:
    (left, right) = words_of(lambda canvas: canvas.drawString(50, 250, "Hello world"))
    assert (left.text, right.text) == ("Hello", "world")
    assert left.x0 == pytest.approx(50, abs=1) and left.y1 == pytest.approx(53, abs=3)
    assert left.x1 < right.x0 < left.x1 + 5
    assert left.size == pytest.approx(12, abs=1) and left.visible and not left.bold and left.angle == 0


def test_fonts_tell_bold_and_one_width() -> None:
    def draw(canvas: Canvas) -> None:
        for number, font in enumerate(("Helvetica", "Helvetica-Bold", "Courier", "Courier-Bold")):
            canvas.setFont(font, 10)
            canvas.drawString(50, 250 - 20 * number, "Word")

    assert [(word.bold, word.mono) for word in words_of(draw)] == [
        (False, False),
        (True, False),
        (False, True),
        (True, True),
    ]


def test_accents_go_onto_the_letters_that_they_stand_over() -> None:
    """As TeX's old fonts have them: drawn before, behind, or at the end of the line."""

    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 12)
        canvas.drawString(50, 250, "Jan Novacek und Muller")
        width = canvas.stringWidth
        for mark, before in (("´", "J"), ("´", "Jan Nov"), ("¨", "Jan Novacek und M")):
            letter = "Jan Novacek und Muller"[len(before)]
            middle = 50 + width(before) + width(letter) / 2
            canvas.drawString(middle - width(mark) / 2, 250, mark)
        canvas.drawString(50, 200, "a price of 5 ´ is none")

    words = [word.text for word in words_of(draw)]
    assert words[:4] == ["Ján", "Novácek", "und", "Müller"]
    assert words[4:] == ["a", "price", "of", "5", "´", "is", "none"]


def test_invisible_words_are_told() -> None:
    def draw(canvas: Canvas) -> None:
        text = canvas.beginText(50, 250)
        text.setTextRenderMode(3)
        text.textOut("secret")
        canvas.saveState()
        canvas.drawText(text)
        canvas.restoreState()
        canvas.drawString(50, 200, "shown")

    assert {word.text: word.visible for word in words_of(draw)} == {"secret": False, "shown": True}


@pytest.mark.parametrize(("degrees", "angle"), [(90, 270), (270, 90), (180, 180), (30, 330)])
def test_angles_run_clockwise(degrees: int, angle: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.translate(200, 150)
        canvas.rotate(degrees)
        canvas.drawString(0, 0, "turned")

    assert {round(word.angle) for word in words_of(draw)} == {angle}


@pytest.mark.parametrize("turned", [90, 180, 270])
def test_words_of_a_turned_page_stay_on_it(turned: int) -> None:
    (word,) = words_of(lambda canvas: canvas.drawString(50, 250, "corner"), turned)
    width, height = (400, 300) if turned == 180 else (300, 400)
    assert 0 < word.x0 < word.x1 < width and 0 < word.y0 < word.y1 < height
    assert word.angle == turned


def test_a_large_initial_belongs_to_the_word_beside_it() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Helvetica", 36)
        canvas.drawString(50, 220, "O")
        canvas.setFont("Helvetica", 12)
        canvas.drawString(80, 237, "nce upon a time")
        canvas.drawString(80, 222, "there was a page")

    texts = [word.text for word in words_of(draw)]
    assert "Once" in texts and "O" not in texts and "there" in texts


def test_wide_gaps_part_words_without_a_blank() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(50, 250, "left")
        canvas.drawString(75, 250, "right")

    assert [word.text for word in words_of(draw)] == ["left", "right"]


def drawing_of(draw: Callable[[Canvas], object]) -> Drawing:
    return page_drawing(page_of(draw))


def test_lines_thin_boxes_and_frames_are_rules() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.line(50, 250, 350, 250)
        canvas.rect(50, 200, 300, 1, stroke=0, fill=1)
        canvas.rect(100, 50, 200, 100)

    found = drawing_of(draw)
    assert sorted(rule[1] for rule in found.horizontal) == pytest.approx([50, 99.5, 150, 250], abs=1.5)
    assert sorted(rule[0] for rule in found.vertical) == pytest.approx([100, 300], abs=1.5)
    assert found.complete and not found.images


def test_dots_and_curves_are_no_rules() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.circle(200, 150, 50)
        canvas.rect(50, 50, 2, 2, stroke=0, fill=1)

    found = drawing_of(draw)
    assert not found.horizontal and not found.vertical


def test_a_picture_covers_only_text_painted_before_it() -> None:
    image = ImageReader(io.BytesIO(picture()))

    def over(canvas: Canvas) -> None:
        canvas.drawString(50, 250, "below")
        canvas.drawImage(image, 0, 0, 400, 300)

    def under(canvas: Canvas) -> None:
        canvas.drawImage(image, 0, 0, 400, 300)
        canvas.drawString(50, 250, "above")

    assert drawing_of(over).covering == drawing_of(over).images == [pytest.approx((0, 0, 400, 300))]
    assert drawing_of(under).images and not drawing_of(under).covering


def test_objects_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(canvas: Canvas) -> None:
        for number in range(200):
            canvas.line(10, number + 10, 390, number + 10)

    monkeypatch.setattr(drawings, "MOST_OBJECTS", 100)
    assert len(drawing_of(draw).horizontal) <= 100 and not drawing_of(draw).complete
    monkeypatch.setattr(drawings, "MOST_OBJECTS", 1000)
    monkeypatch.setattr(drawings, "MOST_RULES", 50)
    assert len(drawing_of(draw).horizontal) == 50 and not drawing_of(draw).complete


def test_rules_and_pictures_stand_where_their_forms_are_placed() -> None:
    """Two forms, one in the other: twice as large, and further up on the page."""
    image = ImageReader(io.BytesIO(picture()))

    def draw(canvas: Canvas) -> None:
        canvas.beginForm("inner")
        canvas.line(0, 5, 50, 5)
        path = canvas.beginPath()
        for x, y in ((0, 0), (0, 40), (50, 40), (50, 0), (80, 0), (80, 40)):
            path.lineTo(x, y) if (x, y) != (0, 0) else path.moveTo(x, y)
        canvas.drawPath(path)
        canvas.drawImage(image, 10, 10, 20, 10)
        canvas.endForm()
        canvas.beginForm("outer")
        canvas.translate(20, 10)
        canvas.doForm("inner")
        canvas.endForm()
        canvas.translate(100, 50)
        canvas.scale(2, 2)
        canvas.doForm("outer")

    found = drawing_of(draw)
    assert sorted(found.horizontal) == [
        pytest.approx(rule, abs=1.5)
        for rule in sorted([(140, 220, 240, 220), (140, 150, 240, 150), (240, 230, 300, 230)])
    ]
    assert sorted({round(rule[0], -1) for rule in found.vertical}) == [140, 240, 300]
    assert found.images == [pytest.approx((160, 190, 200, 210), abs=0.5)]


def test_a_picture_in_strips_or_tiles_is_one() -> None:
    image = ImageReader(io.BytesIO(picture()))

    def tiles(canvas: Canvas) -> None:
        for row in range(5):
            for column in range(4):
                canvas.drawImage(image, 100 * column, 60 * row, 100, 60)

    def apart(canvas: Canvas) -> None:
        for row in range(5):
            canvas.drawImage(image, 0, 60 * row, 100, 50)

    assert drawing_of(tiles).images == [pytest.approx((0, 0, 400, 300))]
    assert len(drawing_of(apart).images) == 5
