"""Tidies what a model says is on a page into blocks that MinerU takes, whatever the model says.

MinerU drops a block without a sound box in silence, and refuses a whole document for one of an unknown type
or without text. So every block here has a type that MinerU knows, a box inside the page, and plain text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gradio_app.base.page_readers import LOST, Found
from gradio_app.parsing.export_sanitizer import LONGEST_FORMULA, is_mathematics
from gradio_app.parsing.readers.embedded.blocks import Block, clean
from gradio_app.parsing.readers.table_markup import table_of

#: blocks of a page, and letters of one: more is no page
MOST_BLOCKS, MOST_LETTERS = 2000, 100_000
#: least width and height of a box, as a share of the page, and margins of a page whose boxes nobody told
_LEAST, _MARGIN = 0.002, 0.06
#: how far a box may reach beyond the page before it is no box of this page
_BEYOND = 0.5

#: labels that models use -> MinerU's types; any other is text
_TYPES = {
    **{
        name: name
        for name in (
            *("text", "ref_text", "header", "footer", "page_number", "aside_text", "page_footnote"),
            *("doc_title", "paragraph_title", "table", "equation", "image", "chart", "code", "list_item"),
            *("caption", "footnote", "table_caption", "image_caption", "code_caption"),
            *("table_footnote", "image_footnote"),
        )
    },
    "title": "doc_title",
    "formula": "equation",
    "picture": "image",
    "figure": "image",
    "chart_caption": "caption",
    "list": "list_item",
}

_PICTURES = ("image", "chart")
_HEADING = re.compile(r"\s*(#{1,6})\s+")
_BULLET = re.compile(r"\s*(?:[-*+•]|(\d{1,3}[.)]))\s+")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.{1,2000}?)(?<=\S)\1", re.DOTALL)
_DOLLARS = re.compile(
    r"\$\$(.{1,2000}?)\$\$|(?<![\\\w$])\$(?=\S)([^$\n]{1,500}?)(?<=\S)\$(?![\w$])", re.DOTALL
)
_ROUND = re.compile(r"\\\((.{1,2000}?)\\\)", re.DOTALL)
_FORMULA_ENDS = re.compile(r"\A\s*(?:\\\[|\$\$?|\\\()|(?:\\\]|\$\$?|\\\))\s*\Z")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")

#: gives a part of the page (shares) as a data address; empty where there is none
Cut = Callable[[Sequence[float]], str]


@dataclass(slots=True)
class Tidied:
    """Blocks of MinerU's ModelJson. ``dropped``: boxes and parts of the answer that could not be used.

    ``pictures``: how many were told of without a box, so that nobody can cut them out.
    """

    blocks: list[Block] = field(default_factory=list[Block])
    dropped: int = 0
    pictures: int = 0


def tidy(found: Iterable[Found], cut: Cut = lambda _box: "") -> Tidied:
    """The blocks of a page in the order of ``found``; pictures are cut out by ``cut``."""
    made, page = Tidied(), list(found)
    if len(page) > MOST_BLOCKS:
        made.dropped += 1
        page = page[:MOST_BLOCKS]
    made.dropped += sum(each is LOST for each in page)
    page = [each for each in page if each is not LOST]
    made.dropped += sum(len(each.text) > MOST_LETTERS for each in page)
    made.pictures = sum(each.box is None and _kind(each) in _PICTURES for each in page)
    page = [each for each in page if each.box is not None or each.text or _kind(each) not in _PICTURES]
    boxes = [_box(each.box) for each in page]
    made.dropped += sum(each.box is not None and box is None for each, box in zip(page, boxes, strict=True))
    for each, box in zip(page, _placed(page, boxes), strict=True):
        made.blocks += _block(each, box, cut)
    made.blocks = _with_lists(made.blocks)
    return made


# ---------------------------------------------------------------- boxes


def _box(given: Sequence[Any] | None) -> list[float] | None:
    """A box in shares of the page, put right; None for one that is none, or is not of this page."""
    if given is None or len(given) != 4:
        return None
    numbers = [each for each in given if isinstance(each, int | float) and not isinstance(each, bool)]
    if len(numbers) != 4 or not all(math.isfinite(each) and abs(each) < 1e6 for each in numbers):
        return None
    left, right = sorted((float(numbers[0]), float(numbers[2])))
    top, bottom = sorted((float(numbers[1]), float(numbers[3])))
    if min(left, top) < -_BEYOND or max(right, bottom) > 1 + _BEYOND or left >= 1 or top >= 1:
        return None
    if right <= 0 or bottom <= 0:
        return None
    x0, x1 = _interval(left, right)
    y0, y1 = _interval(top, bottom)
    return [x0, y0, x1, y1]


def _interval(start: float, end: float) -> tuple[float, float]:
    """Both inside the page, and apart."""
    start, end = min(max(start, 0.0), 1 - _LEAST), min(max(end, 0.0), 1.0)
    return round(start, 4), round(max(end, start + _LEAST), 4)


def _placed(page: Sequence[Found], boxes: Sequence[list[float] | None]) -> list[list[float]]:
    """Boxes for all. A model that tells of none gets the page in strips, by the length of the texts.

    A single block without one stands below the block before it.
    """
    if any(boxes):
        placed: list[list[float]] = []
        for box in boxes:
            last = placed[-1] if placed else [_MARGIN, 0.0, 1 - _MARGIN, _LEAST]
            placed.append(box or _below(last))
        return placed
    lengths = [len(each.text) + 40 for each in page]
    total, at, strips = sum(lengths) or 1, _MARGIN, list[list[float]]()
    for length in lengths:
        end = at + (1 - 2 * _MARGIN) * length / total
        y0, y1 = _interval(at, end)
        strips.append([_MARGIN, y0, 1 - _MARGIN, y1])
        at = end
    return strips


def _below(box: list[float]) -> list[float]:
    y0, y1 = _interval(box[3], box[3] + 0.01)
    return [box[0], y0, box[2], y1]


# ---------------------------------------------------------------- blocks


def _kind(found: Found) -> str:
    return _TYPES.get(found.label.strip().lower().replace("-", "_"), "text")


def _block(found: Found, box: list[float], cut: Cut) -> list[Block]:
    """The block of one thing; none where it says nothing."""
    kind = _kind(found)
    text = clean(found.text[:MOST_LETTERS])
    if kind in _PICTURES:
        picture = cut(box) if found.box is not None else ""
        image = [{"type": kind, "bbox": box, "content": "", "image_base64": picture}] if picture else []
        # some models write the words in a picture: these are text
        return [*image, *(_text("text", _without_tags(text), box) if text.strip() else [])]
    if kind == "table":
        return _table(text, box, cut)
    if kind == "equation":
        return _equation(text, box)
    if kind == "code":
        code = text.strip("\n")
        return [{"type": "code", "bbox": box, "content": code, "sub_type": "code"}] if code.strip() else []
    return _text(kind, text, box)


def _text(kind: str, text: str, box: list[float]) -> list[Block]:
    heading = _HEADING.match(text)
    text = _HEADING.sub("", text, count=1) if heading else text
    if heading and kind == "text":
        kind = "doc_title" if len(heading[1]) == 1 else "paragraph_title"
    bullet = _BULLET.match(text)
    if kind == "list_item" and bullet:
        text = "• " * (bullet[1] is None) + text[bullet.end() if bullet[1] is None else 0 :]
    spans = _spans(text.strip())
    if not spans:
        return []
    block: Block = {"type": kind, "bbox": box, "content": spans, "lines": [{"bbox": box}]}
    if kind == "doc_title":
        block["level"] = 1
    elif kind == "paragraph_title":
        block["level"] = min(6, max(2, len(heading[1]))) if heading else 2
    return [block]


def _spans(text: str) -> list[dict[str, Any]]:
    """Text and formulas in it, without the signs of Markdown."""
    text = _STRONG.sub(lambda found: found[2], _without_tags(text))
    text = _DOLLARS.sub(lambda found: rf"\({found[1] or found[2]}\)", text)
    spans: list[dict[str, Any]] = []
    at = 0
    for formula in _ROUND.finditer(text):
        spans += _span("text", text[at : formula.start()])
        inner = formula[1].strip()
        spans += _span("equation_inline" if inner and is_mathematics(inner) else "text", inner)
        at = formula.end()
    spans += _span("text", text[at:])
    return spans if any(each["content"].strip() for each in spans) else []


def _span(kind: str, text: str) -> list[dict[str, Any]]:
    return [{"type": kind, "content": text}] if text else []


def _without_tags(text: str) -> str:
    return _TAG.sub("", text) if "<" in text else text


def _table(text: str, box: list[float], cut: Cut) -> list[Block]:
    markup = table_of(text)
    if not markup:
        return _text("text", text, box)
    picture = cut(box)
    block: Block = {"type": "table", "bbox": box, "content": markup}
    return [block | ({"image_base64": picture} if picture else {})]


def _equation(text: str, box: list[float]) -> list[Block]:
    formula = _FORMULA_ENDS.sub("", _FORMULA_ENDS.sub("", text)).strip()
    if not formula:
        return []
    if len(formula) > LONGEST_FORMULA or not is_mathematics(formula):
        return _text("text", text, box)
    return [{"type": "equation", "bbox": box, "content": formula}]


def _with_lists(blocks: Iterable[Block]) -> list[Block]:
    """Items that follow each other as texts behind a list whose box holds them, as MinerU has it."""
    made: list[Block] = []
    holder: Block | None = None
    for block in blocks:
        if block["type"] != "list_item":
            holder = None
            made.append(block)
            continue
        if holder is None or block["bbox"][1] < made[-1]["bbox"][1]:  # the next column
            holder = {"type": "list", "bbox": block["bbox"], "content": []}
            made.append(holder)
        holder["bbox"] = _around(holder["bbox"], block["bbox"])
        made.append(block | {"type": "text"})
    return made


def _around(one: list[float], other: list[float]) -> list[float]:
    return [min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])]
