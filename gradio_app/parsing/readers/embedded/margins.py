"""Margins of a page: running rows at its edges, and what a block at the top or the bottom is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.geometry import Box, area, intersection, overlap
from gradio_app.parsing.readers.embedded.lines import LINE_HEIGHT, Line

#: what a block in the margin is; empty for one of the page's text
Margin = Literal["header", "footer", "page_number", ""]

#: the number of a page, alone or with "page" before it or the number of pages behind it
PAGE_NUMBER = re.compile(
    r"^\s{0,9}(?:page\s{0,3})?[-–—]?\s{0,3}(?:\d{1,4}|[ivxlc]{1,6})"
    r"\s{0,3}[-–—]?(?:\s{0,3}(?:of|/)\s{0,3}\d{1,4})?\s{0,9}$",
    re.IGNORECASE,
)

_LETTER = re.compile(r"\w")
#: parts of the page's height at its top and bottom where a running row can be
_EDGE = 0.12
#: such a row has two parts or more, few words, a wide gap in it and most of the text's width
_ROW_WORDS, _ROW_GAP, _ROW_WIDTH = 24, 3.0, 0.6
#: it is none where columns go on within so many heights above or below its parts, in lines of more letters
_GOES_ON, _TEXT = 2.2, 10
#: the model's region of a header or footer: how sure it is for lines, and for blocks; what it holds of each
_SURE_LINE, _SURE_BLOCK, _HOLDS_LINE, _HOLDS_BLOCK = 0.5, 0.4, 0.5, 0.3
#: parts of the page's height: blocks of the margin end above the first and begin below the second
_HEADERS_END, _FOOTERS_BEGIN = 0.1, 0.88
#: larger text than this, in heights of the body, is a heading and no running row
_LARGE_LINE, _LARGE_ROW, _LARGE_BLOCK = 1.3, 1.6, 1.05


# ------------------------------------------------------------ lines


def with_edges(lines: Sequence[Line], facts: PageFacts, body: float) -> list[Line]:
    """Lines of running headers and footers marked; ``body``: height of the page's usual font.

    They are those that the layout model sees as a header, with nothing above, and a row of several parts
    across the page that is the first or the last.
    """
    edges = _headers_by_region(lines, facts, body)
    solid = [line for line in lines if _LETTER.search(line.text)] or lines
    if solid:
        edges |= _row_at_edge(lines, min(line.y0 for line in solid), "header", facts)
        edges |= _row_at_edge(lines, max(line.y1 for line in solid), "footer", facts)
    return [replace(line, edge=edges[i]) if i in edges else line for i, line in enumerate(lines)]


def _headers_by_region(lines: Sequence[Line], facts: PageFacts, body: float) -> dict[int, str]:
    boxes = [region.box for region in facts.regions if region.label == "header" and region.score > _SURE_LINE]
    if not boxes:
        return {}
    headers = {
        i
        for i, line in enumerate(lines)
        if line.y1 < 0.1 * facts.height
        and line.size <= _LARGE_LINE * body
        and any(intersection(box, line.box) > _HOLDS_LINE * area(line.box) for box in boxes)
    }
    first = min((line.y1 for i, line in enumerate(lines) if i not in headers), default=float("inf"))
    return {i: "header" for i in headers if first > lines[i].y0 + 1}


def _row_at_edge(lines: Sequence[Line], level: float, edge: str, facts: PageFacts) -> dict[int, str]:
    """The row of lines that begins (a header) or ends (a footer) at ``level``, if it is a running one."""
    if _EDGE * facts.height <= level <= (1 - _EDGE) * facts.height:
        return {}
    row = [
        i
        for i, line in enumerate(lines)
        if abs((line.y0 if edge == "header" else line.y1) - level) < 0.7 * line.size
    ]
    parts = sorted((lines[i] for i in row), key=lambda line: line.x0)
    if len(parts) < 2 or sum(len(line.words) for line in parts) > _ROW_WORDS:
        return {}
    width = max(line.x1 for line in lines) - min(line.x0 for line in lines)
    gap = max(right.x0 - left.x1 for left, right in pairwise(parts))
    if parts[-1].x1 - parts[0].x0 <= _ROW_WIDTH * width or gap <= _ROW_GAP * parts[0].size:
        return {}
    if _goes_on(lines, row):
        return {}
    return dict.fromkeys(row, edge)


def _goes_on(lines: Sequence[Line], row: Sequence[int]) -> bool:
    """Whether two parts of a row or more are lines of columns that go on right above or below them."""
    inside = set(row)
    others = [line for i, line in enumerate(lines) if i not in inside]
    found = 0
    for i in row:
        part = lines[i]
        found += any(
            abs(other.y0 - part.y0) < _GOES_ON * max(part.size, other.size)
            and len(other.text) > _TEXT
            and overlap(other.x0, other.x1, part.x0, part.x1) > 0.5 * (part.x1 - part.x0)
            for other in others
        )
    return found >= 2


# ------------------------------------------------------------ blocks


def margin_kind(
    text: str,
    box: Box,
    facts: PageFacts,
    others: Sequence[Box],
    line_count: int,
    size: float,
    body: float,
) -> Margin:
    """What a block at the top or the bottom of the page is, with nothing beyond it; empty when it is text.

    ``others``: boxes of the page that are not in the margin already. With the block's own box among them a
    row of two parts is a running one, without it a row of three. ``size`` and ``body``: heights of the
    block's and of the page's usual font.
    """
    rest = [other for other in others if other is not box]
    slack = 0.3 * size
    highest = not any(other[3] <= box[1] + slack for other in rest)
    lowest = not any(other[1] >= box[3] - slack for other in rest)
    height = facts.height
    if PAGE_NUMBER.match(text) and (
        (lowest and box[1] > 0.6 * height)
        or (highest and box[3] < 0.12 * height)
        or box[1] > 0.92 * height
        or box[3] < 0.07 * height
    ):
        return "page_number"
    if not rest:  # the only text of a page is what it says
        return ""
    if line_count <= 1 and size <= _LARGE_ROW * body and _is_running_row(box, facts, others, size):
        return "header" if box[3] < _HEADERS_END * height else "footer"
    if line_count > 2 or size > _LARGE_BLOCK * body or _region_score(box, facts) <= _SURE_BLOCK:
        return ""
    if box[3] < _HEADERS_END * height and highest:
        return "header"
    return "footer" if box[1] > 0.89 * height and lowest else ""


def _is_running_row(box: Box, facts: PageFacts, others: Sequence[Box], size: float) -> bool:
    """Whether a block is part of a row across the page, near an edge, with nothing beyond it."""
    top = box[3] < _HEADERS_END * facts.height
    if not top and box[1] <= _FOOTERS_BEGIN * facts.height:
        return False
    level, reach = (box[1] + box[3]) / 2, 0.6 * size * LINE_HEIGHT
    row = [other for other in others if abs((other[1] + other[3]) / 2 - level) < reach]
    beyond = [
        other
        for other in others
        if abs((other[1] + other[3]) / 2 - level) >= reach
        and (other[3] < box[1] - 0.3 * size if top else other[1] > box[3] + 0.3 * size)
    ]
    if len(row) < 2 or beyond or any(other[3] - other[1] >= 2.2 * size for other in row):
        return False
    width = max(box[2], *(other[2] for other in row)) - min(box[0], *(other[0] for other in row))
    return width > _ROW_WIDTH * facts.width


def _region_score(box: Box, facts: PageFacts) -> float:
    return max(
        (
            region.score
            for region in facts.regions
            if region.label in ("header", "footer")
            and intersection(region.box, box) > _HOLDS_BLOCK * area(box)
        ),
        default=0.0,
    )
