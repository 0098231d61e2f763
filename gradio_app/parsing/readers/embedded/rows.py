"""Rows and phrases of words: lines across the page, and runs without a wide gap in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box, median, union
from gradio_app.parsing.readers.embedded.right_to_left import joined

#: middles of the words of a row differ by less than this share of the lower of the two
_LEVEL = 0.42
#: a smaller word (an index, a mark) is of a row that holds this share of its height; it is smaller than that
_HELD, _SMALLER = 0.9, 0.8
#: rows above that a word may still belong to
_OPEN_ROWS = 4


@dataclass(frozen=True, slots=True)
class Row:
    """Words on one level, from left to right.

    ``cy`` and ``size`` are medians of the words; ``y0`` and ``y1`` reach around those of the row's own size.
    """

    words: tuple[Word, ...]
    cy: float
    y0: float
    y1: float
    size: float

    @property
    def text(self) -> str:
        """The words with blanks between them."""
        return joined([word.text for word in self.words])


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of a row with small gaps between them. ``size`` is that of the first word."""

    words: tuple[Word, ...]
    x0: float
    x1: float
    size: float

    @property
    def text(self) -> str:
        """The words with blanks between them."""
        return joined([word.text for word in self.words])

    @property
    def box(self) -> Box:
        """The smallest box around the words."""
        return union(word.box for word in self.words)


@dataclass(slots=True)
class _OpenRow:
    """A row that still takes words. They come ordered by their middles, so the median is at hand."""

    height: float
    size: float
    y0: float
    y1: float
    words: list[Word] = field(default_factory=list[Word])

    @property
    def cy(self) -> float:
        half = len(self.words) // 2
        if len(self.words) % 2:
            return self.words[half].cy
        return (self.words[half - 1].cy + self.words[half].cy) / 2

    def takes(self, word: Word) -> bool:
        height = word.y1 - word.y0
        if abs(word.cy - self.cy) < _LEVEL * min(max(height, 1.0), self.height):
            return True
        shared = min(word.y1, self.y1) - max(word.y0, self.y0)
        small = min(word.size, self.size) < _SMALLER * max(word.size, self.size)
        return small and shared > 0.75 * min(height, self.y1 - self.y0) and shared > _HELD * height

    def add(self, word: Word) -> None:
        self.words.append(word)
        if word.size >= _SMALLER * self.size:
            self.y0, self.y1 = min(self.y0, word.y0), max(self.y1, word.y1)

    def closed(self) -> Row:
        words = tuple(sorted(self.words, key=lambda word: word.x0))
        return Row(words, self.cy, self.y0, self.y1, median(word.size for word in words))


def rows_of(words: Iterable[Word]) -> list[Row]:
    """Rows from top to bottom. A word joins the lowest of the last rows that is level with it.

    Time grows with the number of words, besides the sorting. Words that stand askew do not belong here.
    """
    rows: list[_OpenRow] = []
    for word in sorted(words, key=lambda word: word.cy):
        row = next((row for row in reversed(rows[-_OPEN_ROWS:]) if row.takes(word)), None)
        if row is None:
            row = _OpenRow(word.y1 - word.y0, word.size, word.y0, word.y1)
            rows.append(row)
        row.add(word)
    return sorted((row.closed() for row in rows), key=lambda row: row.cy)


def phrases(words: Iterable[Word], gap: float) -> list[Phrase]:
    """Phrases from left to right; ``gap``: the widest gap in one, in heights of the font."""
    runs: list[list[Word]] = []
    end = 0.0
    for word in sorted(words, key=lambda word: word.x0):
        if runs and word.x0 - end <= gap * max(word.size, runs[-1][0].size):
            runs[-1].append(word)
            end = max(end, word.x1)
        else:
            runs.append([word])
            end = word.x1
    return [Phrase(tuple(run), run[0].x0, max(w.x1 for w in run), run[0].size) for run in runs]
