"""Paragraphs and headings of a page, in reading order."""

from __future__ import annotations

import math
import re
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.geometry import Box, area, intersection, median, overlap, union
from gradio_app.parsing.readers.embedded.lines import LINE_HEIGHT, NEXT, Line, chunks, join_lines, lines_of
from gradio_app.parsing.readers.embedded.margins import with_edges
from gradio_app.parsing.readers.embedded.order import reading_order
from gradio_app.parsing.readers.embedded.pairs import with_marks, with_values
from gradio_app.parsing.readers.embedded.scans import (
    even_sizes,
    letter_width,
    usual_letter,
    usual_pitch,
    usual_size,
)
from gradio_app.parsing.readers.embedded.typography import BULLET

Kind = Literal["text", "title", "header", "footer"]

#: widest gap in a line, in heights of the font
_GAP = 1.0
#: part of a line's height that is taken from top and bottom of a column: accents and descenders may touch
_INSET = 0.2
#: regions that divide paragraphs, how sure the model is of them, and how many are looked at
_DIVIDING = frozenset({"text", "title", "header", "footer", "table_caption", "figure_caption"})
_DIVIDING_SCORE, _MOST_REGIONS = 0.4, 100
#: on one level: tops differ by less than half a line, and the gap is at most so many lines wide
_SAME_LEVEL, _SAME_GAP = 0.5, 6.0
#: a paragraph's next line is at least and at most so many lines lower; and so much lower than is usual in it,
#: or in a scan's column: of 339 paragraphs of made scans 11 were cut or joined wrongly, 30 by median and 1.3
_LEAST_PITCH, _MOST_PITCH, _UNUSUAL_PITCH, _SCAN_UNUSUAL_PITCH = 0.3, 1.75, 1.3, 1.25
#: lines of one paragraph differ in size by this share at most
_SIZES_DIFFER = 0.18
#: a scan's sizes are too small by up to a third: the next line of a column is nearer than so many heights; a
#: line's height is the usual pitch over the second, at most so many heights of its font
_SCAN_NEXT, _LEADING, _MOST_LEADING = 1.9, 1.2, 2.0
#: a first line is set in by so many heights of its font
_INDENT, _MOST_INDENT = 0.9, 4.0
#: a last line ends this share of the width before the others
_SHORT = 0.25
#: heights of the body: a heading is larger than the first; than the second where the model or bold says so
_TITLE, _LIKELY_TITLE = 1.22, 1.08
#: the same for a scan, whose sizes are less exact; a letter must be wider by the third as well
_SCAN_TITLE, _SCAN_LIKELY_TITLE, _WIDER = 1.35, 1.15, 1.15
#: a heading has at most so many lines and words; one that only bold or the model shows, so many words
_TITLE_LINES, _TITLE_WORDS, _SHORT_TITLE_WORDS = 3, 25, 14
#: how sure the model is of a title, where size says so too, and where nothing else does
_TITLE_SCORE, _SURE_TITLE_SCORE = 0.5, 0.75

_WORD = re.compile(r"[^\W\d]{2}")


@dataclass(frozen=True, slots=True, eq=False)
class Paragraph:
    """Lines that are read as one. ``size``: height of its usual font in points."""

    kind: Kind
    box: Box
    lines: tuple[Line, ...]
    text: str
    size: float


@dataclass(frozen=True, slots=True)
class Obstacle:
    """The place of a table or picture in the reading order: its index among the obstacles."""

    index: int


def paragraphs(
    words: Iterable[Word], facts: PageFacts, obstacles: Sequence[Box] = ()
) -> list[Paragraph | Obstacle]:
    """Paragraphs of the upright ``words`` and the obstacles, in reading order.

    ``words`` are those of the page that belong to no table or picture; those are the ``obstacles``, which
    stand among the text but hold none of it. Time is bounded, see ``order`` and ``lines``.
    """
    upright = [word for word in words if word.angle == 0]
    lines = with_marks(lines_of(upright, _GAP, facts.regions))
    if facts.scan:
        lines = even_sizes(lines)
    body = usual_size(lines) if facts.scan else median(word.size for word in upright)
    lines = with_values(with_edges(lines, facts, body), facts, obstacles)
    style = _Style(body, all(word.bold for word in upright), usual_letter(lines), facts)
    found: list[Paragraph | Obstacle] = []
    for item in _grouped(lines, facts, obstacles):
        found.append(item if isinstance(item, Obstacle) else style.paragraph(item))
    return found


