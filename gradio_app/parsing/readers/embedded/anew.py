"""Reading anew: a whole page from its words, whatever flash made of it; for scans and pages in doubt."""

from __future__ import annotations

from collections.abc import Sequence

from gradio_app.parsing.readers.embedded.blocks import (
    AUXILIARY,
    Block,
    block_kind,
    boxes,
    filled,
    form_blocks,
    image_block,
    sideways_blocks,
    table_block,
    text_block,
)
from gradio_app.parsing.readers.embedded.facts import PageFacts
from gradio_app.parsing.readers.embedded.forms import forms
from gradio_app.parsing.readers.embedded.geometry import Box, area, holds, intersection, median
from gradio_app.parsing.readers.embedded.margins import margin_kind
from gradio_app.parsing.readers.embedded.paragraphs import Obstacle, Paragraph, paragraphs
from gradio_app.parsing.readers.embedded.tables import Table
from gradio_app.parsing.readers.embedded.typography import CAPTION

#: a figure of the layout model that holds more words is none; nor is one that covers this share of the page
_FIGURE_WORDS, _FIGURE_SHARE = 6, 0.8
#: parts of the page in which running heads and feet may stand
_TOP, _BOTTOM = 0.14, 0.84


def read_anew(facts: PageFacts, tables: Sequence[Table]) -> list[Block]:
    """The blocks of a page in reading order."""
    in_tables = {word for table in tables for word in table.words}
    rest = [word for word in facts.words if word not in in_tables]
    figures, found_forms = _figures(facts, tables), forms(rest)
    in_forms = {word for form in found_forms for word in form.words}
    rest = [word for word in rest if word not in in_forms]
    placed: list[tuple[Box, list[Block]]] = [(table.box, [table_block(facts, table)]) for table in tables]
    placed += [(form.box, form_blocks(facts, form)) for form in found_forms]
    placed += [(box, [block]) for box in figures if (block := image_block(facts, box))]
    obstacles = [box for box, _ in placed]
    found = paragraphs([word for word in rest if not word.angle], facts, obstacles)
    margins = _margins(facts, [item for item in found if isinstance(item, Paragraph)], tables)
    blocks: list[Block] = []
    for item in found:
        if isinstance(item, Obstacle):
            blocks += placed[item.index][1]
        else:
            kind = margins.get(id(item)) or (item.kind if item.kind in AUXILIARY else "")
            kind = kind or ("caption" if CAPTION.match(item.text) else block_kind(item))
            blocks.append(text_block(facts, kind, item.text, boxes(item.lines)))
    return filled(blocks + sideways_blocks(facts, (word for word in rest if word.angle)))


def _figures(facts: PageFacts, tables: Sequence[Table]) -> list[Box]:
    found: list[Box] = []
    for region in facts.regions:
        box = region.box
        if region.label != "figure" or region.score <= 0.5:
            continue
        if any(intersection(box, t.box) > 0.3 * min(area(box), area(t.box)) for t in tables):
            continue
        words = sum(holds(box, word.cx, word.cy) for word in facts.words)
        if words <= _FIGURE_WORDS and area(box) < _FIGURE_SHARE * facts.width * facts.height:
            found.append(box)
    return found


def _margins(facts: PageFacts, found: Sequence[Paragraph], tables: Sequence[Table]) -> dict[int, str]:
    """Running heads, feet and page numbers by ``id`` of their paragraph: peeled off from outside in."""
    body = median(word.size for word in facts.words)
    left = [*(item.box for item in found), *(table.box for table in tables)]
    kinds: dict[int, str] = {}
    for top in (True, False):
        for item in sorted(found, key=lambda item: item.box[1] if top else -item.box[3]):
            if id(item) in kinds:
                continue
            box = item.box
            if box[3] > _TOP * facts.height if top else box[1] < _BOTTOM * facts.height:
                break
            kind = margin_kind(item.text, box, facts, left, len(item.lines), item.size, body)
            if kind:
                kinds[id(item)] = kind
                level = [o for o in left if abs((o[1] + o[3]) - (box[1] + box[3])) < item.size]
                if len(level) < 2:
                    left = [other for other in left if other is not box]
    return kinds
