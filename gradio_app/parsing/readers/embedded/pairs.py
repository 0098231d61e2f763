"""Lines that belong together on one level: the mark of an item and its text, a label and its value."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.geometry import Box, overlap
from gradio_app.parsing.readers.embedded.lines import Line, chunks
from gradio_app.parsing.readers.embedded.typography import BULLET

#: signs that fonts draw as a mark, alone on a line
_MARKS = "•●◦▪■–-"
#: how far a mark stands from its item, and how much their bottoms may differ, in heights of the item's font
_TO_ITEM, _ITEM_LEVEL = 5.0, 0.5
#: bottoms of label and value differ by less than this; words of a label and of a value
_VALUE_LEVEL, _LABEL_WORDS, _VALUE_WORDS = 0.4, 8, 5
#: parts of the page's height at its edges where running rows stand, which are no labels
_TOP, _BOTTOM = 0.1, 0.89
#: lines on one level, and obstacles, that are looked at. A page has fewer: this bounds the time.
_MOST = 300

_NOT_DIGITS, _MARKS_IN_NUMBERS = re.compile(r"[^\d]"), re.compile(r"[\s.,:/–-]")


class _Levels:
    """Lines by their bottoms."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._order = sorted(range(len(lines)), key=lambda i: lines[i].y1)
        self._bottoms = [lines[i].y1 for i in self._order]

    def near(self, bottom: float, reach: float) -> list[int]:
        """Indices of lines that end within ``reach``; nothing when they are too many for a page."""
        first = bisect_left(self._bottoms, bottom - reach)
        last = bisect_right(self._bottoms, bottom + reach)
        return self._order[first:last] if last - first <= _MOST else []


def _together(left: Line, right: Line) -> Line:
    """One line of two. Its top and bottom are those of the left one: pitches are measured by them."""
    return replace(
        left,
        words=left.words + right.words,
        x1=max(left.x1, right.x1),
        text=f"{left.text} {right.text}",
    )


# ------------------------------------------------------------ marks


def with_marks(lines: Sequence[Line]) -> list[Line]:
    """Lines with marks that stand alone put before their items; marks from private fonts become ``•``.

    Words stay as they are: only the line's text changes.
    """
    plain = [_plain_mark(line) for line in lines]
    levels = _Levels(plain)
    sizes = max((line.size for line in plain), default=0.0)
    result: dict[int, Line] = dict(enumerate(plain))
    for i, line in enumerate(plain):
        if not _is_mark(line):
            continue
        items = [
            j for j in levels.near(line.y1, _ITEM_LEVEL * sizes) if j in result and _item_of(line, plain[j])
        ]
        if items:
            nearest = min(items, key=lambda j: plain[j].x0)
            item = result[nearest]
            joined = _together(line, item)
            result[nearest] = replace(
                joined, y0=item.y0, y1=item.y1, x1=item.x1, size=item.size, bold=item.bold
            )
            del result[i]
    return list(result.values())


def _plain_mark(line: Line) -> Line:
    first = line.words[0].text
    if len(first) == 1 and "\ue000" <= first <= "\uf8ff":
        return replace(line, text="•" + line.text[1:])
    return line


def _is_mark(line: Line) -> bool:
    return len(line.words) == 1 and line.text in _MARKS


def _item_of(mark: Line, line: Line) -> bool:
    if _is_mark(line) or abs(line.y1 - mark.y1) >= _ITEM_LEVEL * line.size:
        return False
    return 0 <= line.x0 - mark.x1 < _TO_ITEM * line.size


# ------------------------------------------------------------ labels


def with_values(lines: Sequence[Line], facts: PageFacts, obstacles: Sequence[Box]) -> list[Line]:
    """Lines with a value at the right put behind the label on its level.

    A value is a short line that is alone in its column, and a number; or anything, behind a colon.
    """
    result = dict(enumerate(lines))
    levels = _Levels(lines)
    for i in _lone(lines):
        value = result[i]
        if value.edge or value.y1 < _TOP * facts.height or value.y0 > _BOTTOM * facts.height:
            continue
        near = levels.near(value.y1, _VALUE_LEVEL * value.size)
        before = [j for j in near if j != i and j in result and result[j].x1 <= value.x0]
        if len(before) == 1 and _labels(result[before[0]], value, obstacles[:_MOST]):
            result[before[0]] = _together(result[before[0]], result.pop(i))
    return list(result.values())


def _lone(lines: Sequence[Line]) -> Iterable[int]:
    alone = [chunk[0] for chunk in chunks(lines) if len(chunk) == 1]
    short = [i for i in alone if len(lines[i].words) <= _VALUE_WORDS]
    return sorted(short, key=lambda i: lines[i].x0)


def _labels(label: Line, value: Line, obstacles: Sequence[Box]) -> bool:
    if len(label.words) > _LABEL_WORDS:
        return False
    if not label.text.rstrip().endswith(":") and not _is_number(value):
        return False
    return not any(
        overlap(box[1], box[3], value.y0, value.y1) > 0 and label.x1 < (box[0] + box[2]) / 2 < value.x0
        for box in obstacles
    )


def _is_number(line: Line) -> bool:
    """Half of a line's characters are digits, and it does not begin as an item of a list."""
    digits = len(_NOT_DIGITS.sub("", line.text))
    return digits >= 0.5 * len(_MARKS_IN_NUMBERS.sub("", line.text)) and not BULLET.match(line.words[0].text)
