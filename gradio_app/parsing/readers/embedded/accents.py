"""Accents that old fonts set as characters of their own: onto the letter that they stand over.

TeX's older fonts draw "á" as an accent and a letter, in whatever order the file has them. On a page of a file
the place of both says which letter it is (``over_letters``); a text that somebody else put together is
told by its letters (``with_accents``), and by its order where it has others. What stands over no letter is a
sign: an apostrophe in "it´s", a quotation mark.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

from gradio_app.parsing.readers.embedded.geometry import Box
from gradio_app.parsing.readers.embedded.typography import MARKS

#: a mark and its letter share this part of the lower one's height at least
_SAME_LINE = 0.5
#: an accent and the letter behind it; a backtick may be a mark of code
_LOOSE = re.compile(r"([´¨ˇˆ˜¸˚])\s?([A-Za-zı])")


def composed(letter: str, mark: str) -> str:
    """The letter with the mark as one character; empty where there is none."""
    found = unicodedata.normalize("NFC", ("i" if letter == "ı" else letter) + MARKS[mark])
    return found if len(found) == 1 else ""


def over_letters(marks: Sequence[int], letters: Sequence[str], boxes: Sequence[Box]) -> dict[int, str]:
    """What characters of a page become, by number: a letter gets its accent, the accent becomes empty.

    ``letters`` and their ``boxes`` (loose ones, left, top, right, bottom) are all characters of the page;
    ``marks`` the numbers of those that are accents. Blanks that pdfium puts around an accent become empty.
    """
    found: dict[int, str] = {}
    order = sorted((box[0], number) for number, box in enumerate(boxes) if letters[number].isalpha())
    starts = [start for start, _ in order]
    widest = max((box[2] - box[0] for box in boxes), default=0.0)
    for mark in marks:
        box = boxes[mark]
        middle = (box[0] + box[2]) / 2
        near = range(bisect_right(starts, middle - widest), bisect_right(starts, middle))
        under = [
            number
            for _, number in map(order.__getitem__, near)
            if number not in found
            and letters[number] not in MARKS
            and boxes[number][2] > middle
            and _same_line(boxes[number], box)
        ]
        if len(under) == 1 and (letter := composed(letters[under[0]], letters[mark])):
            found[under[0]], found[mark] = letter, ""
            for beside in (mark - 1, mark + 1):
                if 0 <= beside < len(letters) and letters[beside] == " ":
                    found[beside] = ""
    return found


def with_accents(content: Any, text: str) -> Any:
    """Spans of a block with the accents that ``text`` has, where both have the same letters.

    ``text`` is the block's text as its page has it. With other letters in both, accents go onto the letter
    behind them, unless the page has signs of that kind, too.
    """
    if isinstance(content, list) and all(map(_is_span, cast(list[Any], content))):
        spans = cast(list[dict[str, Any]], content)
        if (cut := _cut(text, [span["content"] for span in spans])) is not None:
            return [span | {"content": part} for span, part in zip(spans, cut, strict=True)]
    return cast(Any, content) if any(mark in text for mark in MARKS) else _onto_the_next(content)


def _is_span(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(cast(dict[str, Any], item).get("content"), str)


def _cut(text: str, parts: Sequence[str]) -> list[str] | None:
    """``text`` cut into as many parts with as many letters each; none where its letters are others."""
    if _letters(text) != _letters("".join(parts)):
        return None
    found: list[str] = []
    at = 0
    for part, following in pairwise(parts):
        wanted, start = len(_letters(part)), at
        while at < len(text) and (wanted or (text[at].isspace() and not following[:1].isspace())):
            wanted -= len(_letters(text[at]))
            at += 1
        found.append(text[start:at])
    return [*found, text[at:]]


def _letters(text: str) -> str:
    """Without accents, blanks and hyphens."""
    plain = unicodedata.normalize("NFD", text)
    return "".join(c for c in plain if c not in MARKS and not c.isspace() and c != "-" and not _combines(c))


def _combines(character: str) -> bool:
    return character >= "\u0300" and unicodedata.combining(character) != 0


def _onto_the_next(content: Any) -> Any:
    if isinstance(content, str):
        return _LOOSE.sub(_accented, content)
    if isinstance(content, list):
        items = cast(list[Any], content)
        return [_onto_the_next(item) if isinstance(item, dict) else item for item in items]
    if isinstance(content, dict) and "content" in content:
        span = cast(dict[str, Any], content)
        return span | {"content": _onto_the_next(span["content"])}
    return cast(Any, content)


def _accented(found: re.Match[str]) -> str:
    return composed(found[2], found[1]) or found[0]


def _same_line(a: Box, b: Box) -> bool:
    return min(a[3], b[3]) - max(a[1], b[1]) > _SAME_LINE * min(a[3] - a[1], b[3] - b[1])
