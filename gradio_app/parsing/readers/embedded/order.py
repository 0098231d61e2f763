"""Reading order of boxes on a page: columns by their gutters, bands between boxes that lie across.

A recursive cut of the page after Nagy and Seth ("Hierarchical representation of optically scanned
documents", 1984), with a cost for boxes across a gutter instead of a cut that must be free.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gradio_app.parsing.readers.embedded.geometry import Box

#: above so many boxes, and below so many cuts within cuts, from top to bottom
_MOST_BOXES, _MOST_CUTS = 1500, 40
#: places for a gutter that are tried; pairs of boxes that are looked at on one page
_MOST_GUTTERS, _MOST_PAIRS = 150, 4_000_000
#: points: the least width of a gutter, and what a box may reach into it
_GUTTER, _INTO = 3.0, 1.0
#: cost of a box across the gutter, and of one that stands beside boxes of the columns; gain of columns. Each
#: for a point of height.
_ACROSS, _BESIDE, _GAIN = 0.3, 2.0, 0.9
#: two boxes are beside one another when they share this part of the lower one's height
_SHARED = 0.3
#: a column of one or two boxes with less than this share of the other's height belongs at its height in it
_ASIDE = 0.2
#: cards: points that their tops may differ by, and how often a free strip is the height of a usual box
_CARD_LEVEL, _CARD_STRIP = 2.5, 1.2

_NUMBERED = re.compile(r"^[^\w\n]{0,8}(\d{1,3})[.)\s]")


@dataclass(slots=True)
class _Page:
    """Boxes, the number that each one's text begins with, and how many pairs may still be looked at."""

    boxes: list[Box]
    numbers: list[int | None]
    left: int = field(default=_MOST_PAIRS)

    def height(self, i: int) -> float:
        return self.boxes[i][3] - self.boxes[i][1]

    def middle(self, i: int) -> float:
        return (self.boxes[i][1] + self.boxes[i][3]) / 2

    def plain(self, indices: Sequence[int]) -> list[int]:
        return sorted(indices, key=lambda i: (self.boxes[i][1], self.boxes[i][0]))


@dataclass(frozen=True, slots=True)
class _Gutter:
    """A strip between columns: boxes on its left, on its right, across it, and what it costs.

    ``beside``: height of those across it that stand beside boxes of a column.
    """

    cost: float
    left: list[int]
    right: list[int]
    across: list[int]
    beside: float


def reading_order(boxes: Sequence[Box], texts: Sequence[str] = ()) -> list[int]:
    """Indices of ``boxes`` as they are read; ``texts``: their first lines, whose numbers tell rows of cards.

    Columns are read one after the other; a box across them ends what is above it. Time is bounded: a page
    with very many boxes, or very tangled ones, is read from top to bottom.
    """
    numbers = [_number(text) for text in texts[: len(boxes)]]
    numbers += [None] * (len(boxes) - len(numbers))
    page = _Page([_clean(box) for box in boxes], numbers)
    indices = list(range(len(boxes)))
    return _ordered(page, indices, 0) if len(indices) <= _MOST_BOXES else page.plain(indices)


def _number(text: str) -> int | None:
    found = _NUMBERED.match(text)
    return int(found[1]) if found else None


def _clean(box: Box) -> Box:
    """A box without numbers that are none, and not inside out."""
    x0, y0, x1, y1 = (value if math.isfinite(value) else 0.0 for value in box)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _ordered(page: _Page, indices: list[int], depth: int) -> list[int]:
    page.left -= len(indices) ** 2
    if len(indices) < 2 or depth > _MOST_CUTS or page.left < 0:
        return page.plain(indices)
    gutter = _best_gutter(page, indices)
    if gutter is None:
        return page.plain(indices)
    if gutter.beside > 0 or gutter.cost >= 0:
        halves = _cut_across(page, indices)
        if halves:
            return [i for half in halves for i in _ordered(page, half, depth + 1)]
    if gutter.cost >= 0:
        return page.plain(indices)
    return _by_columns(page, gutter, depth)


# ------------------------------------------------------------ gutters


