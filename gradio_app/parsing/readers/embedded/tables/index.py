"""Index of words by their height on the page: those of a box without a walk through all of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box, holds


class WordIndex:
    """Words, found by their middles. Answers keep the order of ``words``."""

    def __init__(self, words: Iterable[Word]) -> None:
        self.words = list(words)
        order = sorted((word.cy, number) for number, word in enumerate(self.words))
        self._heights = [height for height, _ in order]
        self._numbers = [number for _, number in order]

    def level(self, top: float, bottom: float) -> list[Word]:
        """Words whose middle is from ``top`` to ``bottom``."""
        start, end = bisect_left(self._heights, top), bisect_right(self._heights, bottom)
        return [self.words[number] for number in sorted(self._numbers[start:end])]

    def count(self, top: float, bottom: float) -> int:
        """Number of the words whose middle is from ``top`` to ``bottom``."""
        return max(0, bisect_right(self._heights, bottom) - bisect_left(self._heights, top))

    def within(self, box: Box, margin: float = 2.0) -> list[Word]:
        """Words whose middle is inside of ``box``, widened by ``margin``."""
        near = self.level(box[1] - margin, box[3] + margin)
        return [word for word in near if holds(box, word.cx, word.cy, margin)]
