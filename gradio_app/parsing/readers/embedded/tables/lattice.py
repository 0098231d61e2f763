"""Lattice: cells of a table that is ruled throughout, as they are drawn, with spans of rows and columns.

Method: pieces of rules on one line are joined; rules that cross are one drawing; its lines make a grid of fields;
fields without a rule between them are one cell. Where a cell is no rectangle, where text lies across rules, or
where lines of text between two rules are rows of their own, the drawing does not tell the cells: none is given.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box, median, union
from gradio_app.parsing.readers.embedded.rows import phrases, rows_of
from gradio_app.parsing.readers.embedded.tables.columns import MOST_COLUMNS
from gradio_app.parsing.readers.embedded.tables.grid import Cell, Grid, GridRow
from gradio_app.parsing.readers.embedded.tables.groups import Groups
from gradio_app.parsing.readers.embedded.typography import NUMBER

#: rules this near to one another are one line, and pieces with a smaller gap are one rule, in points. Rules that
#: were found in the picture of a scan have gaps
_SAME, _GAP = 3.0, 6.0
#: rules of a page that are looked at: the longest of each direction
_MOST_RULES = 300
#: lines of a drawing across the page
MOST_LINES = 400
#: share of a side of a field that is drawn
_DRAWN = 0.6
#: share of the words that may be outside of all fields, or across a rule
_STRAYS = 0.06
#: gap that parts phrases, in heights of the font
_WIDE_GAP = 0.75


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line of rules: its place across, and where it is drawn along."""

    at: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """Rules that cross one another: lines across (``at`` is y) and down (``at`` is x)."""

    across: tuple[Stroke, ...]
    down: tuple[Stroke, ...]

    @property
    def box(self) -> Box:
        """The box around all lines."""
        return union(
            [
                *((stroke.start, stroke.at, stroke.end, stroke.at) for stroke in self.across),
                *((stroke.at, stroke.start, stroke.at, stroke.end) for stroke in self.down),
            ]
        )


def strokes(pieces: Iterable[tuple[float, float, float]]) -> list[Stroke]:
    """Pieces (place, start, end) joined to strokes, the longest ones."""
    levels: list[list[tuple[float, float, float]]] = []
    for piece in sorted(pieces):
        if levels and piece[0] - levels[-1][0][0] < _SAME:
            levels[-1].append(piece)
        else:
            levels.append([piece])
    found: list[Stroke] = []
    for level in levels:
        at = median(piece[0] for piece in level)
        start, end = None, 0.0
        for _, left, right in sorted(level, key=lambda piece: piece[1]):
            if start is not None and left - end <= _GAP:
                end = max(end, right)
                continue
            if start is not None:
                found.append(Stroke(at, start, end))
            start, end = left, right
        if start is not None:
            found.append(Stroke(at, start, end))
    return sorted(found, key=lambda stroke: stroke.start - stroke.end)[:_MOST_RULES]


def drawings(horizontal: Iterable[Box], vertical: Iterable[Box]) -> list[Drawing]:
    """Groups of rules that cross and have at least three lines in each direction; the largest first."""
    across = strokes((rule[1], rule[0], rule[2]) for rule in horizontal)
    down = strokes((rule[0], rule[1], rule[3]) for rule in vertical)
    groups = Groups(len(across) + len(down))
    for number, one in enumerate(across):
        for other_number, other in enumerate(down, len(across)):
            if _meets(one, other.at) and _meets(other, one.at):
                groups.join(number, other_number)
    members: dict[int, tuple[list[Stroke], list[Stroke]]] = {}
    for number in range(len(across) + len(down)):
        lists = members.setdefault(groups.root(number), ([], []))
        if number < len(across):
            lists[0].append(across[number])
        else:
            lists[1].append(down[number - len(across)])
    found = [Drawing(tuple(a), tuple(d)) for a, d in members.values() if len(a) >= 3 and len(d) >= 3]
    return sorted(found, key=lambda drawing: -len(drawing.across) * len(drawing.down))


def _meets(stroke: Stroke, place: float) -> bool:
    return stroke.start - _GAP <= place <= stroke.end + _GAP


class Fields:
    """The fields between the lines of a drawing."""

    def __init__(self, drawing: Drawing) -> None:
        self.ys = _places(drawing.across)
        self.xs = _places(drawing.down)
        self.rows, self.columns = len(self.ys) - 1, len(self.xs) - 1
        self._across = _by_place(drawing.across, self.ys)
        self._down = _by_place(drawing.down, self.xs)

    def cells(self) -> list[list[tuple[int, int]]] | None:
        """Fields (row, column) of each cell; none when a cell is no rectangle."""
        groups = Groups(self.rows * self.columns)
        for row in range(self.rows):
            for column in range(self.columns):
                number = row * self.columns + column
                if column + 1 < self.columns and not self._wall(self._down[column + 1], self.ys, row):
                    groups.join(number, number + 1)
                if row + 1 < self.rows and not self._wall(self._across[row + 1], self.xs, column):
                    groups.join(number, number + self.columns)
        members: dict[int, list[tuple[int, int]]] = {}
        for number in range(self.rows * self.columns):
            members.setdefault(groups.root(number), []).append(divmod(number, self.columns))
        found = list(members.values())
        return found if all(_rectangle(fields) for fields in found) else None

    @staticmethod
    def _wall(lines: Sequence[Stroke], places: Sequence[float], number: int) -> bool:
        """Whether a line is drawn between two places."""
        start, end = places[number], places[number + 1]
        drawn = sum(max(0.0, min(end, line.end) - max(start, line.start)) for line in lines)
        return drawn > _DRAWN * (end - start)

    def field(self, x: float, y: float) -> tuple[int, int] | None:
        """Row and column of a point; none outside of the drawing."""
        row, column = bisect_right(self.ys, y) - 1, bisect_right(self.xs, x) - 1
        return (row, column) if 0 <= row < self.rows and 0 <= column < self.columns else None


