"""Finds lines of text in a picture: boxes that lie flat, and those that do not.

The model gives each pixel the share that it is inside a line (Liao and others, Differentiable Binarization,
2020); MinerU's own steps make boxes of that.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gradio_app.parsing.readers.embedded.geometry import Box, intersection, overlap, union
from gradio_app.parsing.readers.embedded.models import DETECTION, Models
from gradio_app.parsing.readers.embedded.pixels import MEAN, SPREAD, resized

Array = NDArray[Any]

#: the model sees pictures no longer than this; each side is a multiple of 32
_LONG_SIDE, _STEP = 960, 32
#: this many lines of less than so many pixels are looked at again, so large that they have the second height,
#: at most so many times larger: of 55 lines of 8.5 points on A4 one was missed at 10 pixels, none at 12
_ENOUGH_LOW, _LOW, _CLEAR, _LARGEST = 20, 11.0, 13.0, 1.6
#: a pixel is text from this share on; a line needs this mean share
_TEXT, _LINE = 0.3, 0.5
#: the model draws lines too thin: area / circumference x this is added all around
_WIDEN = 1.5
#: boxes of one page; those beyond are not read
MOST_BOXES = 3000
#: a picture longer than this many times its width is looked at in pieces, which share a part of a width
_LONGEST, _PIECE, _SHARED = 2.2, 1.6, 0.2
#: slopes up to here are a page that was put in askew; from 1 in 500 on they are taken out
STEEPEST, FLATTEST = 0.15, 0.002
#: a fan of lines: how many show it, what their slopes differ by at least, and how far they scatter (a share)
_ENOUGH_FAN, _FANNED, _SCATTER = 8, 0.008, 0.25
#: lines with this many times their height in length tell how a page slopes, where there are enough of them
_LONG, _ENOUGH = 6, 3


@dataclass(frozen=True, slots=True)
class Line:
    """Where a line of text is, in pixels. ``corners`` (4 x 2, clockwise from the left upper one) are given
    where it does not lie flat."""

    box: Box
    corners: Array | None = None


def quadrilaterals(picture: Array, models: Models) -> Array:
    """Corners of all lines (number x 4 x 2, clockwise from the left upper one) in pixels of ``picture``."""
    height, width = picture.shape[:2]
    if max(height, width) <= _LONGEST * min(height, width):
        return _found(picture, models)
    return _in_pieces(picture, models)


def _in_pieces(picture: Array, models: Models) -> Array:
    """Lines of a long strip of paper; those in the shared part of two pieces are found twice."""
    tall = picture.shape[0] >= picture.shape[1]
    short, long = sorted(picture.shape[:2])
    length, found = math.ceil(_PIECE * short), [np.zeros((0, 4, 2))]
    for start in range(0, long, max(1, length - math.ceil(_SHARED * short))):
        if sum(map(len, found)) > MOST_BOXES:
            break
        part = picture[start : start + length] if tall else picture[:, start : start + length]
        found.append(_found(part, models) + ([0, start] if tall else [start, 0]))
    return np.concatenate(found)


def _found(picture: Array, models: Models) -> Array:
    """Lines of a picture, looked at a second time and larger where they are so low that some are missed."""
    found = _seen(picture, models, _LONG_SIDE)
    if len(found) < _ENOUGH_LOW:
        return found
    height = float(np.median(np.ptp(found[..., 1], axis=1))) * _LONG_SIDE / max(picture.shape[:2])
    if height >= _LOW:
        return found
    return _seen(picture, models, round(_LONG_SIDE * min(_LARGEST, _CLEAR / height)))


def _seen(picture: Array, models: Models, long_side: int) -> Array:
    from mineru.model.ocr.db_postprocess import DBPostProcess

    height, width = picture.shape[:2]
    factor = min(1.0, long_side / max(height, width))
    seen_height, seen_width = (max(_STEP, round(side * factor / _STEP) * _STEP) for side in (height, width))
    value = (resized(picture, seen_width, seen_height)[:, :, ::-1] / 255 - MEAN) / SPREAD
    shares = models.run(DETECTION, np.ascontiguousarray(value.transpose(2, 0, 1)[None], np.float32))[0]
    boxes = DBPostProcess(_TEXT, _LINE, MOST_BOXES + 1, _WIDEN)
    points = cast(Any, boxes({"maps": shares}, np.array([[height, width, 1, 1]])))[0]["points"]
    return np.asarray(points, np.float64).reshape(-1, 4, 2)


def slope_of(corners: Array) -> float:
    """How far lines fall on their way to the right, per length: the median of the long ones; 0 if unsure."""
    slopes, length, _ = _slopes(corners)
    if len(slopes) < _ENOUGH:
        return 0.0
    order = np.argsort(slopes)
    weight = np.cumsum(length[order])
    slope = float(slopes[order][np.searchsorted(weight, weight[-1] / 2)])
    return slope if FLATTEST <= abs(slope) <= STEEPEST else 0.0


def fan_of(corners: Array) -> tuple[float, float]:
    """How the slope of lines grows from the top of a page to its bottom, as in a picture taken from aside.

    A line at the height y has the slope ``fan * (y - level)``; ``(0, 0)`` if unsure. Least squares over the
    long lines, twice: the second time without those that lie far from the first.
    """
    slopes, length, middles = _slopes(corners)
    fan = start = 0.0
    near, off = np.ones(len(slopes), bool), slopes
    for _ in range(2):
        if near.sum() < _ENOUGH_FAN:
            return 0.0, 0.0
        fan, start = np.polyfit(middles[near], slopes[near], 1, w=length[near]).tolist()
        off = np.abs(fan * middles + start - slopes)
        near &= off <= 3 * np.median(off[near]) + 1e-6
    grown = abs(fan) * float(np.ptp(middles[near]))
    if not _FANNED <= grown <= 2 * STEEPEST or float(np.median(off[near])) > _SCATTER * grown:
        return 0.0, 0.0
    return fan, -start / fan


def _slopes(corners: Array) -> tuple[Array, Array, Array]:
    """Slope, length and height on the page of each long line that lies about flat."""
    corners = corners.reshape(-1, 4, 2)
    across, down = corners[:, 1] - corners[:, 0], corners[:, 3] - corners[:, 0]
    length, height = np.hypot(*across.T), np.hypot(*down.T)
    flat = (length > _LONG * height) & (np.abs(across[:, 1]) < STEEPEST * 1.5 * np.abs(across[:, 0]))
    return across[flat, 1] / across[flat, 0], length[flat], corners[flat, :, 1].mean(1)


def lines_of(corners: Array, width: int, height: int) -> list[Line]:
    """Lines from corners, those that lie flat as boxes within the picture, parts of one line joined.

    From top to bottom, and from left to right where they start at the same height.
    """
    flat: list[Box] = []
    others: list[Line] = []
    for each in corners:
        x0, y0 = np.maximum(each.min(0), 0)
        x1, y1 = np.minimum(each.max(0), [width, height])
        box = (float(x0), float(y0), float(x1), float(y1))
        if x1 - x0 <= 3 or y1 - y0 <= 3:
            continue
        if _lies_flat(each):
            flat.append(box)
        else:
            others.append(Line(box, each))
    return sorted([*map(Line, _joined(flat)), *others], key=lambda line: (line.box[1], line.box[0]))


def _lies_flat(corners: Array) -> bool:
    """Whether a box is upright, or nearly: its slope is not seen on its height."""
    across = corners[1] - corners[0]
    height = math.hypot(*(corners[3] - corners[0]))
    fall = min(abs(across[1]), abs(across[0]))  # a line on end is upright, too
    return fall <= max(2.0, 0.2 * min(height, math.hypot(*across)))


def _joined(boxes: list[Box]) -> list[Box]:
    """Boxes of one line that overlap become one; boxes inside others go."""
    found: list[Box] = []
    waiting = sorted(boxes, key=lambda box: box[1])
    for box in waiting:
        near = [other for other in found[-200:] if _one_line(box, other)]
        for other in near:
            found.remove(other)
        found.append(union([box, *near]))
    return found


def _one_line(a: Box, b: Box) -> bool:
    least = min(a[3] - a[1], b[3] - b[1])
    return overlap(a[1], a[3], b[1], b[3]) > 0.6 * least and intersection(a, b) > 0
