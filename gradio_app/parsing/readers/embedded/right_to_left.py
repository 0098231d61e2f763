"""Right-to-left text: the words of a line, which stand from left to right, in the order of reading.

The letters of a word are in that order already: pdfium gives them so. A simple form of the bidirectional
algorithm of Unicode, for whole words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: a letter of Hebrew, Arabic and the scripts between them, and their presentation forms
RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
#: a letter that runs from left to right
_LTR = re.compile("[A-Za-z\u00c0-\u024f\u0370-\u058f\u0900-\u1fff\u3040-\u9fff\uac00-\ud7af]")


def reading_order(words: Sequence[str]) -> list[int]:
    """Indices of the words of a line in the order of reading; ``words`` stand from left to right."""
    whole = list(range(len(words)))
    if len(words) < 2 or not any(map(RTL.search, words)):
        return whole
    kinds = [_kind(word) for word in words]
    if _runs_from_right(kinds):
        return _turned(whole[::-1], kinds, "L")
    return _turned(whole, kinds, "R")


def joined(words: Sequence[str]) -> str:
    """The words of a line, which stand from left to right, as text."""
    return " ".join(words[index] for index in reading_order(words))


def as_drawn(text: str) -> str:
    """A line in the order in which its letters stand from left to right."""
    if not RTL.search(text):
        return text
    words = text.split(" ")
    placed = (words[index] for index in reading_order(words))  # the way there is the way back
    return " ".join(word[::-1] if RTL.search(word) else word for word in placed)


def _kind(word: str) -> str:
    """``R`` runs from right to left, ``L`` from left to right, ``N`` is a number, ``O`` are other signs."""
    if RTL.search(word):
        return "R"
    return "L" if _LTR.search(word) else "N" if any(map(str.isdigit, word)) else "O"


def _runs_from_right(kinds: Sequence[str]) -> bool:
    """Whether a line begins at its right: by most of its words, or by those at its ends."""
    strong = [kind for kind in kinds if kind in "LR"]
    right = strong.count("R")
    left = len(strong) - right
    if max(left, right) >= 2 * min(left, right) or strong[0] != strong[-1]:
        return right > left
    return strong[0] == "R"


def _turned(order: Sequence[int], kinds: Sequence[str], kind: str) -> list[int]:
    """The order with each run of words of the other direction turned, and what is between two of them too.

    A number that stands right of a word from left to right belongs to it: ``Windows 11``.
    """
    found: list[int] = []
    run: list[int] = []
    open_end: list[int] = []  # after the last word of the run: turns only if another one follows
    for index in order:
        if kinds[index] == kind:
            if kind == "L" and not run and found and kinds[found[-1]] == "N":
                run.append(found.pop())
            run += [*open_end, index]
            open_end = []
        elif kinds[index] in "LR" or not run:
            found += [*reversed(run), *open_end, index]
            run, open_end = [], []
        else:
            open_end.append(index)
    return [*found, *reversed(run), *open_end]