def _best_gutter(page: _Page, indices: Sequence[int]) -> _Gutter | None:
    """The cheapest gutter with boxes beside one another on its two sides."""
    array = np.array([page.boxes[i] for i in indices])
    places = _places(array)
    if not places:
        return None
    x = np.array(places)[:, None]
    left = array[None, :, 2] <= x + _INTO
    right = array[None, :, 0] >= x - _INTO
    side = left | right
    height = array[:, 3] - array[:, 1]
    shared = _shared_heights(array, left, right)
    beside = ~side & (side.astype(np.float32) @ _beside(array).astype(np.float32) > 0)
    left_height, right_height = left @ height, right @ height
    gain = np.minimum(np.minimum(left_height, right_height), shared)
    beside_height = beside @ height
    cost = _ACROSS * (~side @ height) + _BESIDE * beside_height - _GAIN * gain
    cost[shared <= 0] = np.inf
    best = int(np.argmin(cost))
    if not np.isfinite(cost[best]):
        return None

    def chosen(mask: NDArray[np.bool_]) -> list[int]:
        return [i for i, is_in in zip(indices, mask, strict=True) if is_in]

    return _Gutter(
        float(cost[best]),
        chosen(left[best]),
        chosen(right[best] & ~left[best]),
        chosen(~side[best]),
        float(beside_height[best]),
    )


def _places(array: NDArray[np.float64]) -> list[float]:
    """Middles of the strips between a right edge and the next left edge that are wide enough for a gutter."""
    lefts, rights = sorted(array[:, 0].tolist()), sorted(array[:, 2].tolist())
    found: dict[tuple[int, int], tuple[float, float]] = {}
    for end in sorted(set(rights))[:-1]:
        at = bisect_left(lefts, end - _INTO)
        if at == len(lefts) or lefts[at] - end < _GUTTER:
            continue
        x = (end + lefts[at]) / 2
        # strips with the same boxes on both sides are one
        sides = bisect_right(rights, x + _INTO), bisect_left(lefts, x - _INTO)
        found.setdefault(sides, (lefts[at] - end, x))
    widest = sorted(found.values(), key=lambda strip: -strip[0])[:_MOST_GUTTERS]
    return sorted(x for _, x in widest)


