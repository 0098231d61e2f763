"""Columns of running text on a page: their short lines are no cells of a table beside them.

Method: long phrases below one another are a block. A block whose lines mostly have nothing short beside them
is running text; one whose lines do is a column of a table, as long as its texts are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradio_app.parsing.readers.embedded.geometry import Box, overlap
from gradio_app.parsing.readers.embedded.rows import Phrase, Row, phrases

#: a long phrase: words, share of the width of the page
_WORDS, _WIDE = 4, 0.17
#: a line belongs to a block when it shares so much of the narrower one's width, and is this near below, in
#: heights of the font: short lines may be between
_SHARED, _NEAR = 0.7, 5.0
#: long lines of a block
_LEAST_LINES = 4
#: share of the lines of a table's column that have other cells beside them
_BESIDE = 0.6
#: points by which a short line may stand out of its block
_OUT = 2.0


@dataclass(slots=True)
class _Block:
    """Long lines below one another."""

    box: Box
    size: float
    lines: int = 1
    beside: int = 0

    def takes(self, phrase: Phrase, box: Box) -> bool:
        narrow = min(self.box[2] - self.box[0], box[2] - box[0])
        near = box[1] - self.box[3] < _NEAR * max(self.size, phrase.size)
        return near and overlap(self.box[0], self.box[2], box[0], box[2]) > _SHARED * narrow

    def add(self, box: Box) -> None:
        self.box = (
            min(self.box[0], box[0]), self.box[1], max(self.box[2], box[2]), max(self.box[3], box[3])
        )  # fmt: skip
        self.lines += 1


def running_text(rows: Sequence[Row], width: float, gap: float) -> list[Box]:
    """Boxes of running text; ``width``: of the page; ``gap``: parts phrases, in heights of the font."""
    open_blocks: list[_Block] = []
    done: list[_Block] = []
    for row in rows:
        parts = phrases(row.words, gap)
        long = [part for part in parts if is_long(part, width)]
        for part in long:
            box = part.box
            block = next((block for block in open_blocks if block.takes(part, box)), None)
            if block is None:
                block = _Block(box, part.size, lines=0)
                open_blocks.append(block)
            block.add(box)
            block.beside += len(long) < len(parts)
        ended = [block for block in open_blocks if row.y0 - block.box[3] > 2 * _NEAR * block.size]
        done += ended
        open_blocks = [block for block in open_blocks if block not in ended] if ended else open_blocks
    return [
        (block.box[0] - _OUT, block.box[1], block.box[2] + _OUT, block.box[3] + _NEAR / 2 * block.size)
        for block in [*done, *open_blocks]
        if block.lines >= _LEAST_LINES and block.beside < _BESIDE * block.lines
    ]


def is_long(phrase: Phrase, width: float) -> bool:
    """Whether a phrase may be a line of running text."""
    return len(phrase.words) >= _WORDS and phrase.x1 - phrase.x0 > _WIDE * width


def within_text(box: Box, blocks: Sequence[Box]) -> bool:
    """Whether a short phrase is a line of running text."""
    middle = (box[1] + box[3]) / 2
    return any(
        block[0] <= box[0] and box[2] <= block[2] and block[1] <= middle <= block[3] for block in blocks
    )
