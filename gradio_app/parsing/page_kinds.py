"""Kinds of pages of a PDF: those whose text can be read, and those that are pictures of text.

A document is not one or the other: each page is judged by itself, from its objects, without drawing it.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from enum import StrEnum
from typing import Any

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

    width, height = page.get_size()
    covered, letters, hidden, seen = False, False, False, 0
    for item in page.get_objects(max_depth=3):
        seen += 1
        if item.type == c.FPDF_PAGEOBJ_TEXT:
            invisible = c.FPDFTextObj_GetTextRenderMode(item.raw) == _INVISIBLE
            letters, hidden = letters or not invisible, hidden or invisible
        elif item.type == c.FPDF_PAGEOBJ_IMAGE and not covered:
            left, bottom, right, top = item.get_bounds()
            inside = max(0.0, min(right, width) - max(left, 0)) * max(0.0, min(top, height) - max(bottom, 0))
            covered = inside > _COVERS * width * height
        if seen >= _MOST_OBJECTS or (letters and covered):
            break
    if not seen:
        return PageKind.EMPTY
    if letters and not covered:
        return PageKind.DIGITAL
    if not letters:
        return PageKind.SCAN
    return PageKind.DIGITAL if _visible_characters(page) >= _TEXT else PageKind.SCAN


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
