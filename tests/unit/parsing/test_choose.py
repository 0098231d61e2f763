"""When the layout model looks at a page, and which reading of a page is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from gradio_app.parsing.readers.embedded.choose import page_blocks, wants_regions
from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.geometry import union
from gradio_app.parsing.readers.embedded.tables import find_tables
from gradio_app.parsing.readers.flash import text_of
from tests.unit.parsing.pages_of_words import grid, line, page, rules_across, rules_down, text

ROWS = [["River", "Length"], ["Aar", "295"], ["Inn", "518"], ["Thur", "135"], ["Reuss", "164"]]


def block(words: Sequence[Word], kind: str = "text", content: Any = None) -> dict[str, Any]:
    x0, y0, x1, y1 = union(word.box for word in words)
    bbox = [x0 / 595, y0 / 842, x1 / 595, y1 / 842]
    shown = " ".join(word.text for word in words)
    content = [{"type": "text", "content": shown}] if content is None else content
    return {"type": kind, "bbox": bbox, "content": content, "lines": [{"bbox": bbox}]}


def wanted(blocks: Sequence[dict[str, Any]], facts: PageFacts) -> bool:
    return wants_regions(blocks, facts, page_blocks(blocks, facts, find_tables(facts)))


def test_running_text_needs_no_model() -> None:
    words = text(72, 100, 450, 30)
    assert not wanted([block(words)], page(words))


def test_a_table_between_rules_needs_no_model() -> None:
    words, above = grid(60, 400, ROWS, (100, 80)), text(72, 100, 450, 12)
    across, down = rules_across(55, 240, (396, 414, 430, 446, 462, 480)), rules_down(396, 480, (55, 155, 240))
    assert not wanted([block(above), block(words)], page(above, words, across=across, down=down))


def test_a_table_without_rules_does() -> None:
    rows = [[*row, "17.8", "26.1"] for row in ROWS]
    words, above = grid(60, 400, rows, (100, 80, 80, 80)), text(72, 100, 450, 12)
    assert wanted([block(above), block(words)], page(above, words))


def test_labels_and_values_do() -> None:
    words = [
        *line(60, 300, "Name:"), *line(200, 300, "Maria Keller"),
        *line(60, 330, "Born:"), *line(200, 330, "3 July"),
        *line(60, 360, "Town:"), *line(200, 360, "Altdorf on the lake"),
    ]  # fmt: skip
    above = text(72, 100, 450, 12)
    assert wanted([block(above), block(words)], page(above, words))


@pytest.mark.parametrize("kind", ["image", "chart", "code", "equation", "index"])
def test_what_flash_could_not_tell_does(kind: str) -> None:
    above, words = text(72, 100, 450, 20), line(100, 500, "a few words that stand in the middle here")
    facts = replace(page(above, words), images=((90, 480, 500, 530),))
    assert wanted([block(above), block(words, kind, "")], facts)
    assert not wanted([block(above), block(words[:5], kind, "")], page(above, words[:5]))


def test_a_page_in_doubt_and_a_scan_do() -> None:
    words = text(72, 100, 450, 30)
    half = [block(words[: len(words) // 2])]
    facts = page(words)
    reading = page_blocks(half, facts, [])
    assert reading.verdict.recall == 1, "what was left out is added"
    assert wanted([block(words)], replace(facts, scan=True))
    assert wants_regions(half, facts, replace(reading, verdict=replace(reading.verdict, recall=0.9)))
    assert wants_regions(half, facts, replace(reading, anew=True))


@pytest.mark.parametrize("why", ["none", "scan", "layer"])
def test_a_page_without_flash_is_read_anew(why: str) -> None:
    words = text(72, 100, 450, 8)
    facts = replace(page(words), scan=why == "scan", layer=why == "layer")
    reading = page_blocks(None if why == "none" else [block(words[:9])], facts, [])
    assert reading.anew and reading.verdict.recall == 1
    assert len(" ".join(map(text_of, reading.blocks)).split()) == len(words)


def test_a_page_that_passes_stays_flashs() -> None:
    words = text(72, 100, 450, 8)
    blocks = [block(words)]
    reading = page_blocks(blocks, page(words), [])
    assert not reading.anew and not reading.changes
    assert [text_of(each) for each in reading.blocks] == [text_of(each) for each in blocks]
