"""Table of a page: its HTML, its cells, and what tells how good it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box, union
from gradio_app.parsing.readers.embedded.tables.grid import Grid
from gradio_app.parsing.readers.embedded.tables.markup import table_html

#: what a table was found by: the layout model, groups of rules, groups of short phrases
Source = Literal["model", "rules", "stream"]


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell with text. ``row`` and ``column`` count from 0; ``across`` and ``down``: columns and rows."""

    row: int
    column: int
    across: int
    down: int
    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table. ``box``: around its words, in points. ``html``: one ``table`` element, with ``thead`` where
    the first ``header`` rows are a heading. ``cells``: those with text, row by row. ``score``: of the layout
    model (0 to 1), else 0 to 0.3. ``numeric``: share of the cells with text that are figures. ``filled``:
    cells with text as a share of rows by columns.
    """

    box: Box
    html: str
    rows: int
    columns: int
    header: int
    words: tuple[Word, ...]
    cells: tuple[tuple[TableCell, ...], ...]
    source: Source
    score: float
    numeric: float
    filled: float

    @property
    def count(self) -> int:
        """Number of cells with text."""
        return sum(len(row) for row in self.cells)


def table_of(grid: Grid, words: list[Word], source: Source, score: float) -> Table:
    """A grid that is done as a table."""
    cells = tuple(
        tuple(
            TableCell(number, cell.first, cell.last - cell.first + 1, cell.down, cell.text)
            for cell in row.ordered()
        )
        for number, row in enumerate(grid.rows)
    )
    return Table(
        box=union(word.box for word in words),
        html=table_html(grid),
        rows=len(grid.rows),
        columns=len(grid.columns),
        header=grid.header,
        words=tuple(words),
        cells=cells,
        source=source,
        score=score,
        numeric=grid.numeric,
        filled=grid.filled,
    )
