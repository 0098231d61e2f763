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
#: the time goes with the width: lines are read up to this much narrower than they are
_NARROWEST_SHARE = 0.75
#: steps for each character: of 64,458 on made pages (three founts of 8 to 12 points, upright and slanted, 110
#: to 200 dpi) 522 were wrong at that width, nearly all in lines with fewer steps, and 73 with so many
_STEPS = 1.65
#: pixels of a step; a line with fewer characters says little about those of others
_STEP_WIDTH, _TELLING = 8, 8


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


@dataclass(slots=True)
class Density:
    """How densely a page is set: the most characters for each pixel of a line ``HEIGHT`` high, so far.

    Narrow letters that stand twice ("ll", "ss") become one where a character has too few steps, so lines are
    read no narrower than the densest line of the page allows; the first one at its full width.
    """

    most: float = 1.0

    def share(self) -> float:
        """Part of its width that a line is read at."""
        return min(max(_STEPS * _STEP_WIDTH * self.most, _NARROWEST_SHARE), 1.0)

    def learn(self, characters: int, width: int) -> None:
        """A line ``width`` pixels wide had so many characters."""
        if characters >= _TELLING:
            density = characters / width
            self.most = density if self.most == 1.0 else max(self.most, density)


def read(line: Array, models: Models, density: Density | None = None) -> Reading:
    """Reads a line that ``scaled`` gave, at full width without a ``density`` of its page."""
    width = line.shape[1]
    narrow = max(8, round(width * (density.share() if density else 1.0)))
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
