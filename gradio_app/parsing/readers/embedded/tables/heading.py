"""Where the heading of a table ends: by a rule across it, or by the first line of figures."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from gradio_app.parsing.readers.embedded.geometry import Box, overlap
from gradio_app.parsing.readers.embedded.tables.lines import Line

#: rules over this share of the width, in one piece or several, separate rows
_ACROSS = 0.6
#: pieces of a rule lie within this, in points
_LEVEL = 1.5
#: lines of a heading, when a rule ends it and when only figures do
_MOST_RULED, _MOST = 6, 5
#: share of the pieces of a line that are figures, from which on it is no heading
_FIGURES = 0.34


class Separators:
    """Rules that run across a table, by their height."""

    def __init__(self, rules: Iterable[Box], left: float, right: float) -> None:
        inside = sorted((rule[1], overlap(rule[0], rule[2], left, right)) for rule in rules)
        heights = [y for y, _ in inside]
        self.heights: list[int] = []
        for y in sorted({round(y) for y in heights}):
            near = inside[bisect_right(heights, y - _LEVEL) : bisect_left(heights, y + _LEVEL)]
            if sum(length for _, length in near) > _ACROSS * (right - left):
                self.heights.append(y)

    def between(self, above: Line, below: Line) -> bool:
        """Whether one runs between two lines."""
        at = bisect_right(self.heights, above.cy)
        return at < len(self.heights) and self.heights[at] < below.cy


def heading_lines(lines: Sequence[Line], separators: Separators, columns: int) -> int:
    """How many lines, from the first on, are the heading."""
    found = _above_rule(lines, separators)
    first = _first_figures(lines, columns)
    if first is not None and (found == 0 or found > first > 0):
        found = min(first, _MOST)
    if columns == 2 and _labels(lines):
        return 0
    return found


def _above_rule(lines: Sequence[Line], separators: Separators) -> int:
    for y in separators.heights:
        above = sum(line.cy < y for line in lines)
        if 0 < above <= min(_MOST_RULED, len(lines) - 1):
            return above
    return 0


def _first_figures(lines: Sequence[Line], columns: int) -> int | None:
    """The first line in which a third of the pieces are figures: two of them, in a wide table."""
    for number, line in enumerate(lines):
        figures = line.numbers
        if figures >= max(1, _FIGURES * len(line.cells)) and (figures >= 2 or columns <= 3):
            return number
    return None


def _labels(lines: Sequence[Line]) -> bool:
    """Whether most lines begin with a label and a colon."""
    ending = sum(line.cells[0].text.rstrip().endswith(":") for line in lines if line.cells)
    return ending >= 0.6 * len(lines)
