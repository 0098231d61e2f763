"""Words of a picture: lines are found, laid flat and read; what cannot be read is counted.

Covers: the slope of the page, words with boxes, lines on end, lines without a reading, limits.
See: ``detection``, ``recognition`` and ``spacing`` for the steps.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradio_app.parsing.readers.embedded.detection import (
    MOST_BOXES,
    Line,
    fan_of,
    lines_of,
    quadrilaterals,
    slope_of,
)
from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box
from gradio_app.parsing.readers.embedded.models import Models
from gradio_app.parsing.readers.embedded.pixels import straightened, unfanned
from gradio_app.parsing.readers.embedded.recognition import HEIGHT, Density, Reading, read, scaled
from gradio_app.parsing.readers.embedded.spacing import ink_of, spans

Array = NDArray[Any]

#: a line with a lower score is not text, or cannot be read
_LEAST_SCORE = 0.5
#: pixels of all lines of a page, ``HEIGHT`` high, end to end: 30 s of reading
_MOST_PIXELS = 500_000
#: a line this many times as high as wide stands on end
_ON_END = 2.2
#: degrees up to which a line that lies askew is one of running text
_NEARLY_FLAT = 3.0
#: a box is this much higher than the font's letters, on each side; and the font's size in its height
_AROUND, _SIZE = 0.08, 0.72
#: boxes may end before the last full stop: this part of the height is added on both sides
_ASIDE = 0.15
#: a line longer than this many heights has at least so many characters for each height
_LONG, _FEWEST = 4, 0.25
#: text has ink in this part of a box's rows at least; a rule taken for text has less
_INKED_ROWS = 0.35


@dataclass(slots=True)
class Page:
    """What was read of a picture, in its pixels after it was laid flat.

    ``slope``: what was taken out, as ``pixels.straightened`` does; ``corner``: where the old left upper
    corner is; ``picture``: the page laid flat. ``sure``: mean score by length; ``left_out``: lines beyond the
    limit.
    """

    picture: Array
    slope: float = 0.0
    corner: tuple[float, float] = (0.0, 0.0)
    words: list[Word] = field(default_factory=list[Word])
    unread: list[Box] = field(default_factory=list[Box])
    density: Density = field(default_factory=Density)
    sure: float = 1.0
    left_out: int = 0


def read_page(picture: Array, models: Models, *, straighten: bool = True) -> Page:
    """Reads a picture (height x width x 3, RGB, dark on light)."""
    corners = quadrilaterals(picture, models)
    page = Page(picture)
    if straighten and (slope := slope_of(corners)):
        page.slope = slope
        page.picture, page.corner = straightened(picture, slope)
        turn = np.array([[1, -slope], [slope, 1]]) / math.hypot(1, slope)
        corners = corners @ turn + page.corner
    if straighten:
        corners = _unfan(page, corners)
    height, width = page.picture.shape[:2]
    lines = lines_of(corners, width, height)
    scores: list[tuple[float, int]] = []
    pixels = 0
    for number, line in enumerate(lines):
        pixels += _length(line)
        if number >= MOST_BOXES or pixels > _MOST_PIXELS:
            page.left_out = len(lines) - number
            break
        scores.append(_read_line(page, line, models))
    letters = sum(count for _, count in scores)
    page.sure = sum(score * count for score, count in scores) / letters if letters else 1.0
    return page


def _unfan(page: Page, corners: Array) -> Array:
    """Takes a fan of lines out of the picture; the corners of the lines there."""
    fan, level = fan_of(corners)
    if not fan:
        return corners
    page.picture, down = unfanned(page.picture, fan, level)
    page.corner = (page.corner[0], page.corner[1] + down)
    growth = fan * (corners[..., 0] - page.picture.shape[1] / 2)
    return np.stack([corners[..., 0], down + (corners[..., 1] + growth * level) / (1 + growth)], axis=-1)


def _length(line: Line) -> float:
    width, height = line.box[2] - line.box[0], line.box[3] - line.box[1]
    return HEIGHT * max(width, height) / max(1.0, min(width, height))


def _read_line(page: Page, line: Line, models: Models) -> tuple[float, int]:
    """Adds the words of a line, or what could not be read; gives its score and its number of characters."""
    x0, y0, x1, y1 = line.box
    if line.corners is not None:
        return _read_whole(page, line, models)
    aside = _ASIDE * (y1 - y0) if x1 - x0 > y1 - y0 else 0.0
    x0, x1 = max(0.0, x0 - aside), min(float(page.picture.shape[1]), x1 + aside)
    crop = page.picture[int(y0) : math.ceil(y1), int(x0) : math.ceil(x1)]
    if y1 - y0 > _ON_END * (x1 - x0):
        return _read_on_end(page, line.box, crop, models)
    small = scaled(crop)
    reading, ink = read(small, models, page.density), ink_of(small)
    if not _is_read(reading, small.shape[1]):
        if bool(ink.any()) and ink.any(1).mean() >= _INKED_ROWS:
            page.unread.append(line.box)
        return 0.0, 0
    page.density.learn(len(reading.text), small.shape[1])
    page.words += _words_of(reading, ink, small.shape[1], (x0, y0, x1, y1))
    return reading.score, len(reading.text)


def _is_read(reading: Reading, width: int) -> bool:
    """Whether the reading is sure, and long enough for the length of its line."""
    if reading.score < _LEAST_SCORE or not reading.text.strip():
        return False
    heights = width / HEIGHT
    return heights < _LONG or len(reading.text) >= _FEWEST * heights


def _read_on_end(page: Page, box: Box, crop: Array, models: Models) -> tuple[float, int]:
    """A line that runs down or up: the way that gives the better score; one letter may just be narrow."""
    ways = [(scaled(np.rot90(crop, turns)), angle) for turns, angle in ((1, 90.0), (3, 270.0))]
    found = [(read(np.ascontiguousarray(small), models), angle, small.shape[1]) for small, angle in ways]
    plain = scaled(crop)
    found.append((read(plain, models), 0.0, plain.shape[1]))
    reading, angle, width = max(found, key=lambda each: each[0].score * min(len(each[0].text), 4))
    if not _is_read(reading, width):
        if ink_of(ways[0][0]).any(1).mean() >= _INKED_ROWS:
            page.unread.append(box)
        return 0.0, 0
    size = _SIZE * ((box[2] - box[0]) if angle else (box[3] - box[1]))
    page.words.append(Word(*box, reading.text.strip(), size, angle=angle, score=reading.score))
    return reading.score, len(reading.text)


def _read_whole(page: Page, line: Line, models: Models) -> tuple[float, int]:
    """A line that lies askew: words at its middle height where it is nearly flat, else one with its angle."""
    from mineru.model.ocr.image import get_rotate_crop_image_for_text_rec

    corners = line.corners
    assert corners is not None
    crop: Any = get_rotate_crop_image_for_text_rec(page.picture, corners.astype(np.float32))
    if crop is None or not crop.size:
        return 0.0, 0
    small = scaled(np.ascontiguousarray(crop))
    reading = read(small, models, page.density)
    if not _is_read(reading, small.shape[1]):
        return 0.0, 0
    across = corners[1] - corners[0]
    angle = math.degrees(math.atan2(across[1], across[0]))
    height = float(np.hypot(*(corners[3] - corners[0])))
    if abs(angle) < _NEARLY_FLAT:
        middle = float(corners[:, 1].mean())
        level = line.box[0], middle - height / 2, line.box[2], middle + height / 2
        page.words += _words_of(reading, ink_of(small), small.shape[1], level)
    else:
        text = reading.text.strip()
        page.words.append(Word(*line.box, text, _SIZE * height, angle=angle % 360, score=reading.score))
    return reading.score, len(reading.text)


def _words_of(reading: Reading, ink: Array, width: int, box: Box) -> list[Word]:
    """The words of a line whose picture, ``width`` pixels wide, shows ``box``."""
    x0, y0, x1, y1 = box
    factor, height = (x1 - x0) / width, y1 - y0
    around = _AROUND * height
    return [
        Word(
            x0 + span.start * factor,
            y0 + around,
            x0 + span.end * factor,
            y1 - around,
            span.text,
            _SIZE * height,
            score=reading.score,
        )
        for span in spans(reading, ink)
    ]
