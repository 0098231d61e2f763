"""Lines of running text: words cut at gutters, lines under one another in a column, and their text joined."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gradio_app.parsing.readers.embedded.facts import Region, Word
from gradio_app.parsing.readers.embedded.geometry import Box, holds, median, overlap
from gradio_app.parsing.readers.embedded.right_to_left import joined
from gradio_app.parsing.readers.embedded.rows import Row, phrases, rows_of

#: height of a line of text in heights of its font, where box and font differ
LINE_HEIGHT = 1.17
#: regions that hold running text, and how sure the model is of those that cut lines
_TEXT_LABELS = frozenset(
    {"text", "title", "reference", "header", "footer", "table_caption", "figure_caption"}
)
_SURE = 0.5
#: gaps in heights of the font: with regions a wider one than the first cuts, a narrower than the second never
_WIDE_GAP, _BLANK = 2.2, 0.55
#: rows above and below that may show that a gap is none, how near they are, and the widest such gap (heights)
_ROWS_AROUND, _NEAR, _ODD_GAP = 2, 1.9, 4.0
#: a strip of a row that is free of words by this many heights is a gap there too
_FREE = 0.6
#: regions that are looked at; lines below one that are looked at. A page has fewer: this bounds the time.
_MOST_REGIONS, _MOST_BELOW = 100, 300
#: the next line of a column begins within this many heights below; their sizes differ by this share at most
NEXT, _SIZES_DIFFER = 1.1, 0.25
#: lines that begin (or end) within this many heights of one another are in one row
_LEVEL = 0.6

_WORD_CUT = re.compile(r"[A-Za-zÀ-ÿ]-$")
_CJK = "\u3000-\u9fff\uff00-\uffef"
_ENDS_CJK, _BEGINS_CJK = re.compile(f"[{_CJK}]$"), re.compile(f"[{_CJK}]")


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """Words of one column on one level. ``edge`` is "header" or "footer" for a running row of the page."""

    words: tuple[Word, ...]
    x0: float
    y0: float
    x1: float
    y1: float
    size: float
    bold: bool
    text: str
    edge: str = ""

    @property
    def box(self) -> Box:
        """Left, top, right, bottom."""
        return self.x0, self.y0, self.x1, self.y1

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.y1 - self.y0

    @property
    def cy(self) -> float:
        """Its middle: half as noisy on a scan as its top, which depends on its letters."""
        return (self.y0 + self.y1) / 2


def line_of(words: Sequence[Word]) -> Line:
    """The line of words from left to right; ``words`` is not empty."""
    return Line(
        words=tuple(words),
        x0=words[0].x0,
        y0=min(word.y0 for word in words),
        x1=max(word.x1 for word in words),
        y1=max(word.y1 for word in words),
        size=median(word.size for word in words),
        bold=all(word.bold for word in words),
        text=joined([word.text for word in words]),
    )


# ------------------------------------------------------------ words to lines


@dataclass(frozen=True, slots=True)
class _Cover:
    """What words take of a row's width: intervals from left to right that do not touch."""

    cy: float
    size: float
    starts: list[float]
    ends: list[float]

    def widest_free(self, left: float, right: float) -> float:
        """The widest strip between ``left`` and ``right`` without a word."""
        free, reached = 0.0, left
        for i in range(bisect_right(self.ends, left), bisect_left(self.starts, right)):
            free = max(free, self.starts[i] - reached)
            reached = max(reached, self.ends[i])
        return max(free, right - reached)

    def reaches_across(self, left: float, right: float) -> bool:
        """Whether there are words on both sides of the strip."""
        return self.starts[0] < left and self.ends[-1] > right


def lines_of(words: Iterable[Word], gap: float, regions: Sequence[Region] = ()) -> list[Line]:
    """Lines of the upright words, row by row; ``gap``: the widest gap in a line, in heights of the font.

    Regions of the layout model cut where a word and the next one are in different ones, and keep together
    what is in the same one. A gap that the rows around do not have is a wide blank.
    """
    boxes = _text_boxes(regions)
    rows = rows_of(word for word in words if word.angle == 0)
    covers = [_cover(row) for row in rows]
    found: list[Line] = []
    for number, row in enumerate(rows):
        runs = _cut(row, gap, boxes)
        if len(runs) > 1:
            runs = _closed(runs, row, _around(covers, number))
        found.extend(line_of(run) for run in runs)
    return found


def _text_boxes(regions: Sequence[Region]) -> list[Box]:
    sure = [region for region in regions if region.label in _TEXT_LABELS and region.score > _SURE]
    return [region.box for region in sure[:_MOST_REGIONS]]


def _cut(row: Row, gap: float, boxes: Sequence[Box]) -> list[list[Word]]:
    """Words of a row cut at wide gaps, and where another region begins."""
    runs: list[list[Word]] = []
    for phrase in phrases(row.words, _WIDE_GAP if boxes else gap):
        runs.append([phrase.words[0]])
        for left, right in pairwise(phrase.words):
            if boxes and _other_region(left, right, gap, boxes):
                runs.append([right])
            else:
                runs[-1].append(right)
    return runs


