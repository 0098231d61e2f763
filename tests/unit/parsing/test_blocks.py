"""Blocks of MinerU's ModelJson: where they are in the file, and that MinerU takes them in any case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest

from gradio_app.parsing.readers.embedded.anew import read_anew
from gradio_app.parsing.readers.embedded.blocks import Block, line_spans, place, table_block
from gradio_app.parsing.readers.embedded.choose import page_blocks
from gradio_app.parsing.readers.embedded.facts import PageFacts, Region, Word
from gradio_app.parsing.readers.embedded.tables import find_tables
from gradio_app.parsing.readers.flash import text_of
from tests.unit.parsing.pages_of_words import grid, line, page, rules_across, text
from tests.unit.parsing.test_mend import RIVERS, block

#: what fonts without a proper table of characters give
STRANGE = [
    "\x00",
    "\x7f",
    "\ud800",
    "a\udfffb",
    "\u0301",
    "\ufeff",
    "\ue012",
    "<b>&amp;",
    "$x$",
    "\u202e",
    "|",
]


def taken(blocks: Sequence[Block]) -> Any:
    """The page as MinerU takes it; raises what MinerU raises."""
    from docvortex.schema import DocumentMetadata, ModelJson, Producer

    metadata = DocumentMetadata(file_suffix="pdf", producer=Producer(name="mineru", version="4.0.0"))
    model = ModelJson(pages=[list(blocks)], page_index_map=[], metadata=metadata, extensions={})
    model.model_dump_json()
    return model


@pytest.mark.parametrize(
    ("turned", "bbox"),
    [
        (0, [0.1, 0.25, 0.2, 0.5]),
        (90, [0.5, 0.1, 0.75, 0.2]),
        (180, [0.8, 0.5, 0.9, 0.75]),
        (270, [0.25, 0.8, 0.5, 0.9]),
    ],
)
def test_boxes_are_those_of_the_page_in_the_file(turned: int, bbox: list[float]) -> None:
    assert place(PageFacts(400, 200, turned=turned), (40, 50, 80, 100)) == bbox


def test_a_slope_that_was_taken_out_is_put_back() -> None:
    assert place(PageFacts(100, 100, skew=0.1), (0, 20, 100, 30)) == [0, 0.2, 1, 0.4]


@pytest.mark.parametrize(
    "box", [(-50, -50, -10, -10), (90, 90, 500, 500), (10, 10, 10, 10), (30, 30, 20, 20)]
)
def test_a_box_is_never_empty_or_outside(box: tuple[float, float, float, float]) -> None:
    x0, y0, x1, y1 = place(PageFacts(100, 100), box)
    assert 0 <= x0 < x1 <= 1 and 0 <= y0 < y1 <= 1


def test_a_table_comes_with_its_picture() -> None:
    facts = page(grid(72, 200, RIVERS, (90, 80, 80, 80)), across=rules_across(72, 400, (196, 212, 280)))
    table = find_tables(facts)[0]
    assert "image_base64" not in table_block(facts, table)
    drawn = replace(facts, picture=np.full((842, 595, 3), 255, np.uint8))
    assert table_block(drawn, table)["image_base64"].startswith("data:image/jpeg;base64,")


def test_words_without_characters_are_no_span() -> None:
    words = [*line(72, 100, "v"), Word(80, 100, 84, 104, "\x7f", 5)]
    assert line_spans(words) == [{"type": "text", "content": "v"}]


@pytest.mark.parametrize("strange", STRANGE)
def test_mineru_takes_a_page_of_strange_words(strange: str) -> None:
    words = [replace(word, text=strange) for word in line(72, 100, "a b c d e f")]
    side = [Word(20, 300, 30, 340, strange, 10, angle=90.0)]
    alone = [Word(300, 500, 310, 512, strange, 10)]
    for facts in (page(words, side, alone), page(words, side, alone, text(72, 200, 400, 6))):
        taken(read_anew(facts, find_tables(facts)))
        blocks = page_blocks(
            [block("equation", words, "", image_base64="data:image/png;base64,AA==")], facts, ()
        )
        taken(blocks.blocks)


@pytest.mark.parametrize("seed", range(6))
def test_mineru_takes_a_page_of_anything(seed: int) -> None:
    random = Random(seed)
    words: list[Word] = []
    for _ in range(300):
        x, y, size = (
            random.uniform(-50, 700),
            random.uniform(-50, 900),
            random.choice([0.1, 4, 9, 10, 10, 60]),
        )
        shown = random.choice([*STRANGE, "river", "12.5", "-", "•", "1.", "Table 3", "mill-"])
        angle = random.choice([0.0, 0.0, 0.0, 90.0, 270.0, 33.0])
        wide = random.choice([0.0, 5.0, 40.0])
        words.append(
            Word(x, y, x + wide, y + size, shown, size, angle, random.random() < 0.2, mono=seed == 5)
        )
    regions = tuple(
        Region(label, random.random(), (random.uniform(0, 500), random.uniform(0, 800), 560.0, 830.0))
        for label in ("text", "title", "figure", "table", "header", "footer", "equation")
    )
    facts = replace(page(words), regions=regions, picture=np.zeros((842, 595, 3), np.uint8))
    said = [{"type": "text", "content": "river"}]
    kinds = ("text", "header", "paragraph_title")
    flash = [block(kind, words[n : n + 9], said) for n, kind in enumerate(kinds)]
    read = [page_blocks(flash, facts, find_tables(facts)).blocks]
    read.append(read_anew(facts, find_tables(facts)))
    for blocks in read:
        taken(blocks)
        assert not {each["type"] for each in blocks} & {"equation", "seal", "interline_equation"}
        assert all(text_of(each).strip() for each in blocks if each["type"] not in ("image", "code"))
