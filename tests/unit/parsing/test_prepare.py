"""Unusual files become plain ones that look the same; plain ones are left alone."""

from __future__ import annotations

import io
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from PIL import Image, ImageDraw
from pypdf import PdfReader, PdfWriter
from pypdf.generic import RectangleObject
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from gradio_app.base.errors import TooManyPages
from gradio_app.parsing.prepare import Wanted, pictures, prepare
from tests.documents import picture, text_pdf
from tests.scans import text_page

RED, GREEN, BLUE = (200, 30, 30), (30, 160, 30), (30, 30, 200)


def drawn(page: Any, scale: float = 1.0) -> np.ndarray:
    return np.asarray(page.render(scale=scale).to_pil().convert("RGB"), np.int16)


def some_drawing(canvas: Canvas) -> None:
    canvas.drawString(40, 250, "Top left of the page")
    canvas.drawImage(ImageReader(io.BytesIO(picture(100, 60))), 220, 30, 100, 60)
    canvas.saveState()
    clip = canvas.beginPath()
    clip.rect(60, 60, 40, 90)
    canvas.clipPath(clip, stroke=0)
    canvas.setFillColorRGB(0, 0.5, 0)
    canvas.circle(60, 100, 50, fill=1)
    canvas.restoreState()
    canvas.rect(300, 200, 50, 80, fill=1)


def turned_pdf(rotation: int, crop: tuple[int, int, int, int] | None = None, origin: int = 0) -> bytes:
    """A page with ``/Rotate`` and a link; its boxes may begin elsewhere than at (0, 0)."""

    def draw(canvas: Canvas) -> None:
        canvas.translate(origin, origin)
        some_drawing(canvas)
        canvas.linkURL("https://example.org/a", (40, 245, 150, 262), relative=1)

    page = PdfReader(io.BytesIO(text_page(draw, 400 + origin, 300 + origin))).pages[0]
    page.mediabox = RectangleObject((origin, origin, 400 + origin, 300 + origin))
    page.cropbox = RectangleObject(crop) if crop else page.mediabox
    page.rotate(rotation)
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_page(page)
    writer.add_page(PdfReader(io.BytesIO(text_pdf())).pages[0])
    writer.write(out)
    return out.getvalue()


def made(tmp_path: Path, content: bytes, kind: str) -> Path:
    """The prepared file; it was made."""
    source, out = tmp_path / f"source.{kind}", tmp_path / "out"
    source.write_bytes(content)
    assert prepare(source, kind, out, Wanted()).kind == "pdf"
    assert source.read_bytes() == content
    return out


def assert_left(tmp_path: Path, content: bytes, kind: str, *codes: str) -> None:
    """The file stays as it is, with notes of these codes."""
    source, out = tmp_path / f"source.{kind}", tmp_path / "out"
    source.write_bytes(content)
    prepared = prepare(source, kind, out, Wanted())
    assert (prepared.kind, [note.code for note in prepared.notes]) == ("", [*codes])
    assert not out.exists() and source.read_bytes() == content


# ------------------------------------------------------------ PDF


@pytest.mark.parametrize("origin", [0, 30], ids=["", "origin"])
@pytest.mark.parametrize("crop", [None, (50, 40, 330, 290)], ids=["whole", "cropped"])
@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_page_looks_the_same_and_is_upright(
    tmp_path: Path, rotation: int, crop: tuple[int, int, int, int] | None, origin: int
) -> None:
    content = turned_pdf(rotation, crop, origin)
    before = pypdfium2.PdfDocument(content)
    after = pypdfium2.PdfDocument(made(tmp_path, content, "pdf"))
    assert [page.get_rotation() for page in after] == [0, 0]
    assert [page.get_size() for page in after] == [page.get_size() for page in before]
    for old, new in zip(before, after, strict=True):
        difference = np.abs(drawn(old, 2) - drawn(new, 2))
        # curves are drawn with other roundings at their edges; nothing is elsewhere
        assert (difference > 64).mean() < 0.0005, f"{(difference > 64).mean():.5f} of the pixels differ"


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_links_stay_over_their_words(tmp_path: Path, rotation: int) -> None:
    reader = PdfReader(made(tmp_path, turned_pdf(rotation), "pdf"))
    annotation = reader.pages[0]["/Annots"][0].get_object()  # type: ignore[index]
    x0, y0, x1, y1 = map(float, annotation["/Rect"])
    expected = {  # of (40, 245, 150, 262) on 400 x 300
        90: (245, 250, 262, 360),
        180: (250, 38, 360, 55),
        270: (38, 40, 55, 150),
    }[rotation]
    assert (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)) == pytest.approx(expected, abs=0.1)
    assert annotation["/A"]["/URI"] == "https://example.org/a"


def test_words_of_a_prepared_page_run_from_left_to_right(tmp_path: Path) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rotate(90)
        canvas.drawString(20, -50, "A figure of 2,411 stands here")

    page = PdfReader(io.BytesIO(text_page(draw))).pages[0]
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_page(page.rotate(90))
    writer.write(out)
    text = pypdfium2.PdfDocument(made(tmp_path, out.getvalue(), "pdf"))[0].get_textpage()
    boxes = [text.get_charbox(index) for index in (0, 10)]
    assert boxes[0][0] < boxes[1][0] and boxes[0][3] == pytest.approx(boxes[1][3], abs=8)
    assert text.get_text_bounded().strip() == "A figure of 2,411 stands here"


def test_a_plain_pdf_is_left_alone(tmp_path: Path) -> None:
    assert_left(tmp_path, text_pdf(2), "pdf")


def test_a_full_turn_is_none(tmp_path: Path) -> None:
    writer, out = PdfWriter(), io.BytesIO()
    writer.add_page(PdfReader(io.BytesIO(text_pdf())).pages[0])
    writer.pages[0].rotate(360)
    writer.write(out)
    assert_left(tmp_path, out.getvalue(), "pdf")