def _places(lines: Iterable[Stroke]) -> list[float]:
    found: list[float] = []
    for at in sorted(line.at for line in lines):
        if not found or at - found[-1] >= _SAME:
            found.append(at)
    return found


def _by_place(lines: Iterable[Stroke], places: Sequence[float]) -> list[list[Stroke]]:
    found: list[list[Stroke]] = [[] for _ in places]
    for line in lines:
        found[max(0, bisect_right(places, line.at) - 1)].append(line)
    return found


def _rectangle(fields: Sequence[tuple[int, int]]) -> bool:
    rows, columns = {row for row, _ in fields}, {column for _, column in fields}
    high, wide = max(rows) - min(rows) + 1, max(columns) - min(columns) + 1
    return high * wide == len(fields)


def build_lattice(words: Sequence[Word], drawing: Drawing) -> Grid | None:
    """The table whose cells are drawn; none when the drawing does not tell them."""
    fields = Fields(drawing)
    if not (2 <= fields.columns <= MOST_COLUMNS and 2 <= fields.rows <= MOST_LINES) or len(words) < 2:
        return None
    cells = fields.cells()
    if cells is None:
        return None
    grid, strays = _filled(words, fields, cells)
    if strays > _STRAYS * len(words) or not _rows_are_drawn(grid):
        return None
    for row in grid.rows:
        row.cells = [cell for cell in row.cells if cell.words]
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
        strays += outside > max(_SAME, 0.25 * (word.x1 - word.x0))
    rows = [GridRow([], fields.ys[n], fields.ys[n + 1]) for n in range(fields.rows)]
    for group, found in zip(cells, inside, strict=True):
        first_row, last_row = min(group)[0], max(group)[0]
        columns = [column for _, column in group]
        x0, _, x1, _ = union(word.box for word in found) if found else (0.0, 0.0, 0.0, 0.0)
        ordered = [word for row in rows_of(found) for word in row.words]
        cell = Cell(min(columns), max(columns), x0, x1, ordered, last_row - first_row + 1)
        rows[first_row].cells.append(cell)
    return Grid(list(pairwise(fields.xs)), rows), strays


def _rows_are_drawn(grid: Grid) -> bool:
    """Whether no row and no column holds several of its kind: lines that stand level, phrases that are apart."""
    apart = 0
    for row in grid.rows:
        cells = [cell for cell in row.cells if cell.words and cell.down == 1]
        levels = [_levels(cell.words) for cell in cells]
        if len([level for level in levels if len(level) > 1]) >= 2 and _rows_of_their_own(levels):
            return False
        apart += sum(_falls_apart(cell) for cell in cells)
    return apart <= 0.15 * max(1, sum(bool(cell.words) for cell in grid.cells()))


def _levels(words: Sequence[Word]) -> list[tuple[float, bool]]:
    """Height of each line of a cell, and whether the line is a figure."""
    return [(row.cy, NUMBER.match(row.text) is not None) for row in rows_of(words)]


def _rows_of_their_own(cells: Sequence[Sequence[tuple[float, bool]]]) -> bool:
    """Whether lines of a drawn row are rows: in two cells figures stand below one another, or in most cells
    many lines are level."""
    figures = sum(sum(figure for _, figure in lines) >= 2 for lines in cells)
    if figures >= 2:
        return True
    most = max(len(lines) for lines in cells)
    return most >= 4 and sum(len(lines) == most for lines in cells) >= max(2, 0.75 * len(cells))


def _falls_apart(cell: Cell) -> bool:
    """Whether a cell has lines that are cut by wide gaps: columns that are not drawn."""
    rows = rows_of(cell.words)
    return len(rows) >= 2 and sum(len(phrases(row.words, 2 * _WIDE_GAP)) > 1 for row in rows) >= 0.6 * len(
        rows
    )


def _heading(grid: Grid) -> int:
    """Rows of the heading: the first, and those that its cells reach into or are parted in."""
    first = grid.rows[0].cells
    if not first or (len(grid.columns) == 2 and _labelled(grid)):
        return 0
    rows = max(cell.down for cell in first)
    if any(cell.first != cell.last for cell in first) and len(first) > 1:
        rows = max(rows, 2)
    figures = [sum(NUMBER.match(cell.text) is not None for cell in row.cells) for row in grid.rows]
    while rows > 1 and figures[rows - 1] >= 2:
        rows -= 1
    return min(rows, len(grid.rows) - 1)


def _labelled(grid: Grid) -> bool:
    labels = [row.cells[0].text for row in grid.rows if row.cells]
    return sum(label.rstrip().endswith(":") for label in labels) >= 0.6 * len(labels)
