"""Check: compares what is on a page with what was delivered of it.

Method: recall of the page's words, and continuity: the share of lines that are followed in the result by the
line below them in their column. Columns that a reader interleaved have all words and little continuity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.forms import forms
from gradio_app.parsing.readers.embedded.geometry import holds
from gradio_app.parsing.readers.embedded.lines import chunks, lines_of
from gradio_app.parsing.readers.embedded.right_to_left import RTL
from gradio_app.parsing.readers.embedded.tables import Table
from gradio_app.parsing.readers.embedded.typography import plain, tokens
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check says of a page: shares from 0 to 1, and the number of words that they are of."""

    recall: float
    continuity: float
    words: int

    @property
    def coverage(self) -> float:
        """Share of the visible words that are in the result."""
        return self.recall


def judge(blocks: Iterable[dict[str, Any]], facts: PageFacts, tables: Sequence[Table]) -> Verdict:
    """Compares ``blocks`` with the upright words of the page."""
    words = [word for word in facts.words if not word.angle]
    text = " ".join(plain(text_of(block)) for block in blocks)
    have = Counter(tokens(text.lower()))
    want = Counter(token for word in words for token in tokens(word.text.lower()))
    count = sum(want.values())
    recall = sum(min(have[token], number) for token, number in want.items()) / count if count else 1.0
    free = [w for w in words if not any(holds(table.box, w.cx, w.cy) for table in tables)]
    in_forms = {word for form in forms(free) for word in form.words}  # labels do not follow one another
    free = [word for word in free if word not in in_forms]
    return Verdict(recall, _continuity(text, free, facts), count)


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


def in_doubt(verdict: Verdict, facts: PageFacts) -> bool:
    """Whether a page should be read a second time. Pages that run right to left are not judged by order."""
    rtl = sum(RTL.search(word.text) is not None for word in facts.words)
    if rtl > _RIGHT_TO_LEFT * len(facts.words):
        return False
    return verdict.recall < _SURE_RECALL or verdict.continuity < _SURE_CONTINUITY


def better(second: Verdict, first: Verdict) -> bool:
    """Whether the second reading of a page takes the place of the first."""
    order, words = second.continuity - first.continuity, second.recall - first.recall
    return (order > _WON_ORDER and words > -_LOST_WORDS) or (words > _WON_WORDS and order > -_LOST_ORDER)
