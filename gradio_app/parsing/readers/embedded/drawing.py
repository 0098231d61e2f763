"""What is drawn on a page beside its text: rules, raster pictures, pictures painted over the text.

A rule is a thin filled box, a side of a stroked box, or a straight part of a path. Objects inside of forms
are looked at, too, and stand where their forms are placed. A picture in strips is one.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pypdfium2
import pypdfium2.raw as pdfium

from gradio_app.parsing.readers.embedded.geometry import Box
from gradio_app.parsing.readers.embedded.words import to_upright

#: objects of a page that are looked at, forms inside of forms, parts of a path, rules that are kept
MOST_OBJECTS, _DEEPEST, _MOST_SEGMENTS, MOST_RULES = 6000, 6, 400, 6000
#: points: a rule is no thicker than this, and at least so long across the page, and down
_THICK, _LEAST_ACROSS, _LEAST_DOWN = 2.2, 8, 6
#: a stroked box with sides longer than this is four rules
_FRAME = 3
#: points between two strips of one picture, and between their ends
_STRIPS = 2.0


@dataclass(slots=True)
class Drawing:
    """Rules as boxes without height or width, raster pictures, and those of them that are painted after the
    last text of the page. ``complete``: no limit was met."""

    horizontal: list[Box] = field(default_factory=list[Box])
    vertical: list[Box] = field(default_factory=list[Box])
    images: list[Box] = field(default_factory=list[Box])
    covering: list[Box] = field(default_factory=list[Box])
    complete: bool = True

    def add(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A box or line, from corner to corner: kept if it is a rule."""
        x0, x1 = min(x0, x1), max(x0, x1)
        y0, y1 = min(y0, y1), max(y0, y1)
        if len(self.horizontal) + len(self.vertical) >= MOST_RULES:
            self.complete = False
        elif y1 - y0 <= _THICK and x1 - x0 >= _LEAST_ACROSS:
            self.horizontal.append((x0, (y0 + y1) / 2, x1, (y0 + y1) / 2))
        elif x1 - x0 <= _THICK and y1 - y0 >= _LEAST_DOWN:
            self.vertical.append(((x0 + x1) / 2, y0, (x0 + x1) / 2, y1))


_Place = Callable[[float, float], tuple[float, float]]
#: where the form around an object is placed on the page; None outside of forms
_Form = pypdfium2.PdfMatrix | None


def page_drawing(page: pypdfium2.PdfPage) -> Drawing:
    """Rules and pictures of the page as it is shown; a page that cannot be walked through has none."""
    found, place = Drawing(), to_upright(page)
    size = cast(tuple[float, float], page.get_size())
    try:
        for number, (thing, form) in enumerate(objects_of(page)):
            if number >= MOST_OBJECTS:
                found.complete = False
                break
            _note(thing, form, found, place, size)
    except pypdfium2.PdfiumError:
        found.complete = False
    found.images, found.covering = joined_strips(found.images), joined_strips(found.covering)
    return found


def objects_of(
    page: pypdfium2.PdfPage, depth: int = _DEEPEST, inside: Any = None, form: _Form = None
) -> Iterator[tuple[Any, _Form]]:
    """The objects of a page in the order in which they are painted, with the place of the form around each.

    ``depth``: forms inside of forms. pdfium tells where an object is within its form only.
    """
    for thing in cast(Any, page).get_objects(max_depth=1, form=inside):
        yield thing, form
        if thing.type == pdfium.FPDF_PAGEOBJ_FORM and depth > 1:
            matrix = thing.get_matrix()
            yield from objects_of(page, depth - 1, thing, matrix.multiply(form) if form else matrix)


def bounds_of(thing: Any, form: _Form) -> Box:
    """Left, bottom, right, top of an object in the coordinates of the page; raises ``PdfiumError``."""
    bounds = cast(Box, thing.get_bounds())
    return cast(Box, cast(Any, form).on_rect(*bounds)) if form else bounds


