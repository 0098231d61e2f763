"""Grid of a table: columns, rows and cells while a table is built, and figures of how orderly it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.right_to_left import RTL, reading_order
from gradio_app.parsing.readers.embedded.typography import NUMBER

#: left and right end of a column
Column = tuple[float, float]


@dataclass(slots=True)
class Cell:
    """Words in columns ``first`` to ``last``, over ``down`` rows. ``x0`` and ``x1`` reach around its text."""

    first: int
    last: int
    x0: float
    x1: float
    words: list[Word]
    down: int = 1

    @property
    def middle(self) -> float:
        """Of its text, from left to right."""
        return (self.x0 + self.x1) / 2

    @property
    def text(self) -> str:
        """Its lines joined; a hyphen at the end of a line goes when the word goes on in small letters."""
        return cell_text(self.words)

    def meets(self, first: int, last: int) -> bool:
        """Whether it covers one of the columns ``first`` to ``last``."""
        return self.first <= last and first <= self.last


@dataclass(slots=True)
class GridRow:
    """Cells of a row, in no order; no two cover the same column."""

    cells: list[Cell]
    y0: float
    y1: float

    def ordered(self) -> list[Cell]:
        """The cells from left to right."""
        return sorted(self.cells, key=lambda cell: cell.first)

    def covers(self, column: int) -> bool:
        """Whether a cell is in ``column``."""
        return any(cell.meets(column, column) for cell in self.cells)


@dataclass(slots=True)
class Grid:
    """Columns and rows; the first ``header`` rows are the heading."""

    columns: list[Column]
    rows: list[GridRow]
    header: int = 0
    _texts: list[str] = field(default_factory=list[str])

    def cells(self) -> Iterator[Cell]:
        """All cells, row by row."""
        for row in self.rows:
            yield from row.cells

    def texts(self) -> list[str]:
        """Texts of all cells; asked for when the grid is done."""
        if not self._texts:
            self._texts = [cell.text for cell in self.cells()]
        return self._texts

    @property
    def filled(self) -> float:
        """Cells with text, as a share of rows by columns."""
        return len(self.texts()) / max(1, len(self.rows) * len(self.columns))

    @property
    def covered(self) -> float:
        """The same, where a cell counts for all places that it spans."""
        places = sum((cell.last - cell.first + 1) * cell.down for cell in self.cells())
        return places / max(1, len(self.rows) * len(self.columns))

    @property
    def words_a_cell(self) -> float:
        """Mean number of words in a cell with text."""
        return share((len(text.split()) for text in self.texts()), len(self.texts()))

    @property
    def numeric(self) -> float:
        """Share of the cells with text that hold a figure."""
        return share((NUMBER.match(text) is not None for text in self.texts()), len(self.texts()))

    @property
    def single(self) -> float:
        """Share of the rows that have only one cell."""
        return share((len(row.cells) == 1 for row in self.rows), len(self.rows))

    @property
    def wide(self) -> float:
        """Share of the cells that lie below the heading and over several columns."""
        below = (cell for row in self.rows[self.header :] for cell in row.cells)
        return share((cell.first != cell.last for cell in below), len(self.texts()))

    @property
    def signs_only(self) -> float:
        """Share of the cells with text that have neither letter nor figure."""
        return share((not any(char.isalnum() for char in text) for text in self.texts()), len(self.texts()))

    @property
    def lower(self) -> float:
        """Share of the cells with text that begin with a small letter."""
        return share((text[:1].islower() for text in self.texts()), len(self.texts()))


def share(values: Iterable[float], of: int) -> float:
    """Sum of ``values`` by ``of``; 0 when there are none."""
    return sum(values) / max(1, of)


def cell_text(words: Iterable[Word]) -> str:
    """Words of a cell in their order, with hyphens at ends of lines taken out."""
    parts: list[str] = []
    before: Word | None = None
    for word in _in_reading_order(list(words)):
        if before is not None and _goes_on(before, word):
            parts[-1] = parts[-1][:-1] + word.text
        else:
            parts.append(word.text)
        before = word
    return " ".join(parts).strip()


def _in_reading_order(words: list[Word]) -> list[Word]:
    """Words that stand from left to right, line by line, in the order of reading."""
    if not any(map(RTL.search, (word.text for word in words))):
        return words
    lines: list[list[Word]] = []
    for word in words:
        if lines and word.cy - lines[-1][-1].cy < 0.6 * word.size:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [line[index] for line in lines for index in reading_order([word.text for word in line])]


def _goes_on(before: Word, word: Word) -> bool:
    """Whether ``before`` ends its line with a hyphen within a word that ``word`` continues below."""
    return (
        not before.angle
        and not word.angle
        and before.text.endswith("-")
        and before.text[-2:-1].isalpha()
        and word.cy > before.cy + 0.6 * word.size
        and word.text[:1].islower()
    )
