"""How much of a truth is in a result: words, order, cells, headings, numbers, and what nobody sees. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from bench.quality.case import Truth
from bench.reading.metric import ENDS, Line, letters, plain, tables, words_found
from bench.reading.truth import cells_right

#: words of a piece; the end of one and the beginning of the next must stand together
_PIECE = 4
_WIDE = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])")
_NUMBER = re.compile(r"\d(?:[\d.,:/\u2019'-]*\d)+")
_HEADING = re.compile(r"(?m)^#{1,6}\s+(.+?)\s*#*$|<h[1-6][^>]*>(.*?)</h[1-6]>", re.DOTALL)

MEASURES = ("words", "order", "cells", "headings", "numbers")


@dataclass(frozen=True, slots=True)
class Score:
    """Each from 0 to 1, None where the truth has no such thing. ``shown``: words that nobody sees.

    ``headings`` is the harmonic mean of how many of them are found, and of how many that are found are right.
    """

    words: float
    order: float | None
    cells: float | None
    headings: float | None
    numbers: float | None
    shown: int = 0


def score(truth: Truth, markdown: str) -> Score:
    """Of a result in Markdown; an empty one is what a document without a result has."""
    text = plain(markdown)
    return Score(
        words_found([Line(_apart(truth.text), 0, 0, 0, 0)], _apart(markdown)),
        order_kept(truth, text),
        _cells(truth, markdown),
        headings_found(truth, markdown),
        numbers_whole(truth, text),
        sum(letters(words) in letters(text) for words in truth.absent),
    )


def _apart(text: str) -> str:
    """Chinese, Japanese and Korean signs as words: a wrong one costs itself only."""
    return _WIDE.sub(r" \1 ", text)


def order_kept(truth: Truth, text: str) -> float | None:
    """The share of neighbouring pieces that are neighbours in the result.

    Within a paragraph the next piece follows at once, else somewhere after. A piece is four words, or a row
    of a table. Pieces whose beginning or end is not in the result are passed over, as words and cells tell
    them; when fewer than two are left the order is 0.
    """
    found, pieces = letters(text), list(_pieces(truth))
    if len(pieces) < 2:
        return None
    there = [each for each in pieces if each.letters[:ENDS] in found and each.letters[-ENDS:] in found]
    pairs = list(pairwise(there))
    right = sum(
        end + start in found if after.follows == before.number else found.rfind(start) > found.find(end)
        for before, after in pairs
        for end, start in [(before.letters[-ENDS:], after.letters[:ENDS])]
    )
    return right / len(pairs) if pairs else 0.0


@dataclass(frozen=True, slots=True)
class _Piece:
    """``follows``: the number of the piece right before it in its paragraph, -1 for the first one."""

    letters: str
    number: int
    follows: int


def _pieces(truth: Truth) -> Iterator[_Piece]:
    number = 0
    for block in truth.blocks:
        if isinstance(block, str):
            words = _apart(block).split()
            texts = [" ".join(words[start : start + _PIECE]) for start in range(0, len(words), _PIECE)]
        else:
            texts = [" ".join(row) for row in block]
        first = number
        for text in texts:
            if piece := letters(text):
                yield _Piece(piece, number, number - 1 if isinstance(block, str) and number > first else -1)
                number += 1


def _cells(truth: Truth, markdown: str) -> float | None:
    count = sum(len(row) for grid in truth.grids for row in grid)
    # some programs put an empty head above a table that has none: no cell is wrong by it
    found = [[row for row in grid if any(cell.strip() for cell in row)] for grid in tables(markdown)]
    return cells_right(truth.grids, found) / count if count else None


def headings_found(truth: Truth, markdown: str) -> float | None:
    """Headings of the truth that are headings of the result, and none that are not."""
    wanted = Counter(letters(text) for text in truth.headings)
    told = [first or second for first, second in _HEADING.findall(markdown)]
    found = Counter(letters(plain(text)) for text in told)
    if not wanted and not found:
        return None
    return 2 * (wanted & found).total() / (wanted.total() + found.total())


def numbers_whole(truth: Truth, text: str) -> float | None:
    """The share of numbers of two digits and more that stand in the result unbroken, each time."""
    wanted = Counter(_NUMBER.findall(truth.text))
    found = Counter(_NUMBER.findall(text))
    return (wanted & found).total() / wanted.total() if wanted else None
