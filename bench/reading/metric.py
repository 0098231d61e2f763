"""The metric of public pages: words that are in the result, lines followed by the line below them.

Covers: the text of a result without markup, its tables, both shares. Pure. Does not cover: what stands on the
page (``reference``). Fixed before any reader was tuned by it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bs4 import BeautifulSoup
from bs4.element import Tag

#: letters on either side of a line end that must stand together in the result
ENDS = 12
#: letters that may be between them: the number of a footnote or of a list item, which may be its own line
MARK = 3
#: lines are in one column when they share this much of the narrower one's width
OVERLAP = 0.5
#: the line below begins at most this many heights further down
GAP = 1.0
#: lines of one column are about as high as each other
HEIGHTS = 1.4

#: tags within a word: they leave no blank
_INLINE = "a|abbr|b|big|cite|code|del|em|font|i|ins|kbd|mark|s|samp|small|span|strong|sub|sup|u|var"
_BLOCK = (
    "address|article|blockquote|body|br|caption|center|col|colgroup|dd|details|div|dl|dt|figcaption|figure"
    "|footer|h[1-6]|head|header|hr|html|img|li|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th"
    "|thead|tr|ul"
)
_TAGS = (
    (re.compile(r"<!--.*?-->", re.DOTALL), " "),
    (re.compile(rf"</?(?:{_INLINE})(?:\s[^<>]*)?/?>", re.IGNORECASE), ""),
    (re.compile(rf"</?(?:{_BLOCK})(?:\s[^<>]*)?/?>", re.IGNORECASE), " "),
)
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
#: signs of Markdown and of formulas that no page shows
_MARKUP = re.compile(r"\\(?:begin|end)\{\w+\}|[*`$^{}~\\]|_(?=\{)")
_WORD = re.compile(r"[^\W_]+")
#: a word that is broken at a line end: pdfium writes U+0002 for that hyphen
_BROKEN = re.compile(r"([^\W\d_]+)[-\u2010\u00ad\u0002][ \t]*\n[ \t]*([^\W\d_]+)")
_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff]")
_PIPES = re.compile(r"(?m)^\s*\|.*\|\s*\n\s*\|[ :|-]+\|\s*\n(?:\s*\|.*\|\s*(?:\n|$))*")

Grid = list[list[str]]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text on a page: its words with blanks, its box in points, y down from the top."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Of the box."""
        return self.bottom - self.top


@dataclass(frozen=True, slots=True)
class Score:
    """What a page gets. ``order`` is None where no line of the page has one below it.

    ``words`` counts headers and footers that the result names as such, ``body`` does not.
    """

    words: float
    body: float
    order: float | None
    tables: int


def score(lines: Sequence[Line], markdown: str, marginals: Sequence[str] = ()) -> Score:
    """Of a page with ``lines``, whose result is ``markdown`` and, apart from it, ``marginals``."""
    return Score(
        words_found(lines, "\n\n".join([markdown, *marginals])),
        words_found(lines, markdown),
        order_found(lines, markdown, marginals),
        len(tables(markdown)),
    )


def words_found(lines: Sequence[Line], markdown: str) -> float:
    """The share of the words of a page that are in its result, each as often as it is on the page, 0 to 1.

    A word that a line end breaks may be in the result whole or in its two parts.
    """
    text = _folded("\n".join(line.text for line in lines))
    left = Counter(_words(plain(markdown)))
    broken = [(match[1], match[2]) for match in _BROKEN.finditer(text)]
    whole = _WORD.findall(_BROKEN.sub(" ", text))
    if not whole and not broken:
        return 1.0
    found = sum(_take(left, [word]) for word in whole)
    found += sum(_take(left, [head + tail]) or _take(left, [head, tail]) for head, tail in broken)
    return found / (len(whole) + len(broken))


def _take(left: Counter[str], words: Sequence[str]) -> bool:
    """Takes ``words`` out of what is left, if all of them are there."""
    if Counter(words) - left:
        return False
    left.subtract(words)
    return True


