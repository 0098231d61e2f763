"""Lattice: cells of a table that is ruled throughout, as they are drawn, with spans of rows and columns.

Where a cell is no rectangle, where text lies across rules, or where lines of text between two rules are rows
of their own, the drawing does not tell the cells: there is no lattice.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import union
from gradio_app.parsing.readers.embedded.rows import Row, phrases, rows_of
from gradio_app.parsing.readers.embedded.tables.columns import MOST_COLUMNS
from gradio_app.parsing.readers.embedded.tables.drawings import SAME, Drawing, Fields
from gradio_app.parsing.readers.embedded.tables.grid import Cell, Grid, GridRow
from gradio_app.parsing.readers.embedded.typography import BULLET, NUMBER

#: rows of a drawing
MOST_ROWS = 400
#: share of the words that may be outside of all fields, or across a rule
_STRAYS = 0.06
#: share of the cells that may hold columns which are not drawn
_APART = 0.15
#: gaps that part columns within a cell, in heights of the font: in lines below one another, and in one line
#: of a cell over several columns
_WIDE_GAP, _GAP = 1.5, 1.0
#: a line had room for the next word when so much of a cell stays free behind both, in heights of the font
_ROOM = 1.2
#: so many figures below one another are no wrapped text
_STACK = 3
#: rows of a drawing with so many figures are no heading
_FIGURES = 2


def build_lattice(words: Sequence[Word], drawing: Drawing) -> Grid | None:
    """The table whose cells are drawn; none when the drawing does not tell them."""
    fields = Fields(drawing)
    if not (2 <= fields.columns <= MOST_COLUMNS and 2 <= fields.rows <= MOST_ROWS) or len(words) < 2:
        return None
    cells = fields.cells()
    if cells is None:
        return None
    grid, strays = _filled(words, fields, cells)
    if strays > _STRAYS * len(words) or not _rows_are_drawn(grid, fields):
        return None
    for row in grid.rows:
        row.cells = [part for cell in row.cells if cell.words for part in _parted(cell, fields)]
    grid.header = _heading(grid)
    return grid if len(grid.columns) >= 2 and len(grid.rows) >= 2 else None


def _filled(
    words: Sequence[Word], fields: Fields, cells: Sequence[Sequence[tuple[int, int]]]
) -> tuple[Grid, int]:
    """Words in the cells, and how many of them are in none or lie across a side."""
    owner = {field: number for number, group in enumerate(cells) for field in group}
    inside: list[list[Word]] = [[] for _ in cells]
    strays = 0
    for word in words:
        field = fields.field(word.cx, word.cy)
        if field is None:
            strays += 1
            continue
        number = owner[field]
        inside[number].append(word)
        columns = [column for _, column in cells[number]]
        left, right = fields.xs[min(columns)], fields.xs[max(columns) + 1]
        outside = max(left - word.x0, word.x1 - right)
        strays += outside > max(SAME, 0.25 * (word.x1 - word.x0))
    rows = [GridRow([], fields.ys[n], fields.ys[n + 1]) for n in range(fields.rows)]
    for group, found in zip(cells, inside, strict=True):
        first_row, last_row = min(group)[0], max(group)[0]
        columns = [column for _, column in group]
        x0, _, x1, _ = union(word.box for word in found) if found else (0.0, 0.0, 0.0, 0.0)
        ordered = [word for row in rows_of(found) for word in row.words]
        cell = Cell(min(columns), max(columns), x0, x1, ordered, last_row - first_row + 1)
        rows[first_row].cells.append(cell)
    return Grid(list(pairwise(fields.xs)), rows), strays


def _rows_are_drawn(grid: Grid, fields: Fields) -> bool:
    """Whether no row holds lines that are rows, and hardly a cell holds columns."""
    apart = 0
    for row in grid.rows:
        cells = [(cell, rows_of(cell.words)) for cell in row.cells if cell.words and cell.down == 1]
        if _rows_of_their_own(cells, fields):
            return False
        apart += sum(_falls_apart(lines) for _, lines in cells)
    return apart <= _APART * max(1, sum(bool(cell.words) for cell in grid.cells()))


def _rows_of_their_own(cells: Sequence[tuple[Cell, list[Row]]], fields: Fields) -> bool:
    """Whether lines of a drawn row are rows: figures stand below one another, or most cells have lines
    on the same levels that end although there was room."""
    figures = [sum(NUMBER.match(line.text) is not None for line in lines) for _, lines in cells]
    stacks = sum(count >= 2 for count in figures)
    if stacks >= 2 or (stacks and len(cells) >= 2 and max(figures) >= _STACK):
        return True
    most = max((len(lines) for _, lines in cells), default=0)
    full = [(cell, lines) for cell, lines in cells if len(lines) == most]
    if most < 2 or len(full) < max(2, 0.6 * len(cells)):
        return False
    first = full[0][1]
    return all(
        abs(line.cy - other.cy) < 0.3 * line.size and not BULLET.match(line.words[0].text)
        for _, lines in full
        for line, other in zip(lines, first, strict=True)
    ) and all(
        _had_room(above, below, fields.xs[cell.last + 1])
        for cell, ls in full
        for above, below in pairwise(ls)
    )


def _had_room(above: Row, below: Row, right: float) -> bool:
    """Whether the first word of a line would have fitted on the line above it: nothing forced it down."""
    word = below.words[0]
    return above.words[-1].x1 + (word.x1 - word.x0) + _ROOM * above.size < right


def _falls_apart(lines: Sequence[Row]) -> bool:
    """Whether lines of a cell are cut by wide gaps: columns that are not drawn."""
    cut = sum(len(phrases(row.words, _WIDE_GAP)) > 1 for row in lines)
    return len(lines) >= 2 and cut >= 0.6 * len(lines)


def _parted(cell: Cell, fields: Fields) -> list[Cell]:
    """A cell over several columns as cells of those, where wide gaps in its only line say so."""
    if cell.first == cell.last or len(rows_of(cell.words)) != 1:
        return [cell]
    found: list[Cell] = []
    for phrase in phrases(cell.words, _GAP):
        first, last = (fields.column(x, cell.first, cell.last) for x in (phrase.x0, phrase.x1))
        if found and first <= found[-1].last:
            return [cell]
        found.append(Cell(first, last, phrase.x0, phrase.x1, list(phrase.words), cell.down))
    return found if len(found) > 1 else [cell]


def _heading(grid: Grid) -> int:
    """Rows of the heading: the first, and those that its cells reach into or are parted in."""
    first = grid.rows[0].cells
    if not first or (len(grid.columns) == 2 and _labelled(grid)):
        return 0
    rows = max(cell.down for cell in first)
    if any(cell.first != cell.last for cell in first) and len(first) > 1:
        rows = max(rows, 2)
    figures = [sum(NUMBER.match(cell.text) is not None for cell in row.cells) for row in grid.rows]
    while rows > 1 and figures[rows - 1] >= _FIGURES:
        rows -= 1
    return min(rows, len(grid.rows) - 1)


def _labelled(grid: Grid) -> bool:
    labels = [row.cells[0].text for row in grid.rows if row.cells]
    return sum(label.rstrip().endswith(":") for label in labels) >= 0.6 * len(labels)
