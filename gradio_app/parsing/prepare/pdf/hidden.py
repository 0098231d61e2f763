"""Text that nobody can see: in the colour of its ground, behind what was painted later, or of no size.

Whatever may be hidden, by its colour and place, is taken from the drawing of the page on trial: what leaves
no gap there is hidden. It is taken out where the page can be written without it, and noted in any case.
Does not cover: the layer that a scanner's OCR wrote (``page_kinds``), and text outside of the page.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gradio_app.parsing.prepare.prepared import Prepared
from gradio_app.parsing.readers.embedded.drawing import bounds_of, joined_strips, objects_of
from gradio_app.parsing.readers.embedded.geometry import Box, area, intersection

#: objects of a page that are looked at, and of them those that may be behind or before a text
_MOST_OBJECTS, _MOST_GROUNDS, _MOST_SUSPECTS = 20_000, 400, 5_000
#: a picture over this part of the page: a scan, whose text is its reader's business
_SCAN = 0.55
#: difference of two colours, 0 to 255 in each channel, that is not seen
_SAME = 24
#: points: the size that nobody reads; how many times as long as it is high such a text is, unlike dots
_NO_SIZE, _LONG = 1.0, 6.0
#: hidden texts of a page whose letters are counted, and the letters that matter
_LOOKED_AT, _LEAST_LETTERS = 50, 3
#: square points and points of height of a ground that can hold text
_GROUND, _GROUND_HEIGHT = 12.0, 3.0
#: pixels per point of the drawing, and pixels at most
_SCALE, _MOST_PIXELS = 1.5, 6_000_000
#: share of the pixels of a page that may differ once it was written anew
_ALTERED = 0.0005
_TRANSPARENT, _OPAQUE = 8, 250
_CLIPS = 7
_INVISIBLE = 3

#: where pdfium writes a colour; a worker reads with one thread
_VALUES = ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint()

_Color = tuple[int, int, int]
_WHITE: _Color = (255, 255, 255)


@dataclass(slots=True)
class _Text:
    """A text object. ``inner``: it is inside of a form, which cannot be written without it."""

    raw: Any
    box: Box
    color: _Color
    inner: bool
    suspect: bool = False
    sure: bool = False


@dataclass(frozen=True, slots=True)
class _Ground:
    """Something filled that text stands on or behind; pictures have no colour that is known."""

    box: Box
    color: _Color | None


def take_out(source: Path, out: Path, said: Prepared) -> bool:
    """Writes ``out`` without the text of ``source`` that nobody can see, if there is any; notes its pages."""
    import pypdfium2 as pdfium

    document = cast(Any, pdfium.PdfDocument(source))
    try:
        found = {number: texts for number in range(len(document)) if (texts := _hidden(document[number]))}
    finally:
        document.close()
    if not found:
        return False
    # a page that cannot be written without them keeps all: half a mend would be told wrongly
    whole = [number for number, texts in found.items() if not any(text.inner for text in texts)]
    left_out = _written(source, out, whole) if whole else []
    kept = [number for number in found if number not in left_out]
    if left_out:
        said.note(
            "hidden_text", "Text that nobody can see on the page was left out.", [n + 1 for n in left_out]
        )
    if kept:
        said.note(
            "hidden_text",
            "Text that nobody can see on the page may be in the result. Compare it with the page.",
            [number + 1 for number in kept],
        )
    return bool(left_out)


def _written(source: Path, out: Path, pages: Sequence[int]) -> list[int]:
    """Writes the document without the hidden text of these pages; gives those that look as before."""
    import pypdfium2 as pdfium
    import pypdfium2.raw as c

    while pages:
        before = cast(Any, pdfium.PdfDocument(source))
        try:
            changed = [before[number] for number in pages]
            for page in changed:
                for text in _hidden(page):
                    c.FPDFPageObj_SetIsActive(text.raw, 0)
                page.gen_content()
            before.save(out)
        finally:
            before.close()
        altered = _altered(source, out, pages)
        if not altered:
            return list(pages)
        pages = [number for number in pages if number not in altered]
    out.unlink(missing_ok=True)
    return []


def _altered(source: Path, out: Path, pages: Sequence[int]) -> set[int]:
    """Pages that do not look in ``out`` as they do in ``source``."""
    import pypdfium2 as pdfium

    before, after = cast(Any, pdfium.PdfDocument(source)), cast(Any, pdfium.PdfDocument(out))
    try:
        return {
            number
            for number in pages
            if _differs(_drawn(before[number]), _drawn(after[number])).mean() > _ALTERED
        }
    finally:
        before.close()
        after.close()


def _hidden(page: Any) -> list[_Text]:
    """The hidden texts of a page, if they are more than a few signs."""
    import pypdfium2.raw as c

    if page.get_rotation() or c.FPDFPage_CountObjects(page.raw) > _MOST_OBJECTS:
        return []
    suspects = _suspects(page)
    found = _without_gap(page, suspects) if suspects else []
    return found if found and _enough(page, found) else []


def _enough(page: Any, texts: Sequence[_Text]) -> bool:
    """Whether texts hold more than the blanks, dots and rules that many programs leave behind."""
    text = page.get_textpage()
    try:
        return sum(_letters(text, one) for one in texts[:_LOOKED_AT]) >= _LEAST_LETTERS
    finally:
        text.close()


def _letters(text: Any, one: _Text) -> int:
    import pypdfium2.raw as c

    units = (ctypes.c_ushort * 256)()
    count: int = c.FPDFTextObj_GetText(one.raw, text.raw, units, 256)
    return sum(chr(unit).isalnum() for unit in units[: min(max(0, count - 1), 256)])


def _without_gap(page: Any, suspects: Sequence[_Text]) -> list[_Text]:
    """Those that leave no gap in the drawing of the page."""
    doubtful = [text for text in suspects if not text.sure]
    if not doubtful:
        return list(suspects)
    import pypdfium2.raw as c

    whole = _drawn(page)
    for text in doubtful:
        c.FPDFPageObj_SetIsActive(text.raw, 0)
    rest = _drawn(page)
    for text in doubtful:
        c.FPDFPageObj_SetIsActive(text.raw, 1)
    scale, (left, _, _, top) = _scale(page), page.get_bbox()
    return [text for text in suspects if text.sure or not _gap(whole, rest, text.box, left, top, scale)]


def _gap(whole: NDArray[Any], rest: NDArray[Any], box: Box, left: float, top: float, scale: float) -> bool:
    """Whether two drawings of a page differ where a text is."""
    x0, x1 = (box[0] - left) * scale, (box[2] - left) * scale
    y0, y1 = (top - box[3]) * scale, (top - box[1]) * scale
    part = (
        slice(max(0, math.floor(y0) - 1), max(0, math.ceil(y1) + 2)),
        slice(max(0, math.floor(x0) - 1), max(0, math.ceil(x1) + 2)),
    )
    return bool(_differs(whole[part], rest[part]).any())


def _scale(page: Any) -> float:
    width, height = page.get_size()
    return min(_SCALE, math.sqrt(_MOST_PIXELS / max(1.0, width * height)))


def _drawn(page: Any) -> NDArray[Any]:
    bitmap = page.render(scale=_scale(page), may_draw_forms=False, draw_annots=False, rev_byteorder=True)
    return bitmap.to_numpy()[:, :, :3]


def _differs(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """For each pixel whether a person can see a difference."""
    if one.shape != other.shape:
        return np.ones((1, 1), np.bool_)
    return (np.maximum(one, other) - np.minimum(one, other)).max(2, initial=0) > _SAME


# ------------------------------------------------------------ what may be hidden


def _suspects(page: Any) -> list[_Text]:
    """Texts of a page that may be hidden, by their colour and what was painted before and after them."""
    texts, grounds, pictures = list[_Text](), list[_Ground](), list[Box]()
    seen_box = cast(Box, page.get_bbox())
    for kind, value in islice(_things(page), _MOST_OBJECTS):
        if kind == "text":
            if intersection(value.box, seen_box) <= 0:
                continue
            _judge(value, grounds)
            texts.append(value)
            continue
        if kind == "picture":
            pictures.append(value.box)
        if len(grounds) < _MOST_GROUNDS:
            grounds.append(value)
            for text in texts:
                text.suspect = text.suspect or _within(text.box, value.box)
    if any(intersection(box, seen_box) > _SCAN * area(seen_box) for box in joined_strips(pictures)):
        return []
    return [text for text in texts if text.suspect or text.sure][:_MOST_SUSPECTS]


def _within(text: Box, ground: Box) -> bool:
    return (
        ground[0] - 1 <= text[0]
        and text[2] <= ground[2] + 1
        and ground[1] - 1 <= text[1]
        and text[3] <= ground[3] + 1
    )


def _judge(text: _Text, grounds: Sequence[_Ground]) -> None:
    """Whether a text may be in the colour of what was painted before it; a page is white."""
    cx, cy = (text.box[0] + text.box[2]) / 2, (text.box[1] + text.box[3]) / 2
    if text.suspect or text.sure:
        return
    for ground in reversed(grounds):
        box = ground.box
        if box[0] <= cx <= box[2] and box[1] <= cy <= box[3]:
            text.suspect = ground.color is None or _alike(ground.color, text.color)
            return
    text.suspect = _alike(_WHITE, text.color)


def _alike(one: _Color, other: _Color) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= _SAME


def _things(page: Any) -> Iterator[tuple[str, Any]]:
    """Texts and grounds of a page in the order in which they are painted."""
    import pypdfium2 as pdfium
    import pypdfium2.raw as c

    for thing, form in objects_of(page):
        try:
            box = bounds_of(thing, form)
        except pdfium.PdfiumError:
            continue
        match thing.type:
            case c.FPDF_PAGEOBJ_TEXT:
                mode = c.FPDFTextObj_GetTextRenderMode(thing.raw)
                if mode not in (_INVISIBLE, _CLIPS) and area(box) > 0:
                    yield "text", _text(thing, box, mode, inner=form is not None)
            case c.FPDF_PAGEOBJ_PATH:
                color = _fill(thing) if _large(box) else None
                if color is not None and color[3] >= _OPAQUE:
                    yield "path", _Ground(box, color[:3])
            case c.FPDF_PAGEOBJ_IMAGE | c.FPDF_PAGEOBJ_SHADING:
                if _large(box):
                    kind = "picture" if thing.type == c.FPDF_PAGEOBJ_IMAGE else "path"
                    yield kind, _Ground(box, None)
            case _:
                pass


def _large(box: Box) -> bool:
    return box[3] - box[1] >= _GROUND_HEIGHT and area(box) >= _GROUND


def _text(thing: Any, box: Box, mode: int, inner: bool) -> _Text:
    import pypdfium2.raw as c

    color = _color(thing, c.FPDFPageObj_GetFillColor if mode % 4 != 1 else c.FPDFPageObj_GetStrokeColor)
    text = _Text(thing.raw, box, color[:3] if color else (0, 0, 0), inner)
    text.suspect = color is not None and color[3] <= _TRANSPARENT
    high = box[3] - box[1]
    if high < _NO_SIZE and box[2] - box[0] > _LONG * high and not inner:
        size = ctypes.c_float()
        matrix = thing.get_matrix()
        known = c.FPDFTextObj_GetFontSize(thing.raw, ctypes.byref(size))
        text.sure = bool(known) and abs(size.value) * math.hypot(matrix.c, matrix.d) < _NO_SIZE
    return text


def _fill(path: Any) -> tuple[int, int, int, int] | None:
    import pypdfium2.raw as c

    fill, stroke = ctypes.c_int(), ctypes.c_int()
    c.FPDFPath_GetDrawMode(path.raw, ctypes.byref(fill), ctypes.byref(stroke))
    return _color(path, c.FPDFPageObj_GetFillColor) if fill.value else None


def _color(thing: Any, get: Any) -> tuple[int, int, int, int] | None:
    red, green, blue, alpha = _VALUES
    if not get(thing.raw, red, green, blue, alpha):
        return None
    return red.value, green.value, blue.value, alpha.value
