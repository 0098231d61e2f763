"""Lines of a table: each row of words cut into pieces at the gutters, and the first that is no heading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.rows import Phrase, Row, phrases
from gradio_app.parsing.readers.embedded.tables.columns import Gutters
from gradio_app.parsing.readers.embedded.tables.grid import Cell
from gradio_app.parsing.readers.embedded.typography import NUMBER

#: a phrase is cut at a gutter where its words stand further apart than this, in heights of the font
_CUT = 0.35


@dataclass(slots=True)
class Line:
    """A line of text: its pieces from left to right, no two in the same column."""

    cells: list[Cell]
    y0: float
    y1: float
    cy: float
    size: float
    bold: bool

    @property
    def numbers(self) -> int:
        """How many pieces are figures."""
        return sum(NUMBER.match(cell.text) is not None for cell in self.cells)


def table_line(row: Row, gap: float, gutters: Gutters) -> Line:
    """A row of words in the columns; ``gap`` parts phrases, in heights of the font."""
    cells = [cell for phrase in phrases(row.words, gap) for cell in _pieces(phrase, gutters)]
    joined = _joined(sorted(cells, key=lambda cell: cell.x0))
    return Line(joined, row.y0, row.y1, row.cy, row.size, all(word.bold for word in row.words))


def _pieces(phrase: Phrase, gutters: Gutters) -> list[Cell]:
    """A phrase as a cell, or as several where its words leave gutters free."""
    first, last = gutters.reach(phrase.x0, phrase.x1)
    if first == last:
        return [Cell(first, last, phrase.x0, phrase.x1, list(phrase.words))]
    parts: list[list[Word]] = [[phrase.words[0]]]
    for before, word in zip(phrase.words, phrase.words[1:], strict=False):
        columns = gutters.column_of(before.cx), gutters.column_of(word.cx)
        wide = word.x0 - before.x1 > _CUT * gutters.size
        if wide and gutters.between(before.x1, word.x0, *columns):
            parts.append([word])
        else:
            parts[-1].append(word)
    return [Cell(*gutters.reach(part[0].x0, part[-1].x1), part[0].x0, part[-1].x1, part) for part in parts]


def _joined(cells: Sequence[Cell]) -> list[Cell]:
    """Pieces of a line; those that share a column become one."""
    found: list[Cell] = []
    for cell in cells:
        if found and cell.first <= found[-1].last:
            before = found[-1]
            before.last, before.x1 = max(before.last, cell.last), cell.x1
            before.words += cell.words
        else:
            found.append(cell)
    return found
