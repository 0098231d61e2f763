"""Choice between flash's page, mended, and a page that is read anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gradio_app.parsing import check
from gradio_app.parsing.check import Verdict
from gradio_app.parsing.readers.embedded.anew import read_anew
from gradio_app.parsing.readers.embedded.blocks import Block, box_of
from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.geometry import holds
from gradio_app.parsing.readers.embedded.mend import mend
from gradio_app.parsing.readers.embedded.rows import phrases, rows_of
from gradio_app.parsing.readers.embedded.tables import Table

#: blocks of flash that may be something else, when they hold so many words
_UNCLEAR, _UNCLEAR_WORDS = frozenset({"image", "chart", "code", "equation", "index"}), 6

#: gap in heights of the font that parts a row, words of a short part, and rows of such parts that need a look
_WIDE, _SHORT, _MOST_SHORT_ROWS = 1.5, 5, 3


@dataclass(frozen=True, slots=True)
class PageReading:
    """A page that was read: its blocks, whether anew, what was mended, and what the check says of it."""

    blocks: list[Block]
    anew: bool
    verdict: Verdict
    tables: Sequence[Table] = ()
    changes: list[str] = field(default_factory=list[str])


def page_blocks(flash: Sequence[Block] | None, facts: PageFacts, tables: Sequence[Table]) -> PageReading:
    """The better reading of a page; ``flash`` is None where it has none.

    Reading anew costs as much as mending, so it is tried where the mended page is in doubt only.
    """
    if flash is None or facts.scan or facts.layer:
        blocks = read_anew(facts, tables)
        return PageReading(blocks, True, check.judge(blocks, facts, tables), tables)
    mended = mend(flash, facts, tables)
    first = check.judge(mended.blocks, facts, tables)
    if check.in_doubt(first, facts):
        blocks = read_anew(facts, tables)
        second = check.judge(blocks, facts, tables)
        if check.better(second, first):
            return PageReading(blocks, True, second, tables, [*mended.changes, "anew"])
    return PageReading(mended.blocks, False, first, tables, mended.changes)


def _short_rows(words: Sequence[Word]) -> int:
    """Rows of two or more short phrases: labels and values, or a table without rules."""
    count = 0
    for row in rows_of(words):
        parts = phrases(row.words, _WIDE)
        count += len(parts) > 1 and all(len(part.words) <= _SHORT for part in parts)
    return count


def wants_regions(flash: Sequence[Block], facts: PageFacts, reading: PageReading) -> bool:
    """Whether the layout model should see the page too: where its words alone do not decide.

    The model costs three times what the rest of a page does.
    """
    if facts.scan or reading.anew or check.in_doubt(reading.verdict, facts):
        return True
    if any(table.source == "stream" for table in reading.tables):
        return True
    in_tables = {word for table in reading.tables for word in table.words}
    free = [word for word in facts.words if word not in in_tables and not word.angle]
    if _short_rows(free) >= _MOST_SHORT_ROWS:
        return True
    for block in flash:
        if block["type"] not in _UNCLEAR:
            continue
        box = box_of(facts, block)
        if sum(holds(box, word.cx, word.cy) for word in free) >= _UNCLEAR_WORDS:
            return True
    return False
