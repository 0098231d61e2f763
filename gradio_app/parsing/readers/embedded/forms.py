"""Forms: rows of a label and its value, which a reader of columns would take apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box, union
from gradio_app.parsing.readers.embedded.rows import phrases, rows_of

#: gap between label and value at least, and between two such rows at most, in heights of the font
_GAP, _APART = 1.5, 4.0
#: words of a label at most; rows of a form at least
_LABEL, _LEAST = 5, 3


@dataclass(frozen=True, slots=True)
class Field:
    """A label that ends with a colon, and its value on the same row."""

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """Label and value."""
        return " ".join(word.text for word in self.words)

    @property
    def box(self) -> Box:
        """The smallest box around both."""
        return union(word.box for word in self.words)


def fields(words: Iterable[Word]) -> list[Field]:
    """The fields of forms on a page, from top to bottom: at least three under one another."""
    runs: list[list[Field]] = [[]]
    last = 0.0
    for row in rows_of(word for word in words if not word.angle):
        parts = phrases(row.words, _GAP)
        pair = len(parts) == 2 and parts[0].text.endswith(":") and len(parts[0].words) <= _LABEL
        if not pair or (runs[-1] and row.cy - last > _APART * row.size):
            runs.append([])
        if pair:
            runs[-1].append(Field(row.words))
            last = row.cy
    return [field for run in runs if len(run) >= _LEAST for field in run]
