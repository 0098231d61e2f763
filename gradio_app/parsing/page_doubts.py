"""Doubts about a page that was read by its text layer or by OCR: signs that a better reader should see it.

Every sign is one that needs no vision model: the check, what the recogniser and the layout model saw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gradio_app.parsing.check import Verdict, is_right_to_left
from gradio_app.parsing.readers.embedded.blocks import Block, box_of
from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.geometry import area, intersection
from gradio_app.parsing.readers.flash import text_of

#: code of a note -> the doubt that it is
_CODES = {
    "pages_without_text": "unread",
    "no_models": "unread",
    "handwriting": "handwriting",
    "script_unsupported": "script",
    "formulas_not_read": "formulas",
    "table_doubtful": "table",
    "text_left_out": "text",
    "not_prepared": "text",
    "order_doubtful": "order",
    "digits_doubtful": "digits",
}
#: signs that stand in formulas only, and how many make a page one with formulas
_SIGNS, _MANY_SIGNS = re.compile("[∑∏∫√∂∇∀∃∈∉∝]"), 3
#: score of a region that counts, and the share of a table's region that tables of the result must cover
_SEEN, _COVERED = 0.5, 0.5
#: recall and continuity of a digital page below which it is in doubt, also where no single line is lost
_LEAST_RECALL, _LEAST_CONTINUITY = 0.9, 0.8
#: mean score of the lines of a scan below which it is hard to read: clean ones have 0.95 and more
_LEGIBLE = 0.9
#: capitals after small letters, digits between letters: OCR took another script for its own where this
#: share of the words of so many letters is odd, and so many of them
_ODD, _MANY_ODD, _LEAST_ODD = re.compile(r"[a-zß-ÿ][A-Z]|[^\W\d_]\d+[^\W\d_]"), 0.1, 3
_LEAST_LETTERS = 4
#: boxes of a scan without readable text, as a share of its lines
_UNREAD = 0.1


def of_code(code: str) -> set[str]:
    """The doubt that a note of this code is, if any."""
    return {_CODES[code]} if code in _CODES else set()


def of_lines(lines: Iterable[str]) -> set[str]:
    """The doubts about a page of running text."""
    return {"formulas"} if _has_signs(lines) else set()


def of_page(facts: PageFacts, blocks: Sequence[Block], verdict: Verdict) -> set[str]:
    """The doubts about any other page, beside those of its notes."""
    return set(_signs(facts, blocks, verdict))


def _signs(facts: PageFacts, blocks: Sequence[Block], verdict: Verdict) -> Iterator[str]:
    formula = any(block["type"] == "equation" and not text_of(block).strip() for block in blocks)
    if formula or _has_signs(word.text for word in facts.words):
        yield "formulas"
    if any(not _is_covered(facts, region.box, blocks) for region in facts.regions if _is_table(region)):
        yield "table"
    if facts.scan:
        lines = max(1, len({round(word.cy) for word in facts.words}) + len(facts.unread))
        if facts.words and facts.confidence < _LEGIBLE:
            yield "handwriting"
        if len(facts.unread) > _UNREAD * lines or _is_odd(word.text for word in facts.words):
            yield "script"
    elif not is_right_to_left(facts.words):
        if verdict.recall < _LEAST_RECALL:
            yield "text"
        if verdict.continuity < _LEAST_CONTINUITY:
            yield "order"


def _is_odd(texts: Iterable[str]) -> bool:
    words = [word for text in texts for word in text.split() if len(word) >= _LEAST_LETTERS]
    odd = sum(_ODD.search(word) is not None for word in words)
    return odd >= max(_LEAST_ODD, _MANY_ODD * len(words))


def _has_signs(texts: Iterable[str]) -> bool:
    return sum(len(_SIGNS.findall(text)) for text in texts) >= _MANY_SIGNS


def _is_table(region: Any) -> bool:
    return region.label == "table" and region.score > _SEEN


def _is_covered(facts: PageFacts, box: tuple[float, float, float, float], blocks: Sequence[Block]) -> bool:
    """Whether the tables of the result are over most of what the layout model takes for one."""
    tables = [box_of(facts, block) for block in blocks if block["type"] == "table"]
    return sum(intersection(box, table) for table in tables) > _COVERED * area(box)
