"""Kinds of pages of a PDF: those whose text can be read, and those that are pictures of text.

A document is not one or the other: each page is judged by itself, from its objects, without drawing it.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from enum import StrEnum
from typing import Any

from gradio_app.parsing.readers.embedded.drawing import bounds_of, joined_strips, objects_of
from gradio_app.parsing.readers.embedded.geometry import Box, area, intersection

#: share of the page from which on a picture is the page itself
_COVERS = 0.55
#: objects of a page that are looked at; the picture of a scan is among the first or the last
_MOST_OBJECTS = 4000
#: visible characters beside a covering picture from which on the page is text on a background
_TEXT = 200
#: render mode of text that is not drawn: the layer that a scanner's OCR wrote
_INVISIBLE = 3


class PageKind(StrEnum):
    """What a page is made of."""

    DIGITAL = "digital"
    SCAN = "scan"
    EMPTY = "empty"


def kind_of(page: Any) -> PageKind:
    """The kind of a pypdfium2 page. A page of curves only (text as outlines) counts as a scan."""
    import pypdfium2.raw as c

    letters, over, pictures, seen = False, list[Box](), list[Box](), 0
    for item, form in objects_of(page, depth=3):
        seen += 1
        if item.type == c.FPDF_PAGEOBJ_TEXT:
            if c.FPDFTextObj_GetTextRenderMode(item.raw) != _INVISIBLE:
                letters, over = True, []
        elif item.type == c.FPDF_PAGEOBJ_IMAGE:
            pictures.append(bounds_of(item, form))
            over.append(pictures[-1])
        if seen >= _MOST_OBJECTS:
            break
    if not seen:
        return PageKind.EMPTY
    if letters and not _covered(page.get_bbox(), pictures):
        return PageKind.DIGITAL
    if not letters or _covered(page.get_bbox(), over):  # a picture that was painted over the text
        return PageKind.SCAN
    return PageKind.DIGITAL if _visible_characters(page) >= _TEXT else PageKind.SCAN


def _covered(page: Box, pictures: list[Box]) -> bool:
    """Whether one of the pictures is over most of the page."""
    return any(intersection(picture, page) > _COVERS * area(page) for picture in joined_strips(pictures))


def _visible_characters(page: Any) -> int:
    """Characters that are drawn, up to those that decide."""
    import pypdfium2.raw as c

    text = page.get_textpage()
    count = 0
    try:
        for index in range(min(c.FPDFText_CountChars(text), 40 * _TEXT)):
            drawn: Any = c.FPDFText_GetTextObject(text, index)
            if drawn and c.FPDFTextObj_GetTextRenderMode(drawn) != _INVISIBLE:
                count += 1
                if count >= _TEXT:
                    break
    finally:
        text.close()
    return count
