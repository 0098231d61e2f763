"""Regions of a page by the CDLA layout model: titles, figures, tables, headers and the like.

The model is PicoDet: four grids of 8 to 64 pixels, where each point says a score for each label, and for the
four sides of a box a distribution over distances (Li and others, Generalized Focal Loss, 2020).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradio_app.parsing.readers.embedded.facts import Region
from gradio_app.parsing.readers.embedded.models import REGIONS, Models
from gradio_app.parsing.readers.embedded.pixels import MEAN, SPREAD, resized

LABELS = (
    "text",
    "title",
    "figure",
    "figure_caption",
    "table",
    "table_caption",
    "header",
    "footer",
    "reference",
    "equation",
)
#: height and width of the picture that the model takes
_HEIGHT, _WIDTH = 800, 608
_STRIDES = (8, 16, 32, 64)
#: below this a region is left out
_LEAST_SCORE = 0.35
#: of two boxes of one label that share more than this, the better one stays
_MOST_SHARED = 0.5
#: regions of one label, and candidates looked at for them
_MOST_REGIONS, _MOST_CANDIDATES = 100, 200

Array = NDArray[Any]


def regions(picture: Array, scale: float, models: Models) -> tuple[Region, ...]:
    """What the model sees in ``picture`` (height x width x 3, RGB) of ``scale`` pixels per point."""
    height, width = picture.shape[:2]
    value = (resized(picture, _WIDTH, _HEIGHT)[:, :, ::-1] / 255 - MEAN) / SPREAD
    outputs = models.run(REGIONS, np.ascontiguousarray(value.transpose(2, 0, 1)[None], np.float32))
    scores, boxes = _candidates(outputs)
    boxes *= np.array([width / _WIDTH, height / _HEIGHT] * 2) / scale
    return tuple(
        Region(LABELS[label], float(score), (float(box[0]), float(box[1]), float(box[2]), float(box[3])))
        for label in range(len(LABELS))
        for score, box in _best(scores[:, label], boxes)
    )


def _candidates(outputs: list[Array]) -> tuple[Array, Array]:
    """Scores (points x labels) and boxes (points x 4, in pixels of the model) that may be regions."""
    scores: list[Array] = []
    boxes: list[Array] = []
    grids = len(_STRIDES)
    for stride, score, sides in zip(_STRIDES, outputs[:grids], outputs[grids:], strict=True):
        likely = np.flatnonzero(score[0].max(1) > _LEAST_SCORE)
        row, column = np.divmod(likely, -(-_WIDTH // stride))
        middle = (np.stack([column, row, column, row], 1) + 0.5) * stride
        distribution: Array = np.exp(sides[0][likely].reshape(len(likely), 4, sides.shape[2] // 4))
        steps: Array = np.arange(int(distribution.shape[2]))
        distance: Array = (distribution * steps).sum(2) / distribution.sum(2) * stride
        scores.append(score[0][likely])
        boxes.append(middle + distance * [-1, -1, 1, 1])
    found = np.concatenate(boxes)
    return np.concatenate(scores), np.clip(found, 0, [_WIDTH, _HEIGHT, _WIDTH, _HEIGHT])


def _best(scores: Array, boxes: Array) -> list[tuple[Any, Array]]:
    """The boxes of one label, the best first, without those that lie on a better one."""
    likely = np.flatnonzero(scores > _LEAST_SCORE)
    left = likely[np.argsort(-scores[likely], kind="stable")][:_MOST_CANDIDATES]
    found: list[tuple[Any, Array]] = []
    while len(left) and len(found) < _MOST_REGIONS:
        best, left = left[0], left[1:]
        found.append((scores[best], boxes[best]))
        left = left[_shared(boxes[best], boxes[left]) <= _MOST_SHARED]
    return found


def _shared(box: Array, others: Array) -> Array:
    """The common part of ``box`` and each of the others, of what they cover together."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    common = np.clip(sides, 0, None).prod(1)
    return common / ((box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - common + 1e-5)