# ------------------------------------------------------------ order


def _in_order(
    lines: Sequence[Line], facts: PageFacts, obstacles: Sequence[Box]
) -> Iterator[tuple[Line | Obstacle, float]]:
    """Lines, column by column, and obstacles as they are read; with each the usual pitch of its column.

    The pitch is only taken where sizes of fonts are not exact, and infinite where it is not known.
    """
    reach = _SCAN_NEXT if facts.scan else NEXT
    columns = [[lines[i] for i in chunk] for chunk in chunks(lines, reach)]
    boxes = [union(map(_inner, column)) for column in columns] + list(obstacles)
    for i in reading_order(boxes, [column[0].text for column in columns]):
        if i < len(columns):
            pitch = usual_pitch(columns[i]) if facts.scan else math.inf
            yield from ((line, pitch) for line in columns[i])
        else:
            yield Obstacle(i - len(columns)), math.inf


def _inner(line: Line) -> Box:
    inset = _INSET * line.height
    return line.x0, line.y0 + inset, line.x1, line.y1 - inset


# ------------------------------------------------------------ lines to paragraphs


@dataclass(slots=True)
class _Open:
    """A paragraph that still takes lines: its lines, its left and right edge, and how far lines are apart."""

    lines: list[Line]
    left: float
    right: float
    pitches: list[float] = field(default_factory=list[float])

    @classmethod
    def of(cls, line: Line) -> _Open:
        return cls([line], line.x0, line.x1)

    def add(self, line: Line) -> None:
        insort(self.pitches, line.cy - self.lines[-1].cy)
        self.lines.append(line)
        self.left, self.right = min(self.left, line.x0), max(self.right, line.x1)

    def widen(self, line: Line) -> None:
        """The last line goes on with one on its level."""
        last = self.lines[-1]
        self.lines[-1] = replace(
            last,
            words=last.words + line.words,
            x0=min(last.x0, line.x0),
            x1=max(last.x1, line.x1),
            text=f"{last.text} {line.text}",
        )
        self.left, self.right = min(self.left, line.x0), max(self.right, line.x1)

    @property
    def usual_pitch(self) -> float:
        half = len(self.pitches) // 2
        return (self.pitches[half] + self.pitches[-half - 1]) / 2


def _grouped(
    lines: Sequence[Line], facts: PageFacts, obstacles: Sequence[Box]
) -> list[list[Line] | Obstacle]:
    """Lines of each paragraph, and obstacles."""
    regions = _Regions(facts)
    found: list[list[Line] | Obstacle] = []
    current: _Open | None = None
    for item, pitch in _in_order(lines, facts, obstacles):
        if isinstance(item, Obstacle) or item.edge:
            found.append(item if isinstance(item, Obstacle) else [item])
            current = None
        elif current is not None and _on_level(current.lines[-1], item):
            current.widen(item)
        elif current is not None and not _begins(item, current, regions, pitch):
            current.add(item)
        else:
            current = _Open.of(item)
            found.append(current.lines)
    return found


def _line_height(one: Line, other: Line, pitch: float = math.inf) -> float:
    """Height of a line of text: by the font, or more where the column's usual ``pitch`` is known."""
    height = max(one.size, other.size) * LINE_HEIGHT
    return max(height, min(pitch / _LEADING, _MOST_LEADING * height)) if pitch < math.inf else height


def _on_level(last: Line, line: Line) -> bool:
    height = _line_height(last, line)
    return abs(line.y0 - last.y0) < _SAME_LEVEL * height and line.x0 - last.x1 < _SAME_GAP * height


def _begins(line: Line, current: _Open, regions: _Regions, pitch: float) -> bool:
    """Whether a line below a paragraph begins a new one; ``pitch``: the usual one of its column."""
    last = current.lines[-1]
    return (
        _stands_off(line, current, pitch)
        or _looks_other(line, last, len(current.lines))
        or _is_item(line)
        or _is_indented(line, current)
        or _ends_short(last, current)
        or line.x0 > current.right
        or line.x1 < current.left
        or regions.divide(last, line, pitch)
    )