def order_found(lines: Sequence[Line], markdown: str, marginals: Sequence[str] = ()) -> float | None:
    """The share of lines that the line below them follows in the result, 0 to 1; None when there is none.

    The last twelve letters of a line and the first twelve of the next must stand together, or in a table of
    the result: in one cell, in one row, or in a row and the next. A line of the page may be a cell, a part of
    one, or several cells; whether the cells are right is no matter of the order.
    """
    text = "\n".join(letters(plain(each)) for each in [markdown, *marginals])
    grids = [[letters(" ".join(row)) for row in grid] for grid in tables(markdown)]
    ends = [(letters(above.text)[-ENDS:], letters(below.text)[:ENDS]) for above, below in neighbours(lines)]
    found = [
        _followed(text, end, start) or any(_adjacent(grid, end, start) for grid in grids)
        for end, start in ends
    ]
    return sum(found) / len(found) if found else None


def _followed(text: str, end: str, start: str) -> bool:
    """Whether ``start`` comes right after ``end``, or after a mark."""
    place = text.find(end)
    while place >= 0:
        after = place + len(end)
        if text.find(start, after, after + MARK + len(start)) >= 0:
            return True
        place = text.find(end, place + 1)
    return False


def _adjacent(rows: Sequence[str], end: str, start: str) -> bool:
    """Whether a row has ``end``, and it or the next one has ``start``; ``rows`` are their letters."""
    return any(
        end in row and (start in row or start in following)
        for row, following in zip(rows, [*rows[1:], ""], strict=True)
    )


def neighbours(lines: Sequence[Line]) -> Iterator[tuple[Line, Line]]:
    """Lines and the line right below them in their column, both with at least twelve letters."""
    long = [line for line in lines if len(letters(line.text)) >= ENDS]
    for line in long:
        below = [other for other in lines if other is not line and _is_below(line, other)]
        nearest = min(below, key=lambda other: other.top, default=None)
        # where two lines begin at the same height below, the column has ended
        if nearest in long and sum(other.top - nearest.top < 0.5 * line.height for other in below) == 1:
            yield line, nearest


def _is_below(line: Line, other: Line) -> bool:
    gap = other.top - line.bottom
    shared = min(line.right, other.right) - max(line.left, other.left)
    narrower = min(line.right - line.left, other.right - other.left)
    heights = sorted((line.height, other.height))
    return (
        -0.5 * line.height <= gap <= GAP * line.height
        and other.top > line.top
        and shared >= OVERLAP * narrower
        and heights[1] <= HEIGHTS * heights[0]
    )


def plain(markdown: str) -> str:
    """A result's text without markup; cells of tables with blanks between them, pictures left out."""
    text = _PICTURE.sub(" ", markdown)
    for pattern, instead in _TAGS:
        text = pattern.sub(instead, text)
    return _MARKUP.sub("", _LINK.sub(r"\1", html.unescape(text)))


def letters(text: str) -> str:
    """Letters and digits of a text, folded, without anything between them."""
    return "".join(_WORD.findall(_folded(text)))


def _words(text: str) -> list[str]:
    return _WORD.findall(_BROKEN.sub(r"\1\2", _folded(text)))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold()


def tables(markdown: str) -> list[Grid]:
    """The tables of a result as rows of cells, those in HTML and those of pipes."""
    soup = BeautifulSoup(markdown, "html.parser") if "<table" in markdown.lower() else None
    found = [_grid(table) for table in soup.find_all("table")] if soup else []
    for match in _PIPES.finditer(markdown):
        rows = [line.strip().strip("|").split("|") for line in match[0].strip().splitlines()]
        found.append([[cell.strip() for cell in row] for number, row in enumerate(rows) if number != 1])
    return found


def _grid(table: Tag) -> Grid:
    """Rows of cells. Text of a cell that spans stands in its first place, the others are empty."""
    grid: dict[tuple[int, int], str] = {}
    for number, row in enumerate(table.find_all("tr")):
        column = 0
        for cell in row.find_all(["td", "th"], recursive=False):
            while (number, column) in grid:
                column += 1
            high, wide = (_span(cell.get(name)) for name in ("rowspan", "colspan"))
            for down in range(high):
                for right in range(wide):
                    grid[number + down, column + right] = ""
            grid[number, column] = " ".join(cell.get_text(" ").split())
            column += wide
    height = max((place[0] for place in grid), default=-1) + 1
    width = max((place[1] for place in grid), default=-1) + 1
    return [[grid.get((row, column), "") for column in range(width)] for row in range(height)]


def _span(value: object) -> int:
    return min(int(value), 1000) if isinstance(value, str) and value.isdecimal() and int(value) else 1
