"""Check: compares what is on a page with what was delivered of it.

Method: recall of the page's words; continuity, the share of lines that are followed in the result by the line
below them in their column (columns that a reader interleaved have all words and little continuity); lines
that are not in the result; numbers that were broken apart.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gradio_app.parsing.readers.embedded.blocks import box_of
from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.forms import forms
from gradio_app.parsing.readers.embedded.geometry import holds
from gradio_app.parsing.readers.embedded.lines import chunks, lines_of
from gradio_app.parsing.readers.embedded.right_to_left import RTL
from gradio_app.parsing.readers.embedded.rows import rows_of
from gradio_app.parsing.readers.embedded.tables import Table
from gradio_app.parsing.readers.embedded.typography import SIGNS, plain, tokens
from gradio_app.parsing.readers.flash import text_of

#: letters at the end of a line and at the beginning of the next that are looked for together
_LETTERS, _LEAST_LETTERS = 12, 8
#: words of a line, and lines of a page, below which continuity says nothing
_LEAST_WORDS, _LEAST_LINES = 3, 4
#: recall and continuity below which a page is in doubt
_SURE_RECALL, _SURE_CONTINUITY = 0.97, 0.9
#: what a second reading must win, and may lose, to be taken
_WON_ORDER, _LOST_WORDS, _WON_WORDS, _LOST_ORDER = 0.12, 0.03, 0.06, 0.05
#: share of right-to-left words from which on the order of letters in the file says nothing
_RIGHT_TO_LEFT = 0.15
#: a line is lost when this share of its letters and digits is missing in the result
_LOST = 0.5
#: numbers and words of three letters or more in a line that is judged, and their share of it
_LEAST_REAL, _IN_WORDS = 2, 0.6
#: lines times letters that are searched for pieces: a second; above it words alone are counted
_MOST_SEARCHED = 1_000_000_000
_FORMULA = re.compile("[=√∑∏∫≤≥≈∂∈∞ðÞ]")
#: digits of a number that is looked for, and the continuity below which the order of a result is in doubt
_LEAST_DIGITS, _ORDERED = 3, 0.7
_NUMBER = re.compile(r"^[^\w]{0,2}\d[\d.,'’]*\d[%)]{0,2}$")
_WORD = re.compile(rf"\d+(?:[.,]\d+)+|[{SIGNS}]|[^\W_{SIGNS}]+")
_BLANK = re.compile(r"\s+")
#: blocks that are shown, not written out
_SHOWN = frozenset(("image", "chart", "equation"))
#: words that a vision model has to give as they are; so many pairs of them let a line be judged, and this
#: share of them is missing in one that is lost
_PLAIN, _LEAST_PAIRS, _GONE = re.compile(r"[^\W\d_]{2,}"), 3, 0.6


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check says of a page: shares from 0 to 1, and the number of words that they are of.

    ``lost``: lines that are not in the result; ``broken``: numbers that are there in pieces; ``tables``: of
    those that stand on the page how many are missing.
    """

    recall: float
    continuity: float
    words: int
    lost: int = 0
    broken: int = 0
    tables: int = 0

    @property
    def codes(self) -> list[str]:
        """Codes of the notes that the page deserves."""
        found = {
            "text_left_out": self.lost,
            "digits_doubtful": self.broken,
            "table_doubtful": self.tables,
            "order_doubtful": self.continuity < _ORDERED,
        }
        return [code for code, is_true in found.items() if is_true]

    @property
    def coverage(self) -> float:
        """Share of the visible words that are in the result."""
        return self.recall


def judge(blocks: Iterable[dict[str, Any]], facts: PageFacts, tables: Sequence[Table]) -> Verdict:
    """Compares ``blocks`` with the upright words of the page."""
    blocks = list(blocks)
    words = _comparable(facts, blocks)
    texts = [text_of(block) for block in blocks]
    text = _delivered(texts)
    recall, count = share_of((word.text for word in words), text)
    free = [w for w in words if not any(holds(table.box, w.cx, w.cy) for table in tables)]
    in_forms = {word for form in forms(free) for word in form.words}  # labels do not follow one another
    free = [word for word in free if word not in in_forms]
    return Verdict(
        recall,
        _continuity(text, free, facts),
        count,
        len(lost(_rows(words, facts, tables), text)),
        len(broken((word.text for word in words), text)),
        max(0, sum(table.source == "rules" for table in tables) - sum("<table" in each for each in texts)),
    )


