"""Choice between flash's page, mended, and a page that is read anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gradio_app.parsing import check
from gradio_app.parsing.check import Verdict
from gradio_app.parsing.readers.embedded.anew import read_anew
from gradio_app.parsing.readers.embedded.blocks import Block
from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.mend import mend
from gradio_app.parsing.readers.embedded.tables import Table


@dataclass(frozen=True, slots=True)
class PageReading:
    """A page that was read: its blocks, whether anew, what was mended, and what the check says of it."""

    blocks: list[Block]
    anew: bool
    verdict: Verdict
    changes: list[str] = field(default_factory=list[str])


def page_blocks(flash: Sequence[Block] | None, facts: PageFacts, tables: Sequence[Table]) -> PageReading:
    """The better reading of a page; ``flash`` is None where it has none.

    Reading anew costs as much as mending, so it is tried where the mended page is in doubt only.
    """
    if flash is None or facts.scan or facts.layer:
        blocks = read_anew(facts, tables)
        return PageReading(blocks, True, check.judge(blocks, facts, tables))
    mended = mend(flash, facts, tables)
    first = check.judge(mended.blocks, facts, tables)
    if check.in_doubt(first, facts):
        blocks = read_anew(facts, tables)
        second = check.judge(blocks, facts, tables)
        if check.better(second, first):
            return PageReading(blocks, True, second, [*mended.changes, "anew"])
    return PageReading(mended.blocks, False, first, mended.changes)
