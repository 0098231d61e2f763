"""Facts of a page or picture: from its text where a person sees that text, from OCR elsewhere.

Covers: which of the two, pages that lie on a side or askew, the size that the other modules expect, limits.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
import pypdfium2
from numpy.typing import NDArray
from PIL import Image

from gradio_app.parsing.readers.embedded import ocr
from gradio_app.parsing.readers.embedded.drawing import Drawing, page_drawing
from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.geometry import Box, area, holds, intersection
from gradio_app.parsing.readers.embedded.image_rules import image_rules
from gradio_app.parsing.readers.embedded.layout import regions
from gradio_app.parsing.readers.embedded.models import Models
from gradio_app.parsing.readers.embedded.pixels import blank, light, upright
from gradio_app.parsing.readers.embedded.posture import normal, on_its_side, skewed, straight_words
from gradio_app.parsing.readers.embedded.words import page_words

Array = NDArray[Any]
Mode = Literal["auto", "txt", "ocr"]

#: pixels per point of a page that is drawn for the layout model, and of one that is read (200 dpi)
_TO_SEE, _TO_READ = 1.7, 200 / 72
#: pixels of a drawn page: as a picture, and to be read; the longer side of one that is read, when it is small
_MOST_PIXELS, _MOST_READ, _LEAST_SIDE = 12_000_000, 6_250_000, 1500
#: the longest side of any picture
_LONGEST_SIDE = 12_000
#: a picture over this part of the page, and fewer visible words: it is a scan
_COVERED, _FEW_WORDS = 0.55, 40
#: hidden words that make a layer
_LAYER = 10
#: a page is turned if the model is so sure
_SURE = 0.8
#: an old layer stays if this part of its characters was read anew at most, or the recogniser is no surer
_READ_LESS, _UNSURE = 0.5, 0.75
#: dots per inch of pictures that do not tell any, and those that are believed
_DPI, _DPI_RANGE = 150.0, (50.0, 1300.0)


def read_page(
    page: pypdfium2.PdfPage, mode: Mode, models: Models | None, *, need_regions: bool = True
) -> PageFacts:
    """What is on a page of a PDF.

    ``txt`` takes its text only, ``ocr`` reads its picture whatever text it has, ``auto`` reads what has no
    text, or text that is not what a person sees. Without models the text is all there is, and no regions.
    """
    width, height = cast(tuple[float, float], page.get_size())
    drawing = page_drawing(page)
    words = _seen(page_words_of(page), drawing, width * height)
    visible = [word for word in words if word.visible]
    able = models if models is not None and models.available else None
    kind = _kind(mode, words, visible, drawing, width * height)
    if kind != "text" and mode != "txt" and able is not None:
        if not words and not drawing.images and mode != "ocr" and blank(_drawn(page, 0.5)):
            return PageFacts(width, height)
        facts = _read(page, drawing, visible if kind == "mixed" else [], able, need_regions)
        if kind != "layer" or _better(facts, words):
            return normal(facts)
    layer = kind == "layer" or (kind == "scan" and bool(words) and not visible)
    facts = PageFacts(
        width, height, tuple(visible if visible and not layer else words),
        tuple(drawing.horizontal), tuple(drawing.vertical), tuple(drawing.images), layer=layer,
    )  # fmt: skip
    return _of_text(page, facts, able if need_regions else None)


def read_picture(image: Image.Image, models: Models, *, need_regions: bool = True) -> PageFacts:
    """What is on a picture: a frame of a PNG, JPEG or TIFF file, upright by its EXIF. It needs models."""
    dots = [float(value) for value in image.info.get("dpi") or (0, 0)][:2]
    across, down = dots if all(_DPI_RANGE[0] <= value <= _DPI_RANGE[1] for value in dots) else (_DPI, _DPI)
    width, height = image.width * 72 / across, image.height * 72 / down
    scale = min(_scale(width, height, _MOST_READ), max(across, down) / 72 * 2)
    pixels = _small(image, max(1, round(width * scale)), max(1, round(height * scale)))
    if blank(light(pixels)):
        return PageFacts(width, height, picture=pixels, scale=scale)
    drawing = Drawing(images=[(0.0, 0.0, width, height)])
    return normal(_read_pixels(pixels, scale, (width, height), drawing, [], models, need_regions))


def page_words_of(page: pypdfium2.PdfPage) -> list[Word]:
    """The words of the page; none where pdfium cannot read its text."""
    try:
        return page_words(page)
    except pypdfium2.PdfiumError:
        return []


def _seen(words: list[Word], drawing: Drawing, whole: float) -> list[Word]:
    """Words behind a picture that was painted over half of the page and most of them are not visible."""
    cover = max(drawing.covering, key=area, default=(0.0, 0.0, 0.0, 0.0))
    if area(cover) <= 0.5 * whole:
        return words
    behind = sum(holds(cover, word.cx, word.cy) for word in words)
    return [replace(word, visible=False) for word in words] if behind > 0.8 * len(words) else words


def _kind(
    mode: Mode, words: list[Word], visible: list[Word], drawing: Drawing, whole: float
) -> Literal["text", "scan", "mixed", "layer"]:
    """How to read a page: ``layer``, where its text is hidden, ``mixed``, where a scan has some text."""
    hidden, few = len(words) - len(visible), len(visible) < _FEW_WORDS
    if mode == "ocr":
        return "scan"
    if few and hidden >= _LAYER:
        return "layer"
    if not words:
        return "scan"
    if few and max(map(area, drawing.images), default=0.0) > _COVERED * whole:
        return "mixed" if visible else "scan"
    return "text"


def _better(facts: PageFacts, words: list[Word]) -> bool:
    """Whether a page was read anew well enough to forget its old layer."""
    old, new = (sum(len(word.text) for word in each) for each in (words, facts.words))
    return new > _READ_LESS * old and facts.confidence > _UNSURE


def _scale(width: float, height: float, most: float) -> float:
    """Pixels per point to read a page of this size: 200 dpi; more for a small one, less for a large one."""
    long = max(width, height)
    scale = max(_TO_READ, min(2.2 * _TO_READ, _LEAST_SIDE / long))
    return min(scale, math.sqrt(most / (width * height)), _LONGEST_SIDE / long)


def _drawn(page: pypdfium2.PdfPage, scale: float) -> Array:
    """The page in pixels: height x width x 3 of RGB."""
    width, height = cast(tuple[float, float], page.get_size())
    scale = min(scale, math.sqrt(_MOST_PIXELS / (width * height)), _LONGEST_SIDE / max(width, height))
    bitmap = cast(Any, page).render(scale=scale, rev_byteorder=True)
    pixels = cast(Array, bitmap.to_numpy())
    return np.ascontiguousarray(pixels[:, :, :3]) if pixels.shape[2] >= 3 else np.repeat(pixels, 3, 2)


def _small(image: Image.Image, width: int, height: int) -> Array:
    """The picture at this size: reduced while it is decoded where the format can, without transparency."""
    if image.mode not in ("RGB", "L") or "transparency" in image.info:
        image.draft("RGB", (width, height))
    if image.width > 2 * width and image.height > 2 * height:
        image = image.reduce(min(image.width // width, image.height // height))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image.convert("RGBA"))
    return np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC))


def _read(
    page: pypdfium2.PdfPage, drawing: Drawing, visible: list[Word], models: Models, need_regions: bool
) -> PageFacts:
    size = cast(tuple[float, float], page.get_size())
    pixels = _drawn(page, _scale(*size, _MOST_READ))
    return _read_pixels(pixels, pixels.shape[1] / size[0], size, drawing, visible, models, need_regions)


def _read_pixels(
    pixels: Array,
    scale: float,
    size: tuple[float, float],
    drawing: Drawing,
    visible: list[Word],
    models: Models,
    need_regions: bool,
) -> PageFacts:
    """OCR of a drawn page; ``visible`` words of its text stay, and nothing is turned then."""
    pixels, turned = light(pixels), 0
    degrees, sure = (0, 0.0) if visible else upright(Image.fromarray(pixels), models)
    images = drawing.images
    if degrees and sure > _SURE:
        turned = degrees
        pixels = np.ascontiguousarray(np.rot90(pixels, degrees // 90))
        images = [_turned(box, degrees, size) for box in images]
        size = size if degrees == 180 else (size[1], size[0])
    found = ocr.read_page(pixels, models, straighten=not visible)
    flat, (dx, dy) = found.picture, found.corner

    def place(box: Box) -> Box:
        return (box[0] - dx) / scale, (box[1] - dy) / scale, (box[2] - dx) / scale, (box[3] - dy) / scale

    words = [replace(word, **_at(place(word.box)), size=word.size / scale) for word in found.words]
    if visible:
        words = [*visible, *(word for word in words if not _covered(word, visible))]
        across, down = drawing.horizontal, drawing.vertical
    else:
        across, down = ([place(box) for box in boxes] for boxes in image_rules(flat, scale))
    seen = regions(flat, scale, models) if need_regions else ()
    shown = flat[round(dy) : round(dy) + pixels.shape[0], round(dx) : round(dx) + pixels.shape[1]]
    return PageFacts(
        *size,
        tuple(words),
        tuple(across),
        tuple(down),
        tuple(images),
        tuple(replace(region, box=_moved(region.box, dx / scale, dy / scale)) for region in seen),
        scan=True,
        turned=turned,
        skew=found.slope,
        picture=shown,
        scale=scale,
        unread=tuple(map(place, found.unread)),
        confidence=found.sure,
        left_out=found.left_out,
    )


def _at(box: Box) -> dict[str, Any]:
    return dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))


def _moved(box: Box, dx: float, dy: float) -> Box:
    return box[0] - dx, box[1] - dy, box[2] - dx, box[3] - dy


def _turned(box: Box, degrees: int, size: tuple[float, float]) -> Box:
    """Where a box is after the page was turned counter-clockwise."""
    (x0, y0, x1, y1), (width, height) = box, size
    if degrees == 90:
        return y0, width - x1, y1, width - x0
    if degrees == 180:
        return width - x1, height - y1, width - x0, height - y0
    return height - y1, x0, height - y0, x1


def _covered(word: Word, others: list[Word]) -> bool:
    """Whether a fifth of a word is where another one already is."""
    return any(intersection(word.box, other.box) > 0.2 * area(word.box) for other in others)


def _of_text(page: pypdfium2.PdfPage, facts: PageFacts, models: Models | None) -> PageFacts:
    """A page that is read by its text: upright, lines of a layer laid flat, with regions where models are."""
    if models is not None:
        pixels = _drawn(page, _TO_SEE)
        facts = replace(facts, picture=pixels, scale=pixels.shape[1] / facts.width)
    facts = on_its_side(facts)
    if models is not None and facts.picture is not None:
        facts = replace(facts, regions=regions(facts.picture, facts.scale, models))
    if facts.layer and not facts.turned and (slope := skewed(facts.words)):
        facts = straight_words(facts, slope)
    return normal(facts)