def _delivered(texts: Iterable[str]) -> str:
    """The text of blocks; tags are those of tables only."""
    return " ".join(plain(text) if "<table" in text else text for text in texts)


def _comparable(facts: PageFacts, blocks: Sequence[dict[str, Any]]) -> list[Word]:
    """The upright words without the signs of formulas that are delivered as such: as text they are others."""
    formulas = [box_of(facts, block) for block in blocks if block["type"] == "equation"]
    return [
        word
        for word in facts.words
        if not word.angle and not any(holds(box, word.cx, word.cy, 1) for box in formulas)
    ]


def _rows(words: Sequence[Word], facts: PageFacts, tables: Sequence[Table]) -> list[str]:
    """Lines of text, and rows of tables."""
    seen = [word for word in words if word.visible]
    found: list[str] = []
    for table in tables:
        inside = [word for word in seen if holds(table.box, word.cx, word.cy)]
        found += [row.text for row in rows_of(inside)]
        seen = [word for word in seen if not holds(table.box, word.cx, word.cy)]
    return [*found, *(line.text for line in lines_of(seen, 1.0, facts.regions))]


def _words(text: str) -> list[str]:
    """Words and whole numbers of a text, in small letters."""
    return _WORD.findall(text.lower())


def share_of(words: Iterable[str], text: str) -> tuple[float, int]:
    """Share of these words that are in ``text``, each as often as it stands there; and their number."""
    have = Counter(tokens(text.lower()))
    want = Counter(token for word in words for token in tokens(word.lower()))
    count = sum(want.values())
    return sum(min(have[token], number) for token, number in want.items()) / count if count else 1.0, count


def lost(lines: Iterable[str], text: str) -> list[str]:
    """The lines that are not in the result.

    A line is there when its letters stand in ``text`` in a row, as often as on the page. Of the others those
    are lost most of whose words are missing: there are fewer of them in ``text`` than on the page. Formulas
    are not judged.
    """
    rows = [(line, words) for line in lines if (words := _words(line))]
    have = _words(text)
    apart = _apart(rows, "".join(have))
    if not apart:
        return []
    missing = Counter(word for _, words in rows for word in words)
    missing.subtract(have)
    found: list[str] = []
    for row, words in apart:
        gone = [word for word in words if missing[word] > 0]
        missing.subtract(gone)
        real = [word for word in words if len(word) > 2 or word[0].isdigit()]
        size = sum(map(len, words))
        if len(real) < _LEAST_REAL or sum(map(len, real)) < _IN_WORDS * size or _FORMULA.search(row):
            continue
        if sum(map(len, gone)) >= _LOST * size:
            found.append(row)
    return found


def _apart(rows: Sequence[tuple[str, list[str]]], letters: str) -> list[tuple[str, list[str]]]:
    """Rows that do not stand in ``letters`` in one piece; of equal ones as many as are missing there."""
    if len(rows) * len(letters) > _MOST_SEARCHED:
        return list(rows)
    times = Counter("".join(words) for _, words in rows)
    missing = {
        line: count - letters.count(line) if count > 1 else int(line not in letters)
        for line, count in times.items()
    }
    found: list[tuple[str, list[str]]] = []
    for row, words in rows:
        line = "".join(words)
        if missing[line] > 0:
            missing[line] -= 1
            found.append((row, words))
    return found


def broken(words: Iterable[str], text: str) -> list[str]:
    """Numbers of the page that stand in the result with a blank between their digits."""
    numbers = {word for word in words if _NUMBER.match(word) and word not in text}
    numbers = {word for word in numbers if sum(map(str.isdigit, word)) >= _LEAST_DIGITS}
    if not numbers:
        return []
    solid = _BLANK.sub("", text)
    return [number for number in sorted(numbers) if number in solid]