# ------------------------------------------------------------ pictures


def frame(color: tuple[int, int, int], size: tuple[int, int] = (120, 80)) -> Image.Image:
    """A sheet of one colour with a black corner at its top left."""
    image = Image.new("RGB", size, color)
    ImageDraw.Draw(image).rectangle((0, 0, 20, 20), fill="black")
    return image


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def corner_of(pixels: np.ndarray) -> str:
    """Where the black corner is."""
    dark = np.argwhere(pixels.sum(2) < 120).mean(0) / pixels.shape[:2]
    return ("top " if dark[0] < 0.5 else "bottom ") + ("left" if dark[1] < 0.5 else "right")


def test_a_tiff_of_three_becomes_three_pages(tmp_path: Path) -> None:
    frames = [frame(RED), frame(GREEN, (80, 120)), frame(BLUE).convert("P")]
    content = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    document = pypdfium2.PdfDocument(made(tmp_path, content, "tiff"))
    assert len(document) == 3
    for page, color, ratio in zip(document, (RED, GREEN, BLUE), (1.5, 2 / 3, 1.5), strict=True):
        pixels = drawn(page)
        middle = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2]
        assert np.abs(middle - color).max() < 12
        assert page.get_width() / page.get_height() == pytest.approx(ratio, abs=0.03)
        assert corner_of(pixels) == "top left"


def test_black_and_white_pages_of_a_fax_stay_sharp(tmp_path: Path) -> None:
    white = Image.new("1", (400, 300), 1)
    ImageDraw.Draw(white).rectangle((0, 0, 40, 40), fill=0)
    content = saved(white, "TIFF", save_all=True, append_images=[white.copy()], compression="group4")
    document = pypdfium2.PdfDocument(made(tmp_path, content, "tiff"))
    assert len(document) == 2
    pixels = drawn(document[1], 4)
    assert corner_of(pixels) == "top left" and pixels.max() == 255 and pixels.min() == 0


@pytest.mark.parametrize(
    ("orientation", "corner"), [(3, "bottom right"), (6, "top right"), (8, "bottom left")]
)
def test_a_turned_photo_stands_upright(tmp_path: Path, orientation: int, corner: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(frame(RED), "JPEG", exif=exif.tobytes(), quality=95)
    page = pypdfium2.PdfDocument(made(tmp_path, content, "jpg"))[0]
    assert corner_of(drawn(page, 4)) == corner
    wide = page.get_width() > page.get_height()
    assert wide == (orientation == 3)


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (100, 80), (0, 0, 0, 0))
    ImageDraw.Draw(clear).rectangle((10, 10, 30, 30), fill=(*RED, 255))
    exif = Image.Exif()
    exif[0x0112] = 3
    page = pypdfium2.PdfDocument(made(tmp_path, saved(clear, "PNG", exif=exif.tobytes()), "png"))[0]
    pixels = drawn(page, 4)
    assert pixels[2, 2].min() > 245
    red = np.argwhere(pixels[:, :, 1] < 120).mean(0) / pixels.shape[:2]
    assert red == pytest.approx([0.75, 0.8], abs=0.05)


@pytest.mark.parametrize("modes", [("1", "RGB"), ("L", "1"), ("P", "RGB"), ("RGBA", "CMYK")])
def test_pages_may_be_of_different_modes(tmp_path: Path, modes: tuple[str, str]) -> None:
    frames = [frame((250, 250, 250)).convert(mode) for mode in modes]
    content = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    document = pypdfium2.PdfDocument(made(tmp_path, content, "tiff"))
    assert [corner_of(drawn(page, 4)) for page in document] == ["top left", "top left"]
    assert all(drawn(page, 4)[-3, -3].min() > 240 for page in document)


def test_pictures_are_not_all_in_memory_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[weakref.ref[Image.Image]] = []
    most = 0

    def watched(found: pictures._Pictures) -> Iterator[Image.Image]:
        nonlocal most
        for one in read(found):
            alive.append(weakref.ref(one))
            most = max(most, sum(ref() is not None for ref in alive))
            yield one

    read = pictures._Pictures.read
    monkeypatch.setattr(pictures._Pictures, "read", watched)
    made(tmp_path, saved(frame(RED), "TIFF", save_all=True, append_images=[frame(BLUE)] * 9), "tiff")
    assert len(alive) == 10 and most <= 3


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "BMP", "GIF"])
def test_a_plain_picture_is_left_alone(tmp_path: Path, form: str) -> None:
    assert_left(tmp_path, saved(frame(RED), form), form.lower().replace("jpeg", "jpg"))


def test_a_broken_tiff_is_read_as_it_came(tmp_path: Path) -> None:
    content = saved(frame(RED), "TIFF", save_all=True, append_images=[frame(BLUE), frame(GREEN)])
    assert_left(tmp_path, content[:8] + b"\xff" * 200, "tiff", "not_prepared")


def test_a_broken_pdf_is_left_for_the_reader(tmp_path: Path) -> None:
    assert_left(tmp_path, turned_pdf(90)[:700], "pdf", "not_prepared")


def test_too_many_pictures_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_MOST_PICTURES", 2)
    source = tmp_path / "source.tiff"
    source.write_bytes(saved(frame(RED), "TIFF", save_all=True, append_images=[frame(BLUE)] * 2))
    with pytest.raises(TooManyPages):
        prepare(source, "tiff", tmp_path / "out", Wanted())
    assert not (tmp_path / "out").exists()


def test_other_kinds_are_left_alone(tmp_path: Path) -> None:
    assert_left(tmp_path, b"a,b\n1,2\n", "csv")
