"""Lines of a scan: sizes without the noise of OCR, and the usual distance of lines in a column.

The box that OCR finds around a line is lower where no letter reaches up or down, by a third and more. Sizes
are therefore taken from the lines around that are set alike: of about the same width per character, which
does not depend on the letters' heights.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from gradio_app.parsing.readers.embedded.geometry import median, overlap
from gradio_app.parsing.readers.embedded.lines import Line

#: how far lines are that a size is taken from, in heights; how many on each side are looked at
_AROUND, _MOST_AROUND = 9.0, 40
#: lines set alike: heights differ by this factor at most, widths of a character by the second, and by more
#: where a line has few characters: the third over their number
_HEIGHT_NOISE, _WIDTH_NOISE, _SHORT_NOISE = 1.55, 1.15, 1.5
#: widths of a Chinese or Japanese sign, in those of a usual letter
_WIDE = 1.9
#: lines of a column from which its usual distance is known
_LEAST_LINES = 4


def letters(text: str) -> float:
    """Length of a text in widths of a usual letter."""
    return sum(_WIDE if char >= "\u2e80" else 1.0 for char in text)


def letter_width(line: Line) -> float:
    """Width of a usual letter in a line, in points."""
    return (line.x1 - line.x0) / max(letters(line.text), 1.0)


def even_sizes(lines: Sequence[Line]) -> list[Line]:
    """The lines with the usual size of those around that are set alike; longer ones count for more."""
    order = sorted(range(len(lines)), key=lambda i: lines[i].y0)
    tops = [lines[i].y0 for i in order]
    sorted_lines = [lines[i] for i in order]
    widths = [letter_width(line) for line in sorted_lines]
    even = list(lines)
    for place, i in enumerate(order):
        line = lines[i]
        first = max(bisect_left(tops, line.y0 - _AROUND * line.size), place - _MOST_AROUND)
        last = min(bisect_right(tops, line.y0 + _AROUND * line.size), place + _MOST_AROUND)
        like = [
            (other.size, len(other.text))
            for other, width in zip(sorted_lines[first:last], widths[first:last], strict=True)
            if other is line or _alike(line, other, widths[place], width)
        ]
        even[i] = replace(line, size=_weighted_median(like))
    return even


def _alike(line: Line, other: Line, width: float, other_width: float) -> bool:
    if overlap(line.x0, line.x1, other.x0, other.x1) <= 0:
        return False
    if max(line.size, other.size) > _HEIGHT_NOISE * min(line.size, other.size):
        return False
    noise = _WIDTH_NOISE + _SHORT_NOISE / max(min(letters(line.text), letters(other.text)), 1.0)
    return max(width, other_width) <= noise * min(width, other_width)


def _weighted_median(values: Iterable[tuple[float, int]]) -> float:
    ordered = sorted(values)
    half = sum(weight for _, weight in ordered) / 2
    reached = 0
    for value, weight in ordered:
        reached += weight
        if reached >= half:
            return value
    return ordered[-1][0]


def usual_size(lines: Sequence[Line]) -> float:
    """The size that most of the text has."""
    return _weighted_median((line.size, len(line.text)) for line in lines) if lines else 10.0


def usual_letter(lines: Sequence[Line]) -> float:
    """Width of a letter that most of the text has, in points."""
    return _weighted_median((letter_width(line), len(line.text)) for line in lines) if lines else 5.0


def usual_pitch(column: Sequence[Line]) -> float:
    """Distance from line to line in a column, in points; infinite where there are too few lines to tell."""
    if len(column) < _LEAST_LINES:
        return math.inf
    return median(below.y0 - above.y0 for above, below in pairwise(column))
