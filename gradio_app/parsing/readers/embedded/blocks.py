"""Blocks of MinerU's ModelJson, made from what the embedded reader found on a page.

A block is ``{type, bbox, content, lines}``: boxes are shares of the page as it lies in the file, from 0 to 1.
Formula and seal blocks are never made: later steps would look for models that are not here.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from typing import Any

from PIL import Image

from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.forms import Form
from gradio_app.parsing.readers.embedded.geometry import Box, median, union
from gradio_app.parsing.readers.embedded.lines import Line
from gradio_app.parsing.readers.embedded.paragraphs import Paragraph
from gradio_app.parsing.readers.embedded.tables import Table
from gradio_app.parsing.readers.embedded.typography import BULLET
from gradio_app.parsing.readers.flash import text_of

Block = dict[str, Any]

#: blocks beside the text of a page
AUXILIARY = frozenset({"header", "footer", "page_number", "aside_text"})
#: least width and height of a box, as a share of the page
_LEAST = 0.001
#: pixels around a picture that is cut out, and quality of its JPEG
_MARGIN, _QUALITY = 2, 80
#: words smaller than this share of the largest in their line are raised or lowered
_FULL_SIZE = 0.85


def place(facts: PageFacts, box: Box) -> list[float]:
    """A box of the page as it was read, as shares of the page as it lies in the file."""
    x0, y0, x1, y1 = box
    if facts.skew:
        y0, y1 = y0 + min(facts.skew * x0, facts.skew * x1), y1 + max(facts.skew * x0, facts.skew * x1)
    x0, x1, y0, y1 = x0 / facts.width, x1 / facts.width, y0 / facts.height, y1 / facts.height
    if facts.turned == 90:
        x0, y0, x1, y1 = 1 - y1, x0, 1 - y0, x1
    elif facts.turned == 180:
        x0, y0, x1, y1 = 1 - x1, 1 - y1, 1 - x0, 1 - y0
    elif facts.turned == 270:
        x0, y0, x1, y1 = y0, 1 - x1, y1, 1 - x0
    left, right = _interval(x0, x1)
    top, bottom = _interval(y0, y1)
    return [left, top, right, bottom]


def _interval(start: float, end: float) -> tuple[float, float]:
    start, end = (round(min(1.0, max(0.0, value)), 3) for value in (start, end))
    if end <= start:
        end = min(1.0, start + _LEAST)
        start = min(start, end - _LEAST)
    return round(start, 3), round(end, 3)


def box_of(facts: PageFacts, block: Block) -> Box:
    """Where a block of flash is on an upright page, in the lengths of ``facts``."""
    x0, y0, x1, y1 = block["bbox"]
    return x0 * facts.width, y0 * facts.height, x1 * facts.width, y1 * facts.height


def text_block(facts: PageFacts, kind: str, text: str, lines: Sequence[Box]) -> Block:
    """A block of running text: ``text``, ``paragraph_title``, ``caption``, ``header``, ..."""
    return {
        "type": kind,
        "bbox": place(facts, union(lines)),
        "content": [{"type": "text", "content": clean(text)}],
        "lines": [{"bbox": place(facts, line)} for line in lines],
    }


def table_block(facts: PageFacts, table: Table) -> Block:
    """A table as HTML, with its picture."""
    block: Block = {"type": "table", "bbox": place(facts, table.box), "content": clean(table.html)}
    picture = cut_out(facts, table.box)
    return block | ({"image_base64": picture} if picture else {})


def form_blocks(facts: PageFacts, form: Form) -> list[Block]:
    """A block of text for each row of a form."""
    return [text_block(facts, "text", row.text, [union(w.box for w in row.words)]) for row in form.rows]


def image_block(facts: PageFacts, box: Box) -> Block | None:
    """A picture of a part of the page; None where nothing was drawn."""
    picture = cut_out(facts, box)
    if not picture:
        return None
    return {"type": "image", "bbox": place(facts, box), "content": "", "image_base64": picture}


def code_block(facts: PageFacts, box: Box, text: str) -> Block:
    """Lines of a program, with their indentation."""
    return {"type": "code", "bbox": place(facts, box), "content": clean(text), "sub_type": "code"}


def cut_out(facts: PageFacts, box: Box) -> str:
    """A part of the drawn page as a data address of a JPEG; empty where there is none."""
    if facts.picture is None:
        return ""
    left, top, right, bottom = (int(value * facts.scale) for value in box)
    part = facts.picture[
        max(0, top - _MARGIN) : max(0, bottom + _MARGIN + 1),
        max(0, left - _MARGIN) : max(0, right + _MARGIN + 1),
    ]
    if min(part.shape[:2]) < 2:
        return ""
    out = io.BytesIO()
    Image.fromarray(part).save(out, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()


def filled(blocks: Iterable[Block]) -> list[Block]:
    """Blocks that say something: ModelJson refuses a whole document for a text without characters.

    Words of a file may consist of characters that no text can hold.
    """
    return [each for each in blocks if not isinstance(each["content"], list) or text_of(each).strip()]


def clean(text: str) -> str:
    """Without lone surrogates, which no file can hold, and control characters."""
    kept = (c for c in text if (c >= " " or c in "\n\t") and not "\ud800" <= c <= "\udfff" and c != "\x7f")
    return "".join(kept)


def line_spans(words: Iterable[Word]) -> list[Block]:
    """The words of one line as spans, with those that stand higher or lower marked as such."""
    row = sorted((word for word in words if not word.angle), key=lambda word: word.x0)
    large = max(word.size for word in row)
    base = median(word.cy for word in row if word.size > _FULL_SIZE * large)
    spans: list[Block] = []
    for word in row:
        styles: list[str] = []
        if word.size <= _FULL_SIZE * large:
            raised, lowered = word.cy < base - 0.1 * large, word.cy > base + 0.1 * large
            styles = ["superscript"] if raised else ["subscript"] if lowered else []
        text = clean(word.text)
        if not text:
            continue
        if spans and spans[-1].get("styles", []) == styles:
            spans[-1]["content"] += " " + text
        else:
            glued = not spans or styles
            span = {"type": "text", "content": text if glued else " " + text}
            spans.append(span | ({"styles": styles} if styles else {}))
    return spans


def sideways_blocks(facts: PageFacts, words: Iterable[Word]) -> list[Block]:
    """Words that stand on end: those at the edge of the page are notes aside, the others are text."""
    columns: list[list[Word]] = []
    for word in words:
        for column in columns:
            first = column[0]
            if abs(first.angle - word.angle) < 4 and abs(first.cx - word.cx) < 0.5 * word.size:
                column.append(word)
                break
        else:
            columns.append([word])
    blocks: list[Block] = []
    for column in columns:
        box = union(word.box for word in column)
        edge = box[2] < 0.1 * facts.width or box[0] > 0.9 * facts.width
        text = " ".join(word.text for word in column)
        blocks.append(text_block(facts, "aside_text" if edge else "text", text, [box]))
    return blocks


def block_kind(item: Paragraph) -> str:
    """MinerU's type of a paragraph. An item of a list is no heading, however it is set."""
    if item.kind == "title":
        return (
            "text" if BULLET.match(item.text.split()[0]) and not item.text[0].isalnum() else "paragraph_title"
        )
    return item.kind


def boxes(lines: Iterable[Line]) -> list[Box]:
    """The boxes of lines."""
    return [line.box for line in lines]
