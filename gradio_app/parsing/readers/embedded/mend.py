"""Mending: flash's blocks of a page stay, and what the page's own words show to be wrong is replaced.

Replaced are tables that flash made code, text or a picture of; code that it made prose of; text that it
showed as a picture or a formula; lists that it glued together. Words that it left out are added. Links,
footnotes, super- and subscripts of the blocks that stay are flash's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gradio_app.parsing.readers.embedded.accents import with_accents
from gradio_app.parsing.readers.embedded.arrangement import arranged
from gradio_app.parsing.readers.embedded.blocks import (
    AUXILIARY,
    Block,
    block_kind,
    box_of,
    boxes,
    code_block,
    filled,
    form_blocks,
    line_spans,
    table_block,
    text_block,
)
from gradio_app.parsing.readers.embedded.code import CodeRun, code_runs
from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.forms import forms
from gradio_app.parsing.readers.embedded.geometry import Box, area, holds, intersection, median
from gradio_app.parsing.readers.embedded.lines import Line, lines_of
from gradio_app.parsing.readers.embedded.margins import margin_kind
from gradio_app.parsing.readers.embedded.paragraphs import Paragraph, paragraphs
from gradio_app.parsing.readers.embedded.tables import Table
from gradio_app.parsing.readers.embedded.tables.index import WordIndex
from gradio_app.parsing.readers.embedded.typography import BULLET, plain, tokens
from gradio_app.parsing.readers.flash import text_of

#: share of a block's words that are in our tables or code from which on the block is replaced
_COVERED = 0.85
#: share of flash's table that must be words of the page, and of our cells that it must have, to stay
_SOUND, _FULL, _CELLS = 0.93, 0.6, 0.5
#: headings no larger than the text from which on they are none
_MOST_HEADINGS = 4
#: size of a bold line in that of the text from which on it is a heading
_HEADING = 1.1
#: shares of the page's height: above the first and below the second a block can be marginal
_TOP, _BOTTOM = 0.12, 0.6
#: share of the page's width at each side where text on end is a note aside
_ASIDE = 0.1
#: blocks of flash on a page that is looked at, and blocks on a page that has margins
_MOST_BLOCKS, _MOST_WITH_MARGINS = 5000, 1500
#: words on the levels of all blocks together: many times a page, unless its blocks lie on one another
_MOST_LOOKS = 500_000
_LETTERLESS = re.compile(r"\W")
_LOOSE_ACCENT = re.compile("[´`¨ˇˆ˜¸˚]")
_SIGN = re.compile("[•●◦▪■□☐☑☒➢✓-]")
_NUMBERED = re.compile(r"^\(?\d{1,6}[.)]$")


@dataclass(slots=True)
class Mended:
    """Blocks in reading order, and what was changed, for the log and tests."""

    blocks: list[Block]
    changes: list[str] = field(default_factory=list[str])


def mend(
    blocks: Sequence[Block],
    facts: PageFacts,
    tables: Sequence[Table],
) -> Mended:
    """Flash's ``blocks`` of an upright digital page with the wrong ones replaced.

    Its headers and footers stay: whether they run through the document is seen when it is joined.
    """
    if not facts.words or len(blocks) > _MOST_BLOCKS:
        return Mended(list(blocks))
    index = WordIndex(facts.words)
    boxes_of_page = [box_of(facts, block) for block in blocks]
    if sum(index.count(box[1], box[3]) for box in boxes_of_page) > _MOST_LOOKS:
        return Mended(list(blocks))
    return _Mender(blocks, facts, tables, index).mended()


class _Mender:
    """The blocks of one page on their way. ``claimed`` are words that some block has."""

    def __init__(
        self,
        blocks: Sequence[Block],
        facts: PageFacts,
        tables: Sequence[Table],
        index: WordIndex,
    ) -> None:
        self._facts = facts
        self._flash = [dict(block) for block in blocks]
        self._index = index
        self._body = median(word.size for word in facts.words)
        self._changes: list[str] = []
        self._tables = [table for table in tables if self._is_better(table)]
        self._code = [run for run in code_runs(facts.words) if self._is_new(run)]
        self._changes += [f"table {t.rows} x {t.columns}" for t in self._tables] + ["code"] * len(self._code)
        self._taken = {word for table in self._tables for word in table.words}
        self._taken |= {word for run in self._code for word in run.words}
        self._forms = forms(word for word in facts.words if word not in self._taken)
        self._changes += [f"form of {len(form.rows)} rows" for form in self._forms]
        self._taken |= {word for form in self._forms for word in form.words}
        self._claimed: set[Word] = set()
        #: blocks that stay as flash made them, by ``id``
        self._kept: set[int] = set()

    def mended(self) -> Mended:
        out: list[Block] = []
        for block in self._flash:
            out += self._block(block)
        out += [code_block(self._facts, run.box, run.text) for run in self._code]
        out += [table_block(self._facts, table) for table in self._tables]
        out += [block for form in self._forms for block in form_blocks(self._facts, form)]
        self._claimed |= self._taken
        out += self._missing(out)
        self._margins(out)
        self._headings(out)
        for block in out:
            if _LOOSE_ACCENT.search(text_of(block)) and block["type"] not in ("table", "code", "equation"):
                block["content"] = with_accents(block["content"], self._text_in(box_of(self._facts, block)))
        return Mended(filled(self._ordered(out)), self._changes)

    # ------------------------------------------------------------ what is replaced

    def _is_better(self, table: Table) -> bool:
        """Whether our table takes the place of what flash has there."""
        over = self._over(table.box)
        theirs = [b for b in self._flash if b["type"] == "table" and "<table" in text_of(b)]
        theirs = [b for b in theirs if _share(box_of(self._facts, b), table.box) > 0.4]
        if theirs and self._holds_words(theirs, table) and self._is_sound(theirs, table):
            return False
        code = any(b["type"] == "code" and share > 0.6 for b, share in over)
        if code and table.numeric < 0.25 and not (table.source == "model" and table.score > 0.6):
            return False
        dotted = sum(word.text.count(".") >= 4 for word in table.words) >= 2
        contents = any(b["type"] == "index" and share > 0.5 for b, share in over)
        return not (table.columns <= 3 and contents and dotted)

    def _over(self, box: Box) -> list[tuple[Block, float]]:
        """Flash's blocks with the share of ``box`` that each covers."""
        size = area(box) or 1.0
        return [(b, intersection(box_of(self._facts, b), box) / size) for b in self._flash]

    def _holds_words(self, theirs: Sequence[Block], table: Table) -> bool:
        held = [box_of(self._facts, block) for block in theirs]
        count = sum(any(holds(box, w.cx, w.cy, 3) for box in held) for w in table.words)
        return count > _SOUND * len(table.words)

    def _is_sound(self, theirs: Sequence[Block], table: Table) -> bool:
        """Whether flash's table is about as full as ours, and of the page's own words."""
        known = {token for word in self._facts.words for token in tokens(word.text)}
        texts = [text_of(block) for block in theirs]
        theirs_tokens = [token for text in texts for token in tokens(plain(text))]
        if sum(token in known for token in theirs_tokens) <= _SOUND * len(theirs_tokens):
            return False
        cells = sum(text.count("<td") + text.count("<th") - text.count("<thead") for text in texts)
        full = cells >= _FULL * table.rows * table.columns
        return full or (len(theirs) == 1 and cells >= _CELLS * table.count)

    def _is_new(self, run: CodeRun) -> bool:
        if any(intersection(run.box, table.box) > 0 for table in self._tables):
            return False
        return not any(b["type"] == "code" and share > 0.5 for b, share in self._over(run.box))

    def _block(self, block: Block) -> list[Block]:
        """What becomes of one block of flash."""
        box = box_of(self._facts, block)
        words = self._words_in(box)
        taken = [word for word in words if word in self._taken]
        kind = block["type"]
        if kind == "image" and any(intersection(box, t.box) > 0.55 * area(box) for t in self._tables):
            return []
        if kind in ("table", "chart") and any(
            intersection(box, t.box) > 0.5 * area(box) for t in self._tables
        ):
            return self._paragraphs(word for word in words if word not in self._taken)
        if words and len(taken) >= _COVERED * len(words):
            return self._paragraphs(word for word in words if word not in self._taken)
        if taken and kind not in ("image", "equation") and kind not in AUXILIARY:
            return self._paragraphs(word for word in words if word not in self._taken)
        replaced = self._replaced(block, box, words)
        if replaced is not None:
            return replaced
        self._claimed.update(words)
        self._kept.add(id(block))
        return [block]

    def _replaced(self, block: Block, box: Box, words: list[Word]) -> list[Block] | None:
        kind = block["type"]
        if kind == "equation" and words and not text_of(block).strip() and self._is_text(box, words):
            self._claimed.update(words)
            self._changes.append("formula as text")
            line = {"bbox": block["bbox"]}
            upright = [word for word in words if not word.angle]
            if not upright:
                return None
            return [{"type": "text", "bbox": block["bbox"], "content": line_spans(upright), "lines": [line]}]
        if kind in ("image", "chart") and words and self._is_panel(box, words):
            self._changes.append("panel")
            return self._paragraphs(words)
        if kind == "text" and words:
            if len(_SIGN.findall(text_of(block))) >= 2:
                words = self._with_signs(box, words)
            upright = [word for word in words if not word.angle]
            lines = lines_of(upright, 1.5)
            if any(map(self._is_heading, lines)):
                self._changes.append("heading")
                if all(map(self._is_heading, lines)) and len(lines) <= 2:
                    self._claimed.update(words)
                    text = " ".join(line.text for line in lines)
                    return [text_block(self._facts, "paragraph_title", text, boxes(lines))]
                return self._paragraphs(words)
            items = sum(map(_is_item, lines))
            if items >= 2:
                found = self._as_paragraphs(upright)
                if len(found) > 1:
                    self._changes.append("list split")
                    return self._paragraphs(words)
        return None

    def _is_heading(self, line: Line) -> bool:
        """Whether a line in running text is bold, and larger than the page's text."""
        return line.bold and line.size > _HEADING * self._body and any(map(str.isalpha, line.text))

    def _with_signs(self, box: Box, words: Sequence[Word]) -> list[Word]:
        """The words of a list with the signs at its left, which flash leaves out of its box."""
        reach = (box[0] - 5 * self._body, box[1], box[2], box[3])
        signs = [w for w in self._facts.words if _SIGN.fullmatch(w.text) and holds(reach, w.cx, w.cy, 1)]
        return [*words, *(sign for sign in signs if sign not in words)]

    def _is_text(self, box: Box, words: Sequence[Word]) -> bool:
        """Whether a formula that flash shows as a picture is one line without a fraction."""
        y0, y1 = min(word.y0 for word in words), max(word.y1 for word in words)
        ruled = any(
            r[0] < box[2] and r[2] > box[0] and box[1] < r[1] < box[3] for r in self._facts.horizontal
        )
        first = min(words, key=lambda word: word.x0)
        low = y1 - y0 < 2.2 * max(word.size for word in words)
        return (low and not ruled) or (len(words) > 3 and _NUMBERED.match(first.text) is not None)

    def _is_panel(self, box: Box, words: Sequence[Word]) -> bool:
        """Whether a picture is a frame around text."""
        raster = sum(intersection(i, box) for i in self._facts.images if area(i) < 3 * area(box))
        if raster >= 0.5 * area(box):
            return False
        upright = [word for word in words if not word.angle]
        lines = lines_of(upright, 1.5) if upright else []
        in_long = sum(len(line.words) for line in lines if len(line.words) >= 4)
        ink = sum(word.x1 - word.x0 for word in words) * self._body
        prose = len(words) >= 12 and in_long > 0.6 * len(words)
        return prose or (len(words) >= 2 and len(lines) <= 2 and ink > 0.35 * area(box))

    def _as_paragraphs(self, words: Iterable[Word]) -> list[Paragraph]:
        upright = [word for word in words if not word.angle]
        found = paragraphs(upright, self._facts) if upright else []
        return [item for item in found if isinstance(item, Paragraph)]

    def _paragraphs(self, words: Iterable[Word]) -> list[Block]:
        """Words as blocks of our own, which are claimed by it."""
        return [self._own(item) for item in self._as_paragraphs(words)]

    def _own(self, item: Paragraph) -> Block:
        self._claimed.update(word for line in item.lines for word in line.words)
        return text_block(self._facts, block_kind(item), item.text, boxes(item.lines))

    def _missing(self, out: Sequence[Block]) -> list[Block]:
        """Paragraphs of words that no block has."""
        left = [w for w in self._facts.words if w not in self._claimed and not w.angle and w.visible]
        if not left:
            return []
        have = _LETTERLESS.sub("", " ".join(map(text_of, out)))
        new = [
            item
            for item in self._as_paragraphs(left)
            if (letters := _LETTERLESS.sub("", item.text)) and letters not in have
        ]
        if new:
            self._changes.append(f"missing {sum(len(line.words) for item in new for line in item.lines)}")
        return [self._own(item) for item in new]

    # ------------------------------------------------------------ margins, headings, order

    def _words_in(self, box: Box) -> list[Word]:
        return self._index.within(box, 1)

    def _text_in(self, box: Box) -> str:
        return " ".join(item.text for item in self._as_paragraphs(self._words_in(box)))

    def _margins(self, out: list[Block]) -> None:
        """Running heads, feet, page numbers and notes aside that flash took for text."""
        facts = self._facts
        placed = [(block, box_of(facts, block)) for block in out]
        if len(placed) > _MOST_WITH_MARGINS:
            return
        left = [box for _, box in placed]
        for block, box in sorted(placed, key=lambda p: min(p[1][1], facts.height - p[1][3])):
            text = text_of(block).strip()
            if not text or block["type"] in AUXILIARY:
                continue
            kind = self._aside(box) or self._margin(block, box, text, left)
            if not kind:
                continue
            if kind in ("header", "footer") and self._is_alone(box, left):
                left = [other for other in left if other is not box]
            block["type"], block["content"] = kind, [{"type": "text", "content": text}]
            self._changes.append(kind)

    def _aside(self, box: Box) -> str:
        """Whether all words of a block at the side of the page stand on end."""
        if _ASIDE * self._facts.width <= box[2] and box[0] <= (1 - _ASIDE) * self._facts.width:
            return ""
        words = self._words_in(box)
        return "aside_text" if words and all(_is_sideways(word) for word in words) else ""

    def _margin(self, block: Block, box: Box, text: str, left: Sequence[Box]) -> str:
        """What a block of text is when it is marginal."""
        if block["type"] not in ("text", "paragraph_title", "page_footnote", "ref_text"):
            return ""
        if box[3] >= _TOP * self._facts.height and box[1] <= _BOTTOM * self._facts.height:
            return ""
        others = [other for other in left if other is not box]
        size = self._size_in(box)
        lines = max(1, len(block.get("lines", [1])))
        return margin_kind(text, box, self._facts, others, lines, size, self._body)

    def _size_in(self, box: Box) -> float:
        return median((word.size for word in self._words_in(box)), self._body)

    def _is_alone(self, box: Box, others: Sequence[Box]) -> bool:
        """Whether nothing else stands on the level of a block."""
        reach = self._size_in(box)
        return not any(
            abs(other[1] + other[3] - box[1] - box[3]) < reach for other in others if other is not box
        )

    def _headings(self, out: list[Block]) -> None:
        """Many headings no larger than the text, and not bold, are none."""
        odd: list[Block] = []
        for block in out:
            if block["type"] != "paragraph_title" or id(block) not in self._kept:
                continue
            words = self._words_in(box_of(self._facts, block))
            small = bool(words) and median(word.size for word in words) <= 1.08 * self._body
            if small and not all(word.bold for word in words):
                odd.append(block)
        if len(odd) >= _MOST_HEADINGS:
            for block in odd:
                block["type"] = "text"
            self._changes.append(f"{len(odd)} headings are text")

    def _ordered(self, out: list[Block]) -> list[Block]:
        """Flash's order, with new blocks where they belong; ours, where flash's is wrong."""
        body = [block for block in out if block["type"] not in AUXILIARY]
        beside = [block for block in out if block["type"] in AUXILIARY]
        ordered, moved = arranged(body, self._kept, self._facts)
        if moved:
            self._changes.append("order")
        return ordered + beside


def _share(a: Box, b: Box) -> float:
    return intersection(a, b) / (min(area(a), area(b)) or 1.0)


def _is_item(line: Line) -> bool:
    """A line with a mark of a list, or a sign alone whose item stands further right."""
    first = line.words[0].text
    return BULLET.match(first) is not None and (len(line.words) > 1 or not first[0].isalnum())


def _is_sideways(word: Word) -> bool:
    return abs(word.angle - 90) < 4 or abs(word.angle - 270) < 4
