"""Spans of the heading: a cell that is centred over several columns, or that a short rule reaches under, and
cells over several rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from gradio_app.parsing.readers.embedded.geometry import Box, overlap
from gradio_app.parsing.readers.embedded.tables.grid import Cell, Column, Grid, GridRow

#: a cell is centred over columns when their middle is as near to its own: heights of the font, share of the
#: width of the columns
_CENTRED, _CENTRED_WIDE = 0.6, 0.08
#: a rule under a cell is at most so far below it, in heights of the font; longer than this share of the table
#: it is no rule of the cell
_UNDER, _SHORT = 0.9, 0.9
#: lines of a name are no further apart, in heights of the font
_WRAPPED = 0.3
#: a row of the heading that fills this share of the columns has no spans
_FULL = 0.7


class _Heading:
    """A row of the heading over the row below it."""

    def __init__(self, grid: Grid, number: int, rules: Sequence[Box], size: float) -> None:
        self.columns, self.size = grid.columns, size
        self.row = grid.rows[number]
        self.cells = self.row.ordered()
        below = grid.rows[number + 1] if number + 1 < len(grid.rows) else GridRow([], 0, 0)
        self.below = [below.covers(column) for column in range(len(grid.columns))]
        self.sparse = len(self.cells) < len(grid.columns) and len(below.cells) > len(self.cells)
        left, right = grid.columns[0][0], grid.columns[-1][1]
        self.rules = [
            rule
            for rule in rules
            if self.row.y1 - 2 <= rule[1] <= self.row.y1 + _UNDER * size
            and overlap(rule[0], rule[2], left, right) < _SHORT * (right - left)
        ]

    def spread(self) -> None:
        """Gives each cell the columns that it is over, where none of them would meet another."""
        found: list[tuple[int, int]] = []
        for number in range(len(self.cells)):
            found.append(self._reach(number, found[-1][1] + 1 if found else 0))
        if all(a[1] < b[0] for a, b in itertools.pairwise(found)):
            for cell, (first, last) in zip(self.cells, found, strict=True):
                cell.first, cell.last = first, last

    def _reach(self, number: int, free: int) -> tuple[int, int]:
        cell = self.cells[number]
        left = max(free, self.cells[number - 1].last + 1) if number else 0
        more = number + 1 < len(self.cells)
        right = self.cells[number + 1].first - 1 if more else len(self.columns) - 1
        reach = self._ruled(cell, left, right)
        if not reach and len(self.cells) < _FULL * len(self.columns):
            reach = self._centred(number, left, right)
        return reach or (cell.first, cell.last)

    def _ruled(self, cell: Cell, left: int, right: int) -> tuple[int, int] | None:
        """The columns that the rule right under a cell reaches over."""
        under = [rule for rule in self.rules if rule[0] - 2 <= cell.middle <= rule[2] + 2]
        if not under:
            return None
        rule = min(under, key=lambda rule: rule[1])
        hit = [
            number
            for number in range(left, right + 1)
            if _shared(self.columns[number], rule) > 0.5 * _width(self.columns[number])
        ]
        return (min(hit[0], cell.first), max(hit[-1], cell.last)) if hit else None

    def _centred(self, number: int, left: int, right: int) -> tuple[int, int] | None:
        """The widest stretch of filled columns that a cell is centred over, and best."""
        cell = self.cells[number]
        if not all(self.below[cell.first : cell.last + 1]):
            return None
        candidates: list[tuple[int, float, tuple[int, int]]] = []
        for first in self._filled(cell.first, left, -1):
            if number and first < cell.first and self._nearer(first, self.cells[number - 1], cell):
                continue
            for last in self._filled(cell.last, right, 1):
                more = number + 1 < len(self.cells)
                if more and last > cell.last and self._nearer(last, self.cells[number + 1], cell):
                    continue
                start, end = self.columns[first][0], self.columns[last][1]
                off = abs((start + end) / 2 - cell.middle)
                if off < max(_CENTRED * self.size, _CENTRED_WIDE * (end - start)):
                    candidates.append((last - first, -off, (first, last)))
        return max(candidates)[2] if candidates else None

    def _filled(self, start: int, end: int, step: int) -> list[int]:
        """Columns from ``start`` on towards ``end``, as long as the row below has cells there."""
        found: list[int] = []
        for number in range(start, end + step, step):
            if not self.below[number]:
                break
            found.append(number)
        return found

    def _nearer(self, column: int, other: Cell, cell: Cell) -> bool:
        """Whether a column is nearer to ``other`` than to ``cell``."""
        middle = sum(self.columns[column]) / 2
        return abs(middle - cell.middle) > abs(middle - other.middle)


def spread_heading(grid: Grid, rules: Sequence[Box], size: float) -> None:
    """Spans of columns in the heading; ``rules``: horizontal ones; ``size``: height of the font."""
    for number in range(grid.header):
        heading = _Heading(grid, number, rules, size)
        if heading.sparse:
            heading.spread()


def join_wrapped_heading(grid: Grid, rules: Sequence[Box], size: float) -> None:
    """Joins rows of the heading where the lower one only goes on with cells of the upper one."""
    for number in range(grid.header - 1, 0, -1):
        above, row = grid.rows[number - 1], grid.rows[number]
        upper = {(cell.first, cell.last): cell for cell in above.cells if cell.down == 1}
        apart = row.y0 - above.y1 > _WRAPPED * size
        ruled = any(above.y1 - 2 <= rule[1] <= row.y0 + 2 for rule in rules)
        going_on = [
            cell for cell in row.cells if (cell.first, cell.last) in upper and cell.first == cell.last
        ]
        if apart or ruled or not row.cells or len(going_on) < len(row.cells):
            continue
        for cell in going_on:
            upper[cell.first, cell.last].words += cell.words
        row.cells = []
        _drop_row(grid, number)
        grid.header -= 1


def raise_heading(grid: Grid) -> None:
    """Spans of rows in the heading: a cell with nothing above it begins in the row above."""
    for number in range(grid.header - 1, 0, -1):
        row, above = grid.rows[number], grid.rows[number - 1]
        for cell in list(row.cells):
            if not any(other.meets(cell.first, cell.last) for other in above.cells):
                row.cells.remove(cell)
                cell.down += 1
                above.cells.append(cell)
    while grid.header > 1 and not grid.rows[grid.header - 1].cells:
        _drop_row(grid, grid.header - 1)
        grid.header -= 1


def _drop_row(grid: Grid, number: int) -> None:
    """Takes out a row without cells."""
    for above, row in enumerate(grid.rows[:number]):
        for cell in row.cells:
            if above + cell.down > number:
                cell.down -= 1
    del grid.rows[number]


def _shared(column: Column, rule: Box) -> float:
    return overlap(column[0], column[1], rule[0], rule[2])


def _width(column: Column) -> float:
    return column[1] - column[0]
