"""Rules drawn on a scan: long thin runs of dark pixels, found without OpenCV."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradio_app.parsing.readers.embedded.geometry import Box

Array = NDArray[Any]

#: a pixel is dark if it is so much darker (of 255) than the mean of the square of this side around it
_DARKER, _AROUND = 15, 31
#: the shortest rule across in parts of the width, and in pixels; the same down, and in points: the stem of a
#: letter is shorter
_ACROSS, _LEAST_ACROSS = 18, 40
_DOWN, _LEAST_DOWN, _LETTER = 60, 30, 12
#: pixels: thicker ones are no rules
_THICKEST = 14
#: pixels beside a rule that are looked at, and the part of them that is dark in a picture
_BESIDE, _HALF_DARK = 4, 0.3
#: runs of one picture; more are a texture, not rules
_MOST_RUNS = 60_000


def image_rules(picture: Array, scale: float = 1.0) -> tuple[list[Box], list[Box]]:
    """Rules across and down in a picture (height x width x 3), as boxes without height or width in pixels.

    ``scale``: pixels per point.
    """
    dark = _dark(picture)
    height, width = dark.shape
    across = _thin(dark, max(_LEAST_ACROSS, width // _ACROSS))
    down = _thin(np.ascontiguousarray(dark.T), max(_LEAST_DOWN, height // _DOWN, round(_LETTER * scale)))
    return (
        [(x0, (y0 + y1) / 2, x1, (y0 + y1) / 2) for x0, y0, x1, y1 in across],
        [((x0 + x1) / 2, y0, (x0 + x1) / 2, y1) for y0, x0, y1, x1 in down],
    )


def _dark(picture: Array) -> Array:
    """Pixels that are darker than the mean around them, from sums of all above and to the left."""
    grey = (picture @ np.array([0.299, 0.587, 0.114], np.float32)).astype(np.float32)
    half = _AROUND // 2
    mean = _box_mean(np.pad(grey, half, "edge"), _AROUND)
    return grey < mean - _DARKER


def _box_mean(padded: Array, side: int) -> Array:
    """The mean of each square of ``side`` pixels."""
    rows = np.cumsum(padded, 0, dtype=np.float64)
    rows[side:] -= rows[:-side].copy()
    part = rows[side - 1 :].astype(np.float32)
    del rows
    sums = np.cumsum(part, 1, dtype=np.float64)
    sums[:, side:] -= sums[:, :-side].copy()
    return (sums[:, side - 1 :] / side**2).astype(np.float32)


def _thin(dark: Array, least: int) -> list[Box]:
    """Boxes (left, top, right, bottom) of dark runs at least ``least`` long that lie on each other."""
    thick = dark.copy()
    thick[1:] |= dark[:-1]
    thick[:-1] |= dark[1:]  # a rule that is a little askew goes on in the next row
    edges = np.diff(np.pad(thick.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, start = np.nonzero(edges == 1)
    end = np.nonzero(edges == -1)[1]
    long = np.flatnonzero(end - start >= least)
    if len(long) > _MOST_RUNS:
        return []
    boxes = _piled(np.stack([row, start, end], 1)[long].tolist())
    return [box for box in boxes if box[3] - box[1] <= _THICKEST and _alone(dark, box)]


def _alone(dark: Array, box: Box) -> bool:
    """Whether there is paper above or below a rule: in a picture, both sides are half dark."""
    left, top, right, bottom = map(int, box)
    sides = dark[max(0, top - _BESIDE) : top, left:right], dark[bottom : bottom + _BESIDE, left:right]
    return any(not side.size or float(side.mean()) < _HALF_DARK for side in sides)


def _piled(runs: list[list[int]]) -> list[Box]:
    """Boxes around runs (row, start, end; by rows) that touch those of the row before."""
    done: list[Box] = []
    open_boxes: list[list[int]] = []  # left, top, right, bottom
    above: list[tuple[int, int, list[int]]] = []
    here: list[tuple[int, int, list[int]]] = []
    last = -1
    for row, start, end in runs:
        if row != last:
            above, here, last = (here if row == last + 1 else []), [], row
        touched = [box for left, right, box in above if left < end and start < right]
        box = touched[0] if touched else [start, row, end, row + 1]
        if not touched:
            open_boxes.append(box)
        for other in touched[1:]:
            if other is not box:
                _take_in(box, other)
        box[0], box[2], box[3] = min(box[0], start), max(box[2], end), row + 1
        here.append((start, end, box))
    done += [(float(b[0]), float(b[1]), float(b[2]), float(b[3])) for b in open_boxes if b[2] > b[0]]
    return done


def _take_in(box: list[int], other: list[int]) -> None:
    """``box`` grows around ``other``, which becomes empty."""
    if other[2] > other[0]:
        box[0], box[1] = min(box[0], other[0]), min(box[1], other[1])
        box[2], box[3] = max(box[2], other[2]), max(box[3], other[3])
        other[2] = other[0]