def _shared_heights(
    array: NDArray[np.float64], left: NDArray[np.bool_], right: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """For each place the height that boxes on its left share with those on its right, summed over all pairs.

    That sum is the integral of (boxes on the left) x (boxes on the right) from the top to the bottom.
    """
    levels = np.unique(array[:, [1, 3]])
    within = ((array[:, 1, None] <= levels[None, :-1]) & (array[:, 3, None] >= levels[None, 1:])).astype(
        np.float32
    )
    both = (left.astype(np.float32) @ within) * (right.astype(np.float32) @ within)
    return both @ np.diff(levels)


def _beside(array: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which boxes share much of their heights."""
    top, bottom = array[:, 1], array[:, 3]
    shared = np.minimum(bottom[:, None], bottom[None]) - np.maximum(top[:, None], top[None])
    height = bottom - top
    return (shared > 0) & (shared > _SHARED * np.minimum(height[:, None], height[None]))


def _cut_across(page: _Page, indices: Sequence[int]) -> tuple[list[int], list[int]] | None:
    """What is above and below the widest free strip across the page; nothing when there is none."""
    falling = sorted(indices, key=lambda i: page.boxes[i][1])
    strips: list[tuple[float, int]] = []
    end = page.boxes[falling[0]][3]
    for number, i in enumerate(falling[1:], 1):
        if page.boxes[i][1] >= end - 0.5:
            strips.append((page.boxes[i][1] - end, number))
        end = max(end, page.boxes[i][3])
    if not strips:
        return None
    number = max(strips)[1]
    return falling[:number], falling[number:]


# ------------------------------------------------------------ columns


def _by_columns(page: _Page, gutter: _Gutter, depth: int) -> list[int]:
    """Columns, in bands that the boxes across the gutter divide."""
    left = set(gutter.left)
    falling = sorted(gutter.left + gutter.right, key=page.middle)
    levels = [page.middle(i) for i in falling]
    across = sorted(gutter.across, key=lambda i: page.boxes[i][1])
    found: list[int] = []
    start = 0
    for separator in [*across, None]:
        end = len(falling) if separator is None else bisect_left(levels, page.middle(separator), start)
        band = falling[start:end]
        start = end
        columns = [i for i in band if i in left], [i for i in band if i not in left]
        found += _cards(page, *columns, depth) or _two_columns(page, *columns, depth)
        if separator is not None:
            found.append(separator)
    return found


def _two_columns(page: _Page, left: list[int], right: list[int], depth: int) -> list[int]:
    """Left, then right; a small block beside a long column (a date, an address) belongs at its height."""
    heights = sum(map(page.height, left)), sum(map(page.height, right))
    small, large = (right, left) if heights[1] < heights[0] else (left, right)
    if not (0 < len(small) <= 2 and len(large) >= 3 and min(heights) < _ASIDE * max(heights)):
        return _ordered(page, left, depth + 1) + _ordered(page, right, depth + 1)
    around = _ordered(page, large, depth + 1)
    level = sum(map(page.middle, small)) / len(small)
    before = max((n for n, i in enumerate(around, 1) if page.middle(i) <= level + 2), default=0)
    return around[:before] + _ordered(page, small, depth + 1) + around[before:]


def _cards(page: _Page, left: list[int], right: list[int], depth: int) -> list[int]:
    """Rows of numbered cards, where their numbers follow one another so and not by columns; else nothing."""
    if not left or not right:
        return []
    if sum(page.numbers[i] is not None for i in left + right) < 3:
        return []
    levels = _card_levels(page, left, right)
    if not levels:
        return []
    bands: list[tuple[list[int], list[int]]] = [([], []) for _ in range(len(levels) + 1)]
    for side, column in enumerate((left, right)):
        for i in column:
            bands[bisect_right(levels, page.middle(i))][side].append(i)
    rows = [i for band in bands for column in band for i in _ordered(page, column, depth + 1)]
    columns = _ordered(page, left, depth + 1) + _ordered(page, right, depth + 1)
    return rows if _steps_back(page, rows) < _steps_back(page, columns) else []


def _card_levels(page: _Page, left: list[int], right: list[int]) -> list[float]:
    """Levels at which a numbered card begins in both columns, with a free strip above."""
    indices = left + right
    usual = sorted(map(page.height, indices))[len(indices) // 2]
    strip = _CARD_STRIP * min(14.0, usual)
    falling = sorted(indices, key=lambda i: page.boxes[i][1])
    cuts: list[float] = []
    end = page.boxes[falling[0]][3]
    for i in falling[1:]:
        if page.boxes[i][1] - end > strip:
            cuts.append((end + page.boxes[i][1]) / 2)
        end = max(end, page.boxes[i][3])
    sides = [_Side.of(page, left), _Side.of(page, right)]
    return [y for y in cuts if _is_card_level(y, strip, *sides)]


@dataclass(frozen=True, slots=True)
class _Side:
    """Sorted tops and bottoms of a column, and tops of the boxes that begin with a number."""

    tops: list[float]
    bottoms: list[float]
    numbered: list[float]

    @classmethod
    def of(cls, page: _Page, column: Sequence[int]) -> _Side:
        return cls(
            sorted(page.boxes[i][1] for i in column),
            sorted(page.boxes[i][3] for i in column),
            sorted(page.boxes[i][1] for i in column if page.numbers[i] is not None),
        )

    def begins(self, level: float) -> tuple[float, float] | None:
        """Top of the first box below ``level`` and the strip above it, when it begins with a number."""
        below, above = bisect_right(self.tops, level), bisect_left(self.bottoms, level)
        if below == len(self.tops) or not above:
            return None
        top = self.tops[below]
        at = bisect_left(self.numbered, top - 0.1)
        if at == len(self.numbered) or self.numbered[at] > top + 0.1:
            return None
        return top, top - self.bottoms[above - 1]


def _is_card_level(level: float, strip: float, left: _Side, right: _Side) -> bool:
    one, other = left.begins(level), right.begins(level)
    if one is None or other is None:
        return False
    return abs(one[0] - other[0]) < _CARD_LEVEL and min(one[1], other[1]) > strip


def _steps_back(page: _Page, order: Sequence[int]) -> int:
    numbers = [number for i in order if (number := page.numbers[i]) is not None]
    return sum(one > other for one, other in pairwise(numbers))
