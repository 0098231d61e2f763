"""Drawings of rules that cross: their lines, and the fields between those.

Pieces of rules on one line are joined; rules that cross are one drawing; fields without a rule between them
are one cell.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradio_app.parsing.readers.embedded.geometry import Box, median, union
from gradio_app.parsing.readers.embedded.tables.groups import Groups

#: rules this near to one another are one line, and pieces with a smaller gap are one rule, in points. Rules
#: of a scan come from its picture and have gaps
SAME, _GAP = 3.0, 6.0
#: height of a row whose columns are not drawn, in points
_BORDER = 40.0
#: rules of a page that are looked at: the longest of each direction
_MOST_RULES = 300
#: share of a side of a field that is drawn
_DRAWN = 0.6


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
        if levels and piece[0] - levels[-1][0][0] < SAME:
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
    alone = [a[0] for a, d in members.values() if len(a) == 1 and not d]
    found = [_with_border(a, d, alone) for a, d in members.values() if len(a) >= 2 and len(d) >= 3]
    large = [drawing for drawing in found if len(drawing.across) >= 3]
    return sorted(large, key=lambda drawing: -len(drawing.across) * len(drawing.down))


def _with_border(across: Sequence[Stroke], down: Sequence[Stroke], alone: Iterable[Stroke]) -> Drawing:
    """Rules that cross, with the rules of their width right above and below: of a row without columns."""
    left, top, right, bottom = Drawing(tuple(across), tuple(down)).box
    border = [
        rule
        for rule in alone
        if abs(rule.start - left) < _GAP
        and abs(rule.end - right) < _GAP
        and (0 < top - rule.at < _BORDER or 0 < rule.at - bottom < _BORDER)
    ]
    return Drawing((*across, *border), tuple(down))


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

    def column(self, x: float, first: int, last: int) -> int:
        """The column of a place, within ``first`` to ``last``."""
        return min(max(bisect_right(self.xs, x) - 1, first), last)


def _places(lines: Iterable[Stroke]) -> list[float]:
    found: list[float] = []
    for at in sorted(line.at for line in lines):
        if not found or at - found[-1] >= SAME:
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