def _other_region(left: Word, right: Word, gap: float, boxes: Sequence[Box]) -> bool:
    between = right.x0 - left.x1
    if between <= _BLANK * left.size:
        return False
    one = {i for i, box in enumerate(boxes) if holds(box, left.cx, left.cy, 1)}
    other = {i for i, box in enumerate(boxes) if holds(box, right.cx, right.cy, 1)}
    if one & other:
        return False
    return bool(one or other) or between > gap * max(left.size, right.size)


def _cover(row: Row) -> _Cover:
    starts: list[float] = []
    ends: list[float] = []
    for word in row.words:
        if ends and word.x0 <= ends[-1]:
            ends[-1] = max(ends[-1], word.x1)
        else:
            starts.append(word.x0)
            ends.append(word.x1)
    return _Cover(row.cy, row.size, starts, ends)


def _around(covers: Sequence[_Cover], number: int) -> list[_Cover]:
    """The rows of text right above and below a row."""
    this = covers[number]
    near = covers[max(0, number - _ROWS_AROUND) : number + _ROWS_AROUND + 1]
    most = _NEAR * this.size * LINE_HEIGHT
    return [each for each in near if each is not this and 0.5 * this.size < abs(each.cy - this.cy) < most]


def _closed(runs: list[list[Word]], row: Row, around: Sequence[_Cover]) -> list[list[Word]]:
    """Runs put together again over gaps that rows around fill with text, and none of them has."""
    joined = [runs[0]]
    for run in runs[1:]:
        left, right = joined[-1][-1].x1, run[0].x0
        filled = [each.widest_free(left, right) < _FREE * row.size for each in around]
        same_gap = any(
            not full and each.reaches_across(left, right) for full, each in zip(filled, around, strict=True)
        )
        enough = sum(filled) >= max(1, min(2, len(around)))
        if enough and not same_gap and right - left < _ODD_GAP * row.size:
            joined[-1] = joined[-1] + run
        else:
            joined.append(run)
    return joined


# ------------------------------------------------------------ lines to text


def join_lines(lines: Iterable[Line]) -> str:
    """The text of lines that follow one another.

    A word cut by a hyphen is put together when it goes on in a small letter; Chinese and Japanese take no
    blank; quotes as TeX sets them become quotes.
    """
    parts: list[str] = []
    for line in lines:
        last = parts[-1] if parts else ""
        if not last:
            parts.append(line.text)
        elif _WORD_CUT.search(last[-2:]) and line.text[:1].islower():
            parts[-1] = last[:-1]
            parts.append(line.text)
        elif _ENDS_CJK.search(last[-1:]) and _BEGINS_CJK.match(line.text):
            parts.append(line.text)
        else:
            parts += [" ", line.text]
    text = "".join(parts)
    if "‘‘" in text:
        text = text.replace("‘‘", "“").replace("``", "“").replace("’’", "”")
    return text


# ------------------------------------------------------------ lines to columns


def chunks(lines: Sequence[Line], reach: float = NEXT) -> list[list[int]]:
    """Indices of lines that stand under one another in one column, from top to bottom.

    A line is followed by the one below it when neither has another neighbour on that side, and both are of
    about the same size. ``reach``: the widest space between the two, in heights of the font.
    """
    below, above = _neighbours(lines, reach)
    follows: dict[int, int] = {}
    for one, others in below.items():
        other = _only_next(lines, one, others, above)
        if other is not None:
            follows[one] = other
    heads = set(range(len(lines))) - set(follows.values())
    return [_chain(head, follows) for head in sorted(heads, key=lambda i: (lines[i].y0, lines[i].x0))]


def _neighbours(lines: Sequence[Line], reach: float) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """For each line those close below that share some of its width, and the reverse."""
    order = sorted(range(len(lines)), key=lambda i: lines[i].y0)
    tops = [lines[i].y0 for i in order]
    below: dict[int, list[int]] = {}
    above: dict[int, list[int]] = {}
    for one in order:
        line = lines[one]
        first = bisect_right(tops, line.y0 + 0.3 * line.size)
        last = min(bisect_right(tops, line.y1 + 3 * line.size), first + _MOST_BELOW)
        for other in order[first:last]:
            then = lines[other]
            near = then.y0 - line.y1 <= reach * max(line.size, then.size)
            if near and overlap(line.x0, line.x1, then.x0, then.x1) > 0:
                below.setdefault(one, []).append(other)
                above.setdefault(other, []).append(one)
    return below, above


def _only_next(
    lines: Sequence[Line], one: int, others: Sequence[int], above: dict[int, list[int]]
) -> int | None:
    top = min(lines[i].y0 for i in others)
    row = [i for i in others if lines[i].y0 < top + _LEVEL * lines[i].size]
    if len(row) != 1:
        return None
    other = row[0]
    bottom = max(lines[i].y1 for i in above[other])
    if [i for i in above[other] if lines[i].y1 > bottom - _LEVEL * lines[i].size] != [one]:
        return None
    sizes = lines[one].size, lines[other].size
    return other if max(sizes) - min(sizes) <= _SIZES_DIFFER * max(sizes) else None


def _chain(head: int, follows: dict[int, int]) -> list[int]:
    chain = [head]
    while chain[-1] in follows:
        chain.append(follows[chain[-1]])
    return chain