def joined_strips(boxes: Iterable[Box]) -> list[Box]:
    """Pictures of which those that touch with a whole side are one: scanners write pages as strips."""
    found = list(boxes)
    for along, across in ((1, 0), (0, 1)):  # strips below one another, then those beside one another
        found.sort(key=lambda box: (round(box[across]), round(box[across + 2]), box[along]))
        joined: list[Box] = []
        for box in found:
            last = joined[-1] if joined else None
            if last and _continues(last, box, along, across):
                x0, y0, x1, y1 = last
                joined[-1] = (min(x0, box[0]), min(y0, box[1]), max(x1, box[2]), max(y1, box[3]))
            else:
                joined.append(box)
        found = joined
    return found


def _continues(a: Box, b: Box, along: int, across: int) -> bool:
    level = all(abs(a[side] - b[side]) <= _STRIPS for side in (across, across + 2))
    return level and b[along] - a[along + 2] <= _STRIPS


def _note(thing: Any, form: _Form, found: Drawing, place: _Place, size: tuple[float, float]) -> None:
    try:
        left, bottom, right, top = bounds_of(thing, form)
    except pypdfium2.PdfiumError:
        return
    if thing.type == pdfium.FPDF_PAGEOBJ_TEXT:
        found.covering.clear()
    elif thing.type == pdfium.FPDF_PAGEOBJ_IMAGE:
        box = _within(place(left, top), place(right, bottom), size)
        found.images.append(box)
        found.covering.append(box)
    elif thing.type == pdfium.FPDF_PAGEOBJ_PATH:
        _note_path(thing, form, found, place, (left, bottom, right, top))


def _within(a: tuple[float, float], b: tuple[float, float], size: tuple[float, float]) -> Box:
    (x0, x1), (y0, y1) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return max(0.0, x0), max(0.0, y0), min(size[0], x1), min(size[1], y1)


def _note_path(thing: Any, form: _Form, found: Drawing, place: _Place, bounds: Box) -> None:
    left, bottom, right, top = bounds
    segments = pdfium.FPDFPath_CountSegments(thing.raw)
    if form and segments == 2 and _is_thin(thing):  # the space that pdfium puts around a line grows with it
        _note_segments(thing, form, found, place, segments)
        return
    if segments not in (4, 5) and segments > 2 and right - left >= 2.5 and top - bottom >= 2.5:
        if segments <= _MOST_SEGMENTS:
            _note_segments(thing, form, found, place, segments)
        return
    (x0, y0), (x1, y1) = place(left, top), place(right, bottom)
    if not _only_stroked(thing) or min(abs(x1 - x0), abs(y1 - y0)) <= _FRAME:
        found.add(x0, y0, x1, y1)
    elif segments >= 4:
        for side in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
            found.add(*side)


def _is_thin(thing: Any) -> bool:
    left, bottom, right, top = cast(Box, thing.get_bounds())
    return min(right - left, top - bottom) <= _THICK


def _only_stroked(thing: Any) -> bool:
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(thing.raw, ctypes.byref(fill), ctypes.byref(stroke))
    return bool(stroke.value) and not fill.value


def _note_segments(thing: Any, form: _Form, found: Drawing, place: _Place, segments: int) -> None:
    """The straight parts of a path that run across or down."""
    x, y, matrix = ctypes.c_float(), ctypes.c_float(), thing.get_matrix()
    matrix = matrix.multiply(form) if form else matrix
    before: tuple[float, float] | None = None
    for number in range(segments):
        segment = pdfium.FPDFPath_GetPathSegment(thing.raw, number)
        pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        here = place(*matrix.on_point(x.value, y.value))
        line = pdfium.FPDFPathSegment_GetType(segment) == pdfium.FPDF_SEGMENT_LINETO
        if line and before and (abs(here[0] - before[0]) < 1 or abs(here[1] - before[1]) < 1):
            found.add(*before, *here)
        before = here
