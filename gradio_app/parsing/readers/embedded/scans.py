"""Lines of a scan: sizes without the noise of OCR, and the usual distance of lines in a column.

The box that OCR finds around a line is lower where no letter reaches up or down, by a third and more. So
sizes are taken from the lines of the page that are set alike: of about the same width per character, which
does not depend on the heights of the letters.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from gradio_app.parsing.readers.embedded.lines import Line

#: lines that a size is taken from: so many with wider letters, and with narrower ones
_MOST_ALIKE = 40
#: lines set alike: heights differ by this factor at most, widths of a character by the second, and by more
#: where a line has few characters: the third over their number
_HEIGHT_NOISE, _WIDTH_NOISE, _SHORT_NOISE = 1.55, 1.15, 1.5
#: boxes are too low rather than too high: the size that this share of such text does not exceed
_UPPER = 0.7
#: widths of a Chinese or Japanese sign, in those of a usual letter
_WIDE = 1.9
#: lines of a column from which its usual distance is known; and the share of the distances that are smaller:
#: where paragraphs are short, half of them are those between paragraphs
_LEAST_LINES, _IN_PARAGRAPHS = 4, 1 / 3


def letters(text: str) -> float:
    """Length of a text in widths of a usual letter."""
    return sum(_WIDE if char >= "\u2e80" else 1.0 for char in text)


def letter_width(line: Line) -> float:
    """Width of a usual letter in a line, in points."""
    return (line.x1 - line.x0) / max(letters(line.text), 1.0)


def even_sizes(lines: Sequence[Line]) -> list[Line]:
    """The lines with the size of those on the page that are set alike; longer ones count for more."""
    widths = [letter_width(line) for line in lines]
    order = sorted(range(len(lines)), key=lambda i: widths[i])
    sizes = [_font_size(lines[i], widths[i]) for i in order]
    even = list(lines)
    for place, i in enumerate(order):
        near = range(max(0, place - _MOST_ALIKE), min(len(order), place + _MOST_ALIKE + 1))
        alike = [
            (sizes[n], len(lines[order[n]].text))
            for n in near
            if n == place or _alike(lines[i], lines[order[n]], widths[i], widths[order[n]])
        ]
        even[i] = replace(lines[i], size=_weighted(alike, _UPPER))
    return even


def _font_size(line: Line, width: float) -> float:
    """Size by the box's height; signs of Chinese and Japanese are squares, so that their width tells it."""
    wide = sum(char >= "\u2e80" for char in line.text)
    return max(line.size, _WIDE * width) if 2 * wide > len(line.text) else line.size


def _alike(line: Line, other: Line, width: float, other_width: float) -> bool:
    if max(line.size, other.size) > _HEIGHT_NOISE * min(line.size, other.size):
        return False
    noise = _WIDTH_NOISE + _SHORT_NOISE / max(min(letters(line.text), letters(other.text)), 1.0)
    return max(width, other_width) <= noise * min(width, other_width)


def _weighted(values: Iterable[tuple[float, int]], share: float = 0.5) -> float:
    """The value that ``share`` of the weight does not exceed: the median by default."""
    ordered = sorted(values)
    wanted = share * sum(weight for _, weight in ordered)
    reached = 0
    for value, weight in ordered:
        reached += weight
        if reached >= wanted:
            return value
    return ordered[-1][0]


def usual_size(lines: Sequence[Line]) -> float:
    """The size that most of the text has."""
    return _weighted((line.size, len(line.text)) for line in lines) if lines else 10.0


def usual_letter(lines: Sequence[Line]) -> float:
    """Width of a letter that most of the text has, in points."""
    return _weighted((letter_width(line), len(line.text)) for line in lines) if lines else 5.0


def usual_pitch(column: Sequence[Line]) -> float:
    """Distance from line to line in a column, in points; infinite where there are too few lines to tell."""
    if len(column) < _LEAST_LINES:
        return math.inf
    pitches = sorted(below.cy - above.cy for above, below in pairwise(column))
    return pitches[int(_IN_PARAGRAPHS * len(pitches))]
