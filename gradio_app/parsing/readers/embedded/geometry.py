"""Geometry of boxes on a page: overlap, area, union. Lengths are points, y grows downwards."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median as _median

#: left, top, right, bottom
Box = tuple[float, float, float, float]


def overlap(a0: float, a1: float, b0: float, b1: float) -> float:
    """Length that two intervals have in common."""
    return max(0.0, min(a1, b1) - max(a0, b0))


def area(box: Box) -> float:
    """Square points; 0 for a box that is turned inside out."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def intersection(a: Box, b: Box) -> float:
    """Square points that two boxes have in common."""
    return overlap(a[0], a[2], b[0], b[2]) * overlap(a[1], a[3], b[1], b[3])


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box around all of ``boxes``; raises ``ValueError`` when there is none."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def holds(box: Box, x: float, y: float, margin: float = 2.0) -> bool:
    """Whether a point is inside a box that is widened by ``margin`` on each side."""
    return box[0] - margin <= x <= box[2] + margin and box[1] - margin <= y <= box[3] + margin


def median(values: Iterable[float], default: float = 10.0) -> float:
    """The median, or ``default`` of no values."""
    found = list(values)
    return _median(found) if found else default
