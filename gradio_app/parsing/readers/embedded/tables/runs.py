"""Runs of a candidate: a box that reaches over more than a table is cut at wide lines, list items and gaps.

A box with a vertical rule through most of its height is never cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box, overlap
from gradio_app.parsing.readers.embedded.rows import Phrase, Row, phrases, rows_of
from gradio_app.parsing.readers.embedded.tables.index import WordIndex
from gradio_app.parsing.readers.embedded.typography import BULLET, NUMBER

#: gaps that part phrases, in heights of the font
_GAP = 0.9
#: a line of text: share of the width of the box, words
_WIDE, _WORDS = 0.55, 6
#: gaps between rows that end a run, in heights of the font: where the heading is repeated, and always
_REPEATED, _GAP_ROWS = 1.2, 3.5
#: vertical rules nearer than this are one; it is drawn over this share of the height
_SAME_RULE, _DRAWN = 3.0, 0.5
_NUMBERED = re.compile(r"^\(?\d{1,2}[.)]$")


class _Run:
    """Rows that follow one another, and of each whether it has only one phrase."""

    def __init__(self) -> None:
        self.rows: list[tuple[Row, bool]] = []

    def ends_with_singles(self) -> bool:
        return len(self.rows) >= 2 and self.rows[-1][1] and self.rows[-2][1]

    def trimmed(self) -> list[tuple[Row, bool]]:
        """Without single phrases at the bottom, and with at most one at the top."""
        start, end = 0, len(self.rows)
        while end and self.rows[end - 1][1]:
            end -= 1
        while end - start > 1 and self.rows[start][1] and self.rows[start + 1][1]:
            start += 1
        return self.rows[start:end]


def runs_of(box: Box, words: WordIndex, vertical: Sequence[Box], size: float) -> list[Box]:
    """The parts of ``box`` that may be tables, over its whole width; ``words``: the upright ones."""
    if has_column_rule(box, vertical):
        return [box]
    found: list[Box] = []
    for run in _cut(rows_of(words.within(box)), box[2] - box[0], size):
        rows = run.trimmed()
        if sum(not single for _, single in rows) >= 2:
            inside = [word for row, _ in rows for word in row.words]
            top, bottom = min(word.y0 for word in inside), max(word.y1 for word in inside)
            found.append((box[0], top - 1, box[2], bottom + 1))
    return found


def has_column_rule(box: Box, vertical: Sequence[Box]) -> bool:
    """Whether a vertical rule, in one piece or several, runs through most of the height of ``box``."""
    lengths: dict[int, float] = {}
    inside: set[int] = set()
    for rule in vertical:
        length = overlap(rule[1], rule[3], box[1], box[3])
        if length > 0:
            place = round(rule[0] / _SAME_RULE)
            lengths[place] = lengths.get(place, 0.0) + length
            if box[0] + 6 < rule[0] < box[2] - 6:
                inside.add(place)
    return any(lengths[place] > _DRAWN * (box[3] - box[1]) for place in inside)


def _cut(rows: Sequence[Row], width: float, size: float) -> list[_Run]:
    runs = [_Run()]
    first_text = ""
    for row in rows:
        parts = phrases(row.words, _GAP)
        single = len(parts) == 1
        text = _wide(parts, width) or _item(parts)
        if runs[-1].rows:
            gap = row.y0 - runs[-1].rows[-1][0].y1
            repeated = " ".join(part.text for part in parts) == first_text
            if gap > _REPEATED * size and (repeated or gap > _GAP_ROWS * size):
                runs.append(_Run())
        if not runs[-1].rows:
            first_text = " ".join(part.text for part in parts)
        if text or (single and runs[-1].ends_with_singles()):
            runs.append(_Run())
        if not text:
            runs[-1].rows.append((row, single))
    return runs


def _wide(parts: Sequence[Phrase], width: float) -> bool:
    """Whether a row is a line of text."""
    first = parts[0]
    return len(parts) == 1 and first.x1 - first.x0 > _WIDE * width and len(first.words) >= _WORDS


def _item(parts: Sequence[Phrase]) -> bool:
    """Whether a row begins an item of a list."""
    first: Word = parts[0].words[0]
    if any("\ue000" <= char <= "\uf8ff" for char in first.text):
        return True
    if not BULLET.match(first.text) or len(parts) > 2:
        return False
    if NUMBER.match(first.text) and not _NUMBERED.match(first.text):
        return False
    return len(parts) == 1 or not NUMBER.match(parts[1].text)
