"""Arithmetic on pictures without OpenCV: resizing, the way up, darkness, the slope of lines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gradio_app.parsing.readers.embedded.models import ORIENTATION, Models

Array = NDArray[Any]

#: of the three colours in ImageNet, on which the models were trained
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], np.float32)

#: side of the picture that the orientation model takes, and of what it is cut from
_SIDE, _SHORT_SIDE = 224, 256
#: a page with a median below this (of 255) is light on dark
_DARK = 110


def resized(picture: Array, width: int, height: int) -> Array:
    """The picture by linear interpolation between four neighbours, without smoothing: as the models expect.

    Gives height x width x channels of float32, in the range of the picture (0 to 255).
    """
    top, below, down = _between(picture.shape[0], height)
    left, right, across = _between(picture.shape[1], width)
    rows = np.unique(np.concatenate([top, below]))
    part = picture[rows].astype(np.float32)
    flat = part[:, left] * (1 - across)[:, None] + part[:, right] * across[:, None]
    weight = down[:, None, None]
    return flat[np.searchsorted(rows, top)] * (1 - weight) + flat[np.searchsorted(rows, below)] * weight


def _between(old: int, new: int) -> tuple[Array, Array, Array]:
    """For each new pixel: the two old ones beside its middle, and the weight of the second."""
    place = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
    first = place.astype(np.int64)
    return first, np.minimum(first + 1, old - 1), (place - first).astype(np.float32)


def upright(picture: Image.Image, models: Models) -> tuple[int, float]:
    """Degrees (0 to 270) by which to turn ``picture`` counter-clockwise, and how sure that is, 0 to 1."""
    factor = _SHORT_SIDE / min(picture.size)
    # no wider than eight times its height: only the middle is looked at
    width, height = (max(_SHORT_SIDE, min(round(side * factor), 8 * _SHORT_SIDE)) for side in picture.size)
    small = picture.convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    x, y = (width - _SIDE) // 2, (height - _SIDE) // 2
    pixels = np.asarray(small.crop((x, y, x + _SIDE, y + _SIDE)))[:, :, ::-1]
    value = (pixels.astype(np.float32) / 255 - MEAN) / SPREAD
    shares = models.run(ORIENTATION, np.ascontiguousarray(value.transpose(2, 0, 1)[None]))[0][0]
    return int(np.argmax(shares)) * 90, float(shares.max())


def light(picture: Array) -> Array:
    """The picture dark on light: inverted where most of it is dark."""
    return 255 - picture if np.median(picture[::4, ::4]) < _DARK else picture


def blank(picture: Array) -> bool:
    """Whether nearly nothing is on it: fewer than 2 dark pixels in 10,000."""
    return bool((picture.min(2) < 140).mean() <= 2e-4)


def straightened(picture: Array, slope: float) -> tuple[Array, tuple[float, float]]:
    """The picture turned so that lines of ``slope`` lie flat, on larger paper so that nothing is lost.

    The second value is where the old left upper corner is on it: a pixel (x, y) comes to
    ``corner + ((x + slope y), (y - slope x)) / sqrt(1 + slope²)``.
    """
    height, width = picture.shape[:2]
    cosine = 1 / math.hypot(1, slope)
    sine = slope * cosine
    left = min(0.0, height * sine)
    top = min(0.0, -width * sine)
    size = (math.ceil(width * cosine + height * abs(sine)), math.ceil(height * cosine + width * abs(sine)))
    # from a pixel of the new picture to that of the old one
    places = (cosine, -sine, left * cosine - top * sine, sine, cosine, left * sine + top * cosine)
    turned = Image.fromarray(picture).transform(
        size,
        Image.Transform.AFFINE,
        places,
        Image.Resampling.BICUBIC,
        fillcolor=tuple(int(value) for value in np.median(picture[::8, ::8], (0, 1))),
    )
    return np.asarray(turned), (-left, -top)


def unfanned(picture: Array, fan: float, level: float) -> tuple[Array, float]:
    """The picture without a fan of lines (``detection.fan_of``), on higher paper so that nothing is lost.

    Columns are stretched and moved: a pixel (x, y) comes to (x, down + (y + a level) / (1 + a)), where
    a is ``fan`` times the distance of x from the middle. The second value is ``down``.
    """
    height, width = picture.shape[:2]
    edge = fan * width / 2
    ends = [(y + a * level) / (1 + a) for a in (-edge, edge) for y in (0, height)]
    top, bottom = math.floor(min(ends)), math.ceil(max(ends))

    def before(a: float, y: float) -> float:
        return y + a * (y - level)

    # where the corners of the new picture are in the old one; between them it is bilinear, as the fan is
    left, right = -edge, edge
    places = (0, before(left, top), 0, before(left, bottom))
    places += (width, before(right, bottom), width, before(right, top))
    flat = Image.fromarray(picture).transform(
        (width, bottom - top),
        Image.Transform.QUAD,
        places,
        Image.Resampling.BICUBIC,
        fillcolor=tuple(int(value) for value in np.median(picture[::8, ::8], (0, 1))),
    )
    return np.asarray(flat), float(-top)