def _continuity(text: str, words: Sequence[Any], facts: PageFacts) -> float:
    letters = _letters(text)
    lines = [line for line in lines_of(words, 1.0, facts.regions) if len(line.words) >= _LEAST_WORDS]
    seen = followed = 0
    for column in chunks(lines):
        for a, b in pairwise(column):
            end, start = _letters(lines[a].text)[-_LETTERS:], _letters(lines[b].text)[:_LETTERS]
            if min(len(end), len(start)) >= _LEAST_LETTERS:
                seen += 1
                followed += end + start in letters
    return followed / seen if seen >= _LEAST_LINES else 1.0


def _letters(text: str) -> str:
    return "".join(tokens(text.lower()))


def compare(lines: Sequence[str], blocks: Iterable[dict[str, Any]]) -> Verdict:
    """Compares ``blocks`` with the lines of a page of running text, whose order is not in question."""
    text = _delivered(map(text_of, blocks))
    recall, count = share_of(lines, text)
    words = (word for line in lines for word in line.split())
    return Verdict(recall, 1.0, count, len(lost(lines, text)), len(broken(words, text)))


def compare_with_layer(facts: PageFacts, blocks: Sequence[dict[str, Any]]) -> Verdict | None:
    """What a vision model delivered of a page with a text layer: ``recall`` and ``lost`` only.

    Its formulas, tables and figures come in another form than the layer has, so words alone are compared: a
    line is lost when most pairs of its words are nowhere in the result, and most of its words are there less
    often than on the page. None where the layer says nothing.
    """
    if facts.layer or is_right_to_left(facts.words):
        return None
    pictures = [box_of(facts, block) for block in blocks if block["type"] in _SHOWN]
    words = [
        word
        for word in facts.words
        if word.visible and not word.angle and not any(holds(box, word.cx, word.cy, 1) for box in pictures)
    ]
    lines = lines_of(words, 1.0, facts.regions) if words else []
    rows = [[_folded(word) for word in _PLAIN.findall(line.text)] for line in lines]
    delivered = _delivered(map(text_of, blocks))
    text = _folded(delivered)
    wanted = Counter(word for row in rows for word in row)
    have = Counter(map(_folded, _PLAIN.findall(delivered)))
    missing = wanted - have
    gone = 0
    for row in rows:
        pairs = [first + second for first, second in pairwise(row)]
        apart = sum(pair not in text for pair in pairs)
        fewer = sum(word in missing for word in row)
        gone += len(pairs) >= _LEAST_PAIRS and apart >= _GONE * len(pairs) and fewer >= _LOST * len(row)
    count = wanted.total()
    # one that a hyphen parts, here or there, stands in the letters only
    absent = sum(number for word, number in missing.items() if word in have or word not in text)
    return Verdict(1 - absent / count, 1.0, count, gone) if count else None


def _folded(text: str) -> str:
    """Letters alone, ligatures taken apart: words that a hyphen parts at the end of a line are whole."""
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKC", text).lower()))


def is_right_to_left(words: Sequence[Any]) -> bool:
    """Whether so much of a page runs right to left that its order says nothing."""
    return sum(RTL.search(word.text) is not None for word in words) > _RIGHT_TO_LEFT * len(words)


def in_doubt(verdict: Verdict, facts: PageFacts) -> bool:
    """Whether a page should be read a second time. Pages that run right to left are not judged by order."""
    if is_right_to_left(facts.words):
        return False
    return verdict.recall < _SURE_RECALL or verdict.continuity < _SURE_CONTINUITY


def better(second: Verdict, first: Verdict) -> bool:
    """Whether the second reading of a page takes the place of the first."""
    order, words = second.continuity - first.continuity, second.recall - first.recall
    return (order > _WON_ORDER and words > -_LOST_WORDS) or (words > _WON_WORDS and order > -_LOST_ORDER)
