"""Extent of a table: a box grows to near rules and whole rows, loses captions, gains its heading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.geometry import Box, holds, union
from gradio_app.parsing.readers.embedded.rows import Row, phrases, rows_of
from gradio_app.parsing.readers.embedded.tables.build import build
from gradio_app.parsing.readers.embedded.tables.grid import Grid
from gradio_app.parsing.readers.embedded.tables.index import WordIndex
from gradio_app.parsing.readers.embedded.tables.rowing import LEADING
from gradio_app.parsing.readers.embedded.typography import CAPTION

#: a rule belongs to a table when it is over this share of its width, no more points wider on a side, and
#: nearer than so many lines above it and below it
_RULE_WIDE, _RULE_OUTSIDE, _LINES_ABOVE, _LINES_BELOW = 0.5, 12.0, 3.2, 2.2
#: a word belongs to a row of the table that shares this share of its height
_SAME_ROW = 0.6
#: a heading above: lines at most, distance in lines, share of the width of the table, words of a phrase
_MOST_ABOVE, _NEAR, _NARROW, _FEW = 3, 0.75, 0.5, 5

#: words askew above a table end so near to it, in heights of the font
_ASKEW = 1.5

#: a title is further above the heading than this, in heights of the font
_TITLE = 0.5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What tables are built from: all words, the upright ones, rules, the height of the usual font."""

    words: WordIndex
    flat: WordIndex
    horizontal: Sequence[Box]
    vertical: Sequence[Box]
    size: float


def table_in(box: Box, page: Surroundings) -> tuple[Grid, list[Word]] | None:
    """The table in a box and its words; none when there are no two columns."""
    box = _to_rules(box, page)
    words = _without_captions(_whole_rows(box, page))
    if not words:
        return None
    grid = build(words, page.horizontal, page.vertical, box)
    for _ in range(_MOST_ABOVE):
        row = _heading_above(words, grid, page) if grid else []
        if not row:
            break
        words, box = words + row, union([box, *(word.box for word in row)])
        grid = build(words, page.horizontal, page.vertical, box)
    askew = _askew_above(words, page) if grid else []
    if askew:
        words = words + askew
        grid = build(words, page.horizontal, page.vertical, union([box, *(word.box for word in askew)]))
    return (grid, words) if grid else None


def _askew_above(words: list[Word], page: Surroundings) -> list[Word]:
    """Words that stand askew right above a table: the names of its columns, two at least."""
    if len(page.words.words) == len(page.flat.words):
        return []
    left, top, right, _ = union(word.box for word in words)
    known = set(words)
    found = [
        word
        for word in page.words.level(top - 200, top)
        if word.angle
        and word not in known
        and word.y1 <= top + 0.5 * word.size
        and top - word.y1 < _ASKEW * word.size
        and left - 2 <= word.x0 <= right + 2 * word.size
    ]
    return found if len(found) >= 2 else []


def _to_rules(box: Box, page: Surroundings) -> Box:
    """The box up and down to rules that are as wide and near."""
    left, top, right, bottom = box
    line = page.size * LEADING
    rules = [
        rule[1]
        for rule in page.horizontal
        if rule[2] - rule[0] > _RULE_WIDE * (right - left)
        and rule[0] > left - _RULE_OUTSIDE
        and rule[2] < right + _RULE_OUTSIDE
    ]
    for _ in range(2):
        for y in rules:
            if 0 < top - y < _LINES_ABOVE * line:
                top = y - 1
            if 0 < y - bottom < _LINES_BELOW * line:
                bottom = y + 1
    return left, top, right, bottom


def _whole_rows(box: Box, page: Surroundings) -> list[Word]:
    """Words in the box, and those of the rows that it cuts, within its width."""
    inside = page.words.within(box)
    heights = {(word.y0, word.y1) for word in inside if not word.angle}
    if not heights:
        return inside
    top, bottom = min(y for y, _ in heights), max(y for _, y in heights)
    edge = {(y0, y1) for y0, y1 in heights if y0 < box[1] or y1 > box[3]}
    return [
        word
        for word in page.words.level(min(top, box[1] - 2), max(bottom, box[3] + 2))
        if box[0] - 4 <= word.cx <= box[2] + 4
        and (
            holds(box, word.cx, word.cy)
            or (holds(box, word.cx, word.cy, 4) and _level(word, heights))
            or _level(word, edge)
        )
    ]


def _level(word: Word, heights: set[tuple[float, float]]) -> bool:
    least = _SAME_ROW * (word.y1 - word.y0)
    return any(min(word.y1, bottom) - max(word.y0, top) > least for top, bottom in heights)


def _without_captions(words: list[Word]) -> list[Word]:
    """Words without the captions above and below and without a title; two rows stay."""
    rows = rows_of(word for word in words if not word.angle)
    out: set[Word] = set()
    while len(rows) > 2:
        if CAPTION.match(rows[0].text) or _is_title(rows[0], rows[1]):
            out.update(rows.pop(0).words)
        elif CAPTION.match(rows[-1].text):
            out.update(rows.pop().words)
        else:
            break
    return [word for word in words if word not in out] if out else words


def _is_title(row: Row, below: Row) -> bool:
    """Whether a row stands over a table: one phrase, at the left, larger or further off than a heading."""
    if len(phrases(row.words, 1.0)) > 1 or len(phrases(below.words, 1.0)) < 2:
        return False
    if abs(row.words[0].x0 - below.words[0].x0) > below.size:
        return False
    return row.size > 1.1 * below.size or below.y0 - row.y1 > _TITLE * below.size


def _heading_above(words: list[Word], grid: Grid, page: Surroundings) -> list[Word]:
    """A short row right above the table that is its heading; empty when there is none."""
    left, top, right, _ = union(word.box for word in words)
    known = set(words)
    reach = max(word.size for word in words) * LEADING * 4
    close = page.flat.level(top - reach, top + reach)
    near = [
        word
        for word in close
        if word.y1 <= top + 0.3 * word.size
        and top - word.y1 < _NEAR * word.size * LEADING
        and word.x1 > left - 2
        and word.x0 < right + 2
    ]
    if not near:
        return []
    bottom = max(word.y1 for word in near)
    row = [word for word in close if abs(word.y1 - bottom) < 0.5 * word.size]
    if any(word.x0 < left - 4 or word.x1 > right + 4 or word in known for word in row):
        return []
    parts = phrases(row, 1.0)
    wide = sum(part.x1 - part.x0 for part in parts) > _NARROW * (right - left)
    if wide or CAPTION.match(parts[0].text) or max(len(part.words) for part in parts) > _FEW:
        return []
    if len(parts) < 2 and parts[0].x0 < grid.columns[0][1]:
        return []
    ruled = any(
        bottom - 1 <= rule[1] <= top + 2 and rule[0] < right and rule[2] > left for rule in page.horizontal
    )
    return row if len(parts) >= 2 or ruled or all(word.bold for word in row) else []
