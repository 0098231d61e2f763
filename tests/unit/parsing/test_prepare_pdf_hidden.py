"""Text that nobody can see is left out of a PDF with a note; what can be seen stays."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import pikepdf
import pypdfium2
import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from gradio_app.parsing.prepare import Prepared, Wanted, prepare
from gradio_app.parsing.prepare.pdf import hidden
from tests.documents import picture
from tests.scans import text_page

SECRET = "the secret of the mill"


def prepared(tmp_path: Path, *pages: Callable[[Canvas], None]) -> tuple[Prepared, list[str]]:
    """What becomes of pages with a line each and what is drawn beside it: the answer, and the texts."""
    source, out = tmp_path / "source.pdf", tmp_path / "out"
    whole = pikepdf.Pdf.new()
    for draw in pages:
        with pikepdf.open(io.BytesIO(text_page(lambda canvas, draw=draw: _page(canvas, draw)))) as one:
            whole.pages.extend(one.pages)
    whole.save(source)
    answer = prepare(source, "pdf", out, Wanted())
    document = pypdfium2.PdfDocument(out if answer.kind else source)
    if answer.kind:
        for old, new in zip(pypdfium2.PdfDocument(source), document, strict=True):
            before, after = (np.asarray(page.render().to_pil(), np.int16) for page in (old, new))
            assert np.abs(before - after).max() < 30
    return answer, [page.get_textpage().get_text_range() for page in document]


def _page(canvas: Canvas, draw: Callable[[Canvas], None]) -> None:
    canvas.setFont("Helvetica", 11)
    canvas.drawString(40, 250, "What is seen stays")
    canvas.saveState()
    draw(canvas)
    canvas.restoreState()
    canvas.drawString(40, 40, "At the foot 2,411")


def written(canvas: Canvas, text: str = SECRET, y: int = 150) -> None:
    canvas.drawString(60, y, text)


def white_on_white(canvas: Canvas) -> None:
    canvas.setFillColorRGB(1, 1, 1)
    written(canvas)


def nearly_white(canvas: Canvas) -> None:
    canvas.setFillColorCMYK(0, 0, 0.02, 0.01)
    written(canvas)


def black_on_black(canvas: Canvas) -> None:
    canvas.rect(50, 140, 200, 30, fill=1)
    written(canvas)


def blue_on_blue(canvas: Canvas) -> None:
    canvas.setFillColorRGB(0.1, 0.2, 0.6)
    canvas.rect(50, 140, 200, 30, fill=1, stroke=0)
    written(canvas)


def behind_a_box(canvas: Canvas) -> None:
    written(canvas)
    canvas.setFillColorRGB(0.9, 0.8, 0.2)
    canvas.rect(50, 140, 200, 30, fill=1)


def behind_a_picture(canvas: Canvas) -> None:
    written(canvas)
    canvas.drawImage(ImageReader(io.BytesIO(picture(200, 50))), 50, 130, 200, 50)


def transparent(canvas: Canvas) -> None:
    canvas.setFillAlpha(0)
    written(canvas)


def of_no_size(canvas: Canvas) -> None:
    canvas.setFont("Helvetica", 0.3)
    written(canvas)


HIDDEN = [
    white_on_white, nearly_white, black_on_black, blue_on_blue, behind_a_box, behind_a_picture, transparent,
    of_no_size,
]  # fmt: skip


@pytest.mark.parametrize("draw", HIDDEN, ids=lambda draw: draw.__name__)
def test_what_nobody_sees_is_left_out_and_told(tmp_path: Path, draw: Callable[[Canvas], None]) -> None:
    answer, texts = prepared(tmp_path, lambda canvas: None, draw)
    assert [(note.code, note.pages) for note in answer.notes] == [("hidden_text", "2")]
    assert "left out" in answer.notes[0].message
    for text in texts:
        assert SECRET not in text
        assert text.splitlines() == ["What is seen stays", "At the foot 2,411"]


def white_on_dark(canvas: Canvas) -> None:
    canvas.setFillColorRGB(0.1, 0.2, 0.4)
    canvas.rect(50, 140, 200, 30, fill=1)
    white_on_white(canvas)


def white_on_a_picture(canvas: Canvas) -> None:
    dark = io.BytesIO()
    from PIL import Image

    Image.new("RGB", (50, 20), (20, 30, 60)).save(dark, "PNG")
    canvas.drawImage(ImageReader(dark), 50, 130, 200, 50)
    white_on_white(canvas)


def white_on_a_shading(canvas: Canvas) -> None:
    clip = canvas.beginPath()
    clip.rect(50, 130, 200, 50)
    canvas.clipPath(clip, stroke=0)
    canvas.linearGradient(50, 130, 250, 130, ("navy", "black"))
    white_on_white(canvas)


def before_a_clear_box(canvas: Canvas) -> None:
    written(canvas)
    canvas.setFillAlpha(0.3)
    canvas.setFillColorRGB(1, 1, 0)
    canvas.rect(50, 140, 200, 30, fill=1)


def outlined_white(canvas: Canvas) -> None:
    canvas.setFillColorRGB(1, 1, 1)
    canvas.setStrokeColorRGB(0, 0, 0)
    canvas.drawString(60, 150, SECRET, mode=2)


def grey(canvas: Canvas) -> None:
    canvas.setFillColorRGB(0.75, 0.75, 0.75)
    written(canvas)


def partly_covered(canvas: Canvas) -> None:
    written(canvas)
    canvas.rect(50, 140, 40, 30, fill=1)


def small(canvas: Canvas) -> None:
    canvas.setFont("Helvetica", 4)
    written(canvas)


def a_row_of_dots(canvas: Canvas) -> None:
    written(canvas, SECRET + " ........................................")
    written(canvas, "......", 120)


SEEN = [
    white_on_dark, white_on_a_picture, white_on_a_shading, before_a_clear_box, outlined_white, grey,
    partly_covered, small, a_row_of_dots,
]  # fmt: skip


@pytest.mark.parametrize("draw", SEEN, ids=lambda draw: draw.__name__)
def test_what_is_seen_leaves_the_file_as_it_is(tmp_path: Path, draw: Callable[[Canvas], None]) -> None:
    answer, texts = prepared(tmp_path, draw)
    assert answer == Prepared()
    assert SECRET in texts[0]


@pytest.mark.parametrize("mode", [0, 3])
def test_the_layer_of_a_scan_is_its_readers_business(tmp_path: Path, mode: Literal[0, 3]) -> None:
    def scan(canvas: Canvas) -> None:
        canvas.drawString(60, 150, SECRET, mode=mode)
        canvas.drawImage(ImageReader(io.BytesIO(picture(400, 300))), 0, 0, 400, 300)

    answer, texts = prepared(tmp_path, scan)
    assert answer == Prepared() and SECRET in texts[0]


def test_an_invisible_layer_stays(tmp_path: Path) -> None:
    answer, texts = prepared(tmp_path, lambda canvas: canvas.drawString(60, 150, SECRET, mode=3))
    assert answer == Prepared() and SECRET in texts[0]


def test_hidden_text_in_a_form_is_told(tmp_path: Path) -> None:
    def form(canvas: Canvas) -> None:
        canvas.beginForm("hidden")
        canvas.setFont("Helvetica", 11)
        white_on_white(canvas)
        canvas.endForm()
        canvas.doForm("hidden")

    answer, texts = prepared(tmp_path, form)
    assert answer.kind == "" and SECRET in texts[0]
    assert [(note.code, note.pages) for note in answer.notes] == [("hidden_text", "1")]
    assert "may be in the result" in answer.notes[0].message


def test_a_page_that_cannot_be_written_the_same_keeps_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden, "_altered", lambda source, out, pages: {0} & set(pages))
    answer, texts = prepared(tmp_path, white_on_white, white_on_white)
    assert [(note.pages, "left out" in note.message) for note in answer.notes] == [("2", True), ("1", False)]
    assert [SECRET in text for text in texts] == [True, False]


def test_pages_that_fail_keep_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(page: object) -> None:
        raise ValueError

    monkeypatch.setattr(hidden, "_suspects", fails)
    answer, _ = prepared(tmp_path, white_on_white)
    assert (answer.kind, [note.code for note in answer.notes]) == ("", ["not_prepared"])
    assert [path.name for path in tmp_path.iterdir()] == ["source.pdf"]