def _stands_off(line: Line, current: _Open, usual: float) -> bool:
    last = current.lines[-1]
    pitch, height = line.cy - last.cy, _line_height(last, line, usual)
    if not _LEAST_PITCH * height <= pitch <= _MOST_PITCH * height:
        return True
    unusual = _UNUSUAL_PITCH if usual == math.inf else _SCAN_UNUSUAL_PITCH
    if usual == math.inf and len(current.lines) >= 2:
        usual = current.usual_pitch
    return pitch > unusual * usual and usual > 0.5 * height


def _looks_other(line: Line, last: Line, count: int) -> bool:
    if abs(line.size - last.size) > _SIZES_DIFFER * max(line.size, last.size):
        return True
    if line.bold == last.bold:
        return False
    return (line.bold and len(line.text) < 90) or (last.bold and count <= 2)


def _is_item(line: Line) -> bool:
    return len(line.words) > 1 and bool(BULLET.match(line.words[0].text))


def _is_indented(line: Line, current: _Open) -> bool:
    """Whether a line is set in, below one that is not; lines of an item hang under its text."""
    if BULLET.match(current.lines[0].words[0].text):
        return False
    set_in = line.x0 - current.left
    flush = abs(current.lines[-1].x0 - current.left) < 0.5 * line.size
    return flush and _INDENT * line.size < set_in < _MOST_INDENT * line.size


def _ends_short(last: Line, current: _Open) -> bool:
    return len(current.lines) >= 2 and last.x1 < current.right - _SHORT * (current.right - current.left)


class _Regions:
    """Regions of the layout model that divide paragraphs."""

    def __init__(self, facts: PageFacts) -> None:
        sure = [
            region for region in facts.regions if region.label in _DIVIDING and region.score > _DIVIDING_SCORE
        ]
        self._boxes = [region.box for region in sure[:_MOST_REGIONS]]

    def divide(self, last: Line, line: Line, pitch: float) -> bool:
        """Whether two lines are in different regions; where only one is in any, they stand apart as well."""
        if not self._boxes:
            return False
        one, other = self._around(last), self._around(line)
        if one & other or not (one or other):
            return False
        return bool(one and other) or line.y0 - last.y0 > 1.25 * _line_height(last, line, pitch)

    def _around(self, line: Line) -> set[int]:
        return {
            i
            for i, box in enumerate(self._boxes)
            if overlap(line.y0, line.y1, box[1], box[3]) > 0.6 * line.height
            and overlap(line.x0, line.x1, box[0], box[2]) > 0.5 * (line.x1 - line.x0)
        }


# ------------------------------------------------------------ kinds


@dataclass(frozen=True, slots=True)
class _Style:
    """What headings of a page are measured by: its usual size and width of a letter; whether all is bold."""

    body: float
    all_bold: bool
    letter: float
    facts: PageFacts

    def paragraph(self, lines: Sequence[Line]) -> Paragraph:
        """The paragraph of lines that were put together."""
        text = join_lines(lines)
        size = median(line.size for line in lines)
        box = union(line.box for line in lines)
        return Paragraph(self._kind(lines, text, size, box), box, tuple(lines), text, size)

    def _kind(self, lines: Sequence[Line], text: str, size: float, box: Box) -> Kind:
        if lines[0].edge:
            return "header" if lines[0].edge == "header" else "footer"
        count = len(text.split())
        if len(lines) > _TITLE_LINES or count > _TITLE_WORDS:
            return "text"
        if not _WORD.search(text) or text.rstrip().endswith((",", ";")):
            return "text"
        score = self._title_score(box)
        bold = all(line.bold for line in lines)
        short = len(lines) <= 2 and count <= _SHORT_TITLE_WORDS and not text.endswith(".")
        large, larger = (_SCAN_LIKELY_TITLE, _SCAN_TITLE) if self.facts.scan else (_LIKELY_TITLE, _TITLE)
        if size > larger * self.body and self._is_wider(lines):
            return "title"
        if size > large * self.body and (score > _TITLE_SCORE or bold):
            return "title"
        if short and bold and not self.all_bold and not self.facts.scan:
            return "title"
        return "title" if short and score > _SURE_TITLE_SCORE else "text"

    def _is_wider(self, lines: Sequence[Line]) -> bool:
        if not self.facts.scan:
            return True
        return median(map(letter_width, lines)) > _WIDER * self.letter

    def _title_score(self, box: Box) -> float:
        return max(
            (
                region.score
                for region in self.facts.regions
                if region.label == "title" and intersection(region.box, box) > 0.5 * area(box)
            ),
            default=0.0,
        )
