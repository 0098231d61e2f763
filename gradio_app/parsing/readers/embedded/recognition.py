"""Reads the characters of a line, and says where each of them stands.

The model gives each step of 8 pixels a share for each character of its dictionary, or for none; runs of one
character are one character (Graves and others, Connectionist Temporal Classification, 2006). A line is read
at its own width: several at once cost as much each, and the paper that fills them up in addition.
"""

# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gradio_app.parsing.readers.embedded.models import RECOGNITION, Models

Array = NDArray[Any]

#: height of the picture that the model takes; the narrowest, the widest; widths are multiples of a step
HEIGHT = 48
_NARROWEST, _WIDEST, _STEP = 48, 2560, 16
#: lines are read this much narrower than they are, as the time goes with the width: on 597 lines (English and
#: Chinese, 150 and 200 dpi) as many characters are wrong as at full width; at 0.6 half as many more
_NARROWED = 0.75


@dataclass(frozen=True, slots=True)
class Reading:
    """What a line says. ``places``: the middle of each character in ``text``, in pixels of the line
    ``HEIGHT`` high. ``score``: the mean of their shares, 0 to 1; 0 without text. ``blanks``: the largest
    share of a blank between each character and the one before it."""

    text: str
    score: float
    places: tuple[float, ...]
    blanks: tuple[float, ...]


@cache
def dictionary() -> tuple[str, ...]:
    """Characters by number; the first is none, the last is the blank."""
    from mineru.model.ocr.resources import PPOCRV6_DICT_PATH

    lines = PPOCRV6_DICT_PATH.read_text(encoding="utf-8").split("\n")
    return ("", *(line.rstrip("\r") for line in lines[: len(lines) - (not lines[-1])]), " ")


def scaled(line: Array) -> Array:
    """The picture of a line (height x width x 3), ``HEIGHT`` high and no wider than the model takes."""
    height, width = line.shape[:2]
    wide = min(max(round(width * HEIGHT / height), 8), _WIDEST)
    return np.asarray(Image.fromarray(line).resize((wide, HEIGHT), Image.Resampling.BILINEAR))


def read(line: Array, models: Models) -> Reading:
    """Reads a line that ``scaled`` gave."""
    width = line.shape[1]
    narrow = max(8, round(width * _NARROWED))
    pixels = np.asarray(Image.fromarray(line).resize((narrow, HEIGHT), Image.Resampling.BILINEAR))
    full = max(_NARROWEST, -(-narrow // _STEP) * _STEP)
    value = np.zeros((1, 3, HEIGHT, full), np.float32)
    value[0, :, :, :narrow] = (pixels[:, :, ::-1].astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)
    return _decoded(models.run(RECOGNITION, value)[0][0], full * width / narrow)


def _decoded(shares: Array, width: float) -> Reading:
    """Characters from shares (steps x characters)."""
    best: Array = shares.argmax(1)
    starts: list[int] = np.flatnonzero(np.diff(best, prepend=-1)).tolist()
    ends = [*starts[1:], len(best)]
    text: list[str] = []
    places: list[float] = []
    sure: list[float] = []
    blanks: list[float] = []
    before = 0
    for start, end in zip(starts, ends, strict=True):
        if best[start]:
            text.append(dictionary()[int(best[start])])
            places.append((start + end) / 2 * width / len(shares))
            sure.append(float(shares[start, best[start]]))
            blanks.append(float(shares[before : start + 1, -1].max()))
            before = start
    return Reading("".join(text), sum(sure) / len(sure) if sure else 0.0, tuple(places), tuple(blanks))
