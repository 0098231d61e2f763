"""Cuts a line that was read into words with boxes, and finds blanks that the recogniser lost.

The recogniser says roughly where a character stands; the columns without ink between two of them say where
one ends and the next begins.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradio_app.parsing.readers.embedded.geometry import median
from gradio_app.parsing.readers.embedded.recognition import HEIGHT, Reading

Array = NDArray[Any]

#: ink differs from the paper by this part of the strongest difference, and by this much of 255
_INK, _LEAST_INK = 0.35, 40
#: a gap this wide (in heights of the line) parts two words though there is no blank in the text
_APART = 1.0
#: a gap is a lost blank from this part of the line's usual blank on, and this many usual gaps between letters
_LIKE_A_BLANK, _UNLIKE_LETTERS = 0.75, 2.5
#: the recogniser has a doubt whether a blank stands in a gap; where it sees letters only, this share is some
#: 0.00001, and what is wide is the space around a narrow letter
_PERHAPS_BLANK = 0.01
#: so wide (in heights of the line) is a blank at least in a line where none was read
_BLANK = 0.27


@dataclass(frozen=True, slots=True)
class Span:
    """A word of a line, from pixel ``start`` to ``end`` of the line ``HEIGHT`` high."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class _Letter:
    text: str
    place: float
    blank: bool  # a blank was read before it
    perhaps: bool  # it may have been overlooked


def ink_of(line: Array) -> Array:
    """Which pixels of a line (height x width x 3) are ink, dark or light."""
    grey = line.astype(np.float32).mean(2)
    away = np.abs(grey - np.median(grey))
    return away > max(_LEAST_INK, _INK * float(away.max(initial=0)))


def spans(reading: Reading, ink: Array) -> list[Span]:
    """The words of a line. Chinese and Japanese are not parted: a run of them is one word."""
    letters = _letters(reading)
    if not letters:
        return []
    columns = ink.sum(0) >= 2
    gaps = [_gap(columns, a.place, b.place) for a, b in pairwise(letters)]
    parted = _parted(letters, [end - start for start, end in gaps])
    cuts = [number for number, is_cut in enumerate(parted) if is_cut]
    starts = [_edge(columns, letters[0].place, -1), *(gaps[cut][1] for cut in cuts)]
    ends = [*(gaps[cut][0] for cut in cuts), _edge(columns, letters[-1].place, 1)]
    first = [0, *(cut + 1 for cut in cuts), len(letters)]
    words = ["".join(letter.text for letter in letters[a:b]) for a, b in pairwise(first)]
    placed = zip(words, starts, ends, strict=True)
    return [Span(word, start, max(end, start + 1)) for word, start, end in placed]


def _letters(reading: Reading) -> list[_Letter]:
    found: list[_Letter] = []
    blank = False
    for text, place, share in zip(reading.text, reading.places, reading.blanks, strict=True):
        if text.isspace():
            blank = True
        else:
            found.append(_Letter(text, place, blank, share >= _PERHAPS_BLANK))
            blank = False
    return found


def _gap(columns: Array, left: float, right: float) -> tuple[float, float]:
    """The widest run of columns without ink between two letters; without one the middle, 0 wide."""
    start, end = int(left), max(int(left) + 1, int(right))
    empty = np.flatnonzero(~columns[start:end])
    if not len(empty):
        return (left + right) / 2, (left + right) / 2
    runs = np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1)
    widest = max(runs, key=len)
    return float(start + widest[0]), float(start + widest[-1] + 1)


def _edge(columns: Array, place: float, way: int) -> float:
    """Where the ink around the outermost letter ends: no farther than a line's height away."""
    here = min(max(int(place), 0), len(columns) - 1)
    if way < 0:
        ink = np.flatnonzero(columns[max(0, here - HEIGHT) : here + 1])
        return float(max(0, here - HEIGHT) + ink[0]) if len(ink) else place
    ink = np.flatnonzero(columns[here : here + HEIGHT])
    return float(here + ink[-1] + 1) if len(ink) else place


def _parted(letters: list[_Letter], widths: list[float]) -> list[bool]:
    """Whether a word ends between each letter and the next."""
    inside = median([w for w, b in zip(widths, letters[1:], strict=True) if not b.blank], 0)
    blanks = [w for w, b in zip(widths, letters[1:], strict=True) if b.blank]
    least = _LIKE_A_BLANK * median(blanks) if blanks else _BLANK * HEIGHT
    least = max(least, _UNLIKE_LETTERS * inside)
    return [
        b.blank
        or width >= _APART * HEIGHT
        or (b.perhaps and width >= least > 0 and _may_part(a.text, b.text))
        for (a, b), width in zip(pairwise(letters), widths, strict=True)
    ]


def _may_part(left: str, right: str) -> bool:
    """Whether a blank can be missing here: between letters, after a comma; not inside of figures."""
    if _wide(left) or _wide(right):
        return False
    return (left.isalpha() or left in ",;:.)") and right.isalnum() and not (left in ".:," and right.isdigit())


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"
