"""Columns of a table: free strips between the phrases of its fullest rows, or spaces between drawn rules."""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Iterable, Sequence

from gradio_app.parsing.readers.embedded.geometry import Box, overlap
from gradio_app.parsing.readers.embedded.rows import Phrase
from gradio_app.parsing.readers.embedded.tables.grid import Column

#: a table with more columns is none
MOST_COLUMNS = 80
#: rows count as full with this share of the phrases of the fullest one; the second share is for ragged tables
_FULL, _HALF_FULL = 0.85, 0.5
#: strips are found to half a point
_STEPS = 2
#: of so many full rows on, this share of them may lie across a strip
_MANY, _STRAYS = 8, 0.07
#: a strip narrower than this, in heights of the font, is no gutter
_NARROW = 0.3
#: rules closer than this are one; a rule of a column is drawn over this share of the height
_SAME_RULE, _DRAWN = 4.0, 0.6


def free_strips(rows: Sequence[Sequence[Phrase]], size: float) -> list[Column]:
    """Columns between the strips that the fullest rows leave free; none when no row has two phrases."""
    body = _full_rows([row for row in rows if row])
    if not body:
        return []
    left = min(row[0].x0 for row in rows if row)
    crossing = 0 if len(body) < _MANY else max(1, int(_STRAYS * len(body)))
    found: list[Column] = []
    for start, end in _covered(body, left, crossing):
        if found and start - found[-1][1] < _NARROW * size:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _full_rows(rows: Sequence[Sequence[Phrase]]) -> list[Sequence[Phrase]]:
    """The rows with most phrases: those that show where the columns are."""
    most = max((len(row) for row in rows), default=0)
    body = [row for row in rows if len(row) >= max(2, _FULL * most)]
    if len(body) < max(3, 0.4 * len(rows)):
        body = [row for row in rows if len(row) >= max(2, _HALF_FULL * most)]
    return body


def _covered(rows: Iterable[Sequence[Phrase]], left: float, crossing: int) -> list[Column]:
    """Where more than ``crossing`` rows have text: a sweep over the beginnings and ends of phrases."""
    changes: dict[int, int] = {}
    for row in rows:
        end = -1
        for phrase in row:
            start = max(end + 1, int((phrase.x0 - left) * _STEPS))
            stop = int((phrase.x1 - left) * _STEPS)
            if stop < start:
                continue
            changes[start] = changes.get(start, 0) + 1
            changes[stop + 1] = changes.get(stop + 1, 0) - 1
            end = stop
    found: list[Column] = []
    count, start = 0, None
    for step in sorted(changes):
        count += changes[step]
        if count > crossing and start is None:
            start = step
        elif count <= crossing and start is not None:
            found.append((left + start / _STEPS, left + (step - 1) / _STEPS))
            start = None
    return found


def drawn_columns(columns: list[Column], vertical: Iterable[Box], box: Box, size: float) -> list[Column]:
    """The columns between drawn rules, where nearly as many are drawn as ``columns`` are; else those."""
    inner = [x for x in _long_rules(vertical, box) if columns[0][0] + size < x < columns[-1][1] - size]
    if not inner or len(inner) + 1 < 0.6 * len(columns):
        return columns
    edges = [min(columns[0][0], box[0]), *inner, max(columns[-1][1], box[2])]
    return [(a + 1, b - 1) for a, b in itertools.pairwise(edges) if b - a > size]


def _long_rules(vertical: Iterable[Box], box: Box) -> list[float]:
    """Places of rules that are drawn, in one piece or several, over most of the height of ``box``."""
    found: list[tuple[float, float]] = []
    for x, top, _, bottom in sorted(vertical):
        length = overlap(top, bottom, box[1], box[3])
        if not box[0] - 6 <= x <= box[2] + 6 or length <= 0:
            continue
        if found and x - found[-1][0] < _SAME_RULE:
            found[-1] = (found[-1][0], found[-1][1] + length)
        else:
            found.append((x, length))
    return [x for x, length in found if length > _DRAWN * (box[3] - box[1])]


class Gutters:
    """Which columns a stretch of text lies in."""

    def __init__(self, columns: list[Column], size: float) -> None:
        self.columns, self.size = columns, size
        self._middles = [(a[1] + b[0]) / 2 for a, b in itertools.pairwise(columns)]

    def column_of(self, x: float) -> int:
        """The column that a point is in: gutters are shared at their middles."""
        return bisect_right(self._middles, x)

    def reach(self, x0: float, x1: float) -> tuple[int, int]:
        """First and last column that text from ``x0`` to ``x1`` lies over, not only touches."""
        hit = [
            number
            for number, (left, right) in enumerate(self.columns)
            if min(right, x1) - max(left, x0) > 0.25 * min(self.size, right - left, x1 - x0)
        ]
        if hit:
            return hit[0], hit[-1]
        nearest = self.column_of((x0 + x1) / 2)
        return nearest, nearest

    def between(self, left: float, right: float, first: int, last: int) -> bool:
        """Whether a gap from ``left`` to ``right`` covers a gutter of the columns ``first`` to ``last``."""
        slack = _NARROW * self.size
        return any(
            left <= self.columns[number + 1][0] + slack and right >= self.columns[number][1] - slack
            for number in range(first, last)
        )
