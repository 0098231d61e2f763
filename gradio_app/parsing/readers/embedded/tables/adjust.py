"""Corrections of a grid: words that stand askew become a heading, columns of signs join their figures."""

from __future__ import annotations

from collections.abc import Sequence

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import median
from gradio_app.parsing.readers.embedded.tables.grid import Cell, Column, Grid, GridRow
from gradio_app.parsing.readers.embedded.tables.rowing import without_overlaps

#: signs that stand before a figure, and those behind it
_BEFORE, _BEHIND = frozenset("$€£¥"), frozenset((")", "%", ")%"))


def tilted_phrases(words: Sequence[Word]) -> list[list[Word]]:
    """Words askew that go on one behind the other, upwards or downwards."""
    found: list[list[Word]] = []
    top = bottom = 0.0
    for word in words:
        before = found[-1][-1] if found else None
        if before is not None and _follows(found[-1][0], before, word, top, bottom):
            found[-1].append(word)
            top, bottom = min(top, word.y0), max(bottom, word.y1)
        else:
            found.append([word])
            top, bottom = word.y0, word.y1
    return found


def _follows(first: Word, before: Word, word: Word, top: float, bottom: float) -> bool:
    if abs(first.angle - word.angle) >= 5 or abs(before.x1 - word.x0) >= word.size:
        return False
    return abs(top - word.y1) < word.size if word.angle > 180 else abs(bottom - word.y0) < word.size


def add_tilted(grid: Grid, words: Sequence[Word], size: float) -> None:
    """Puts words askew into the row of the heading that they end on, or into one of their own."""
    cells: dict[int, Cell] = {}
    for phrase in tilted_phrases(words):
        x = phrase[0].x0
        column = min(range(len(grid.columns)), key=lambda n: _distance(grid.columns[n], x, size))
        while column in cells and column + 1 < len(grid.columns):
            column += 1
        if column in cells:
            cells[column].words += phrase
        else:
            cells[column] = Cell(column, column, x, x, list(phrase))
    top = min(word.y0 for word in words)
    at = sum((row.y0 + row.y1) / 2 < top + 2 for row in grid.rows)
    if at < grid.header and not any(grid.rows[at].covers(column) for column in cells):
        grid.rows[at].cells += cells.values()
    else:
        bottom = median(word.y1 for word in words)
        grid.rows.insert(at, GridRow(list(cells.values()), bottom, bottom))
        grid.header += 1


def _distance(column: Column, x: float, size: float) -> float:
    """Of a place from a column; words askew begin a little before it."""
    if column[0] - size <= x <= column[1] + 0.5 * size:
        return 0.0
    return min(abs(x - column[0]), abs(x - column[1]))


def join_signs(grid: Grid) -> None:
    """Joins a column that holds only signs of money, brackets or percent with the figures beside it."""
    place: list[int] = []  # of each column now -> of it afterwards
    after, before = 0, 0
    for number in range(len(grid.columns)):
        side = _side(grid, number)
        if side < 0 and (before > 0 or after == 0):
            side = 0
        place.append(after - 1 if side < 0 else after)
        after, before = after + (side == 0), side
    if after in (0, len(grid.columns)):
        return
    columns: list[Column] = []
    for number, target in enumerate(place):
        if target < len(columns):
            columns[target] = (
                min(columns[target][0], grid.columns[number][0]),
                max(columns[target][1], grid.columns[number][1]),
            )
        else:
            columns.append(grid.columns[number])
    for row in grid.rows:
        for cell in row.cells:
            cell.first, cell.last = place[cell.first], place[cell.last]
        row.cells = without_overlaps(row.cells)
    grid.columns = columns


def _side(grid: Grid, column: int) -> int:
    """1: its signs belong to the column at its right; -1: at its left; 0: it is a column."""
    cells = (cell for row in grid.rows[grid.header :] for cell in row.cells)
    texts = {cell.text for cell in cells if cell.first == cell.last == column}
    if texts and texts <= _BEFORE and column + 1 < len(grid.columns):
        return 1
    return -1 if texts and texts <= _BEHIND and column > 0 else 0
