"""Arrangement of a page's blocks: flash's order with new blocks where they belong, or the order of the boxes.

Flash's order stays as long as it is about that of the boxes (Kendall's tau distance, weighted by length).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from gradio_app.parsing.readers.embedded.blocks import Block, box_of
from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.geometry import Box, overlap
from gradio_app.parsing.readers.embedded.order import reading_order
from gradio_app.parsing.readers.flash import text_of

#: share of pairs of blocks in another order from which on the order of the boxes is taken
_DISORDER = 0.15
#: letters of a block from which on it weighs no more
_HEAVIEST = 400
#: beginning of a block's text that is looked at for numbers
_BEGINNING = 40
#: share of a picture's width that it may reach into the text beside it: shadows, labels of an axis
_REACH = 0.15
_PICTURES, _TEXT = ("image", "chart"), ("text", "paragraph_title", "list", "index", "ref_text")


def arranged(blocks: Sequence[Block], kept: Collection[int], facts: PageFacts) -> tuple[list[Block], bool]:
    """``blocks`` in reading order, and whether that is another order than flash's.

    ``kept``: ``id`` of the blocks that are flash's own and stand in its order.
    """
    beginnings = [text_of(block)[:_BEGINNING] for block in blocks]
    places = reading_order(_boxes(blocks, facts), beginnings)
    by_boxes = [blocks[place] for place in places]
    by_flash = _inserted([block for block in blocks if id(block) in kept], by_boxes)
    if disorder(by_flash, by_boxes) > _DISORDER:
        return by_boxes, True
    return by_flash, False


def _boxes(blocks: Sequence[Block], facts: PageFacts) -> list[Box]:
    """The boxes of blocks; a picture that reaches a little into the text at its side ends before it."""
    found = [box_of(facts, block) for block in blocks]
    texts = [box for block, box in zip(blocks, found, strict=True) if block["type"] in _TEXT]
    return [
        _beside(box, texts) if block["type"] in _PICTURES else box
        for block, box in zip(blocks, found, strict=True)
    ]


def _beside(picture: Box, texts: Sequence[Box]) -> Box:
    """``picture`` no wider than the text above and below it, on the side where it reaches into a column."""
    x0, y0, x1, y1 = picture
    most = _REACH * (x1 - x0)
    left, right = x0, x1
    for a, top, b, bottom in texts:
        if overlap(y0, y1, top, bottom) <= 0.5 * (bottom - top):
            continue
        if a <= x0 < b <= x0 + most:
            left = max(left, min((box[0] for box in texts if b <= box[0] <= b + most), default=b))
        elif x1 - most <= a < x1 <= b:
            right = min(right, max((box[2] for box in texts if a - most <= box[2] <= a), default=a))
    return left, y0, right, y1


def _inserted(theirs: Sequence[Block], by_boxes: Sequence[Block]) -> list[Block]:
    """``theirs`` in their order, each with the new blocks that follow it in the order of the boxes."""
    known = {id(block) for block in theirs}
    following: dict[int, list[Block]] = {}
    last = 0
    for block in by_boxes:
        if id(block) in known:
            last = id(block)
        else:
            following.setdefault(last, []).append(block)
    found = following.get(0, [])
    for block in theirs:
        found += [block, *following.get(id(block), [])]
    return found


def disorder(one: Sequence[Block], other: Sequence[Block]) -> float:
    """Share of the pairs of blocks, weighted by length, that stand the other way round in ``other``."""
    position = {id(block): number for number, block in enumerate(other)}
    places = np.array([position[id(block)] for block in one])
    weights = np.array([min(_HEAVIEST, len(text_of(block)) + 1) for block in one], dtype=float)
    wrong = total = 0.0
    for number in range(len(one) - 1):
        behind = weights[number + 1 :]
        total += weights[number] * float(behind.sum())
        wrong += weights[number] * float(behind[places[number + 1 :] < places[number]].sum())
    return wrong / total if total else 0.0
