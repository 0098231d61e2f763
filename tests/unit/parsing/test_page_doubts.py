"""Signs on a page that a better reader should see it, and which of two readings is kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gradio_app.parsing import page_doubts, text_layer
from gradio_app.parsing.check import Verdict
from gradio_app.parsing.readers.embedded.facts import PageFacts, Region, Word
from tests import layouts
from tests.scans import scan, sheet

SOUND = Verdict(1.0, 1.0, 100)
WORD = Word(10, 10, 60, 20, "Weaving", 10.0)
PAGE = PageFacts(400, 600, (WORD,))


def block(kind: str, text: str, box: tuple[float, ...] = (0.1, 0.1, 0.9, 0.5)) -> dict[str, Any]:
    return {"type": kind, "bbox": list(box), "content": text}


def test_a_page_of_text_is_in_no_doubt() -> None:
    assert page_doubts.of_page(PAGE, [block("text", "Weaving")], SOUND) == set()
    assert page_doubts.of_lines(["Profit rose by 3 % = 12 francs", "a ≤ b"]) == set()


def test_formulas_that_are_pictures_or_signs_only() -> None:
    assert page_doubts.of_page(PAGE, [block("equation", "")], SOUND) == {"formulas"}
    assert page_doubts.of_page(PAGE, [block("equation", "x^2")], SOUND) == set()
    assert page_doubts.of_lines(["∑ x", "∫ y", "∂ z"]) == {"formulas"}


def test_a_table_that_the_layout_model_sees_and_the_result_lacks() -> None:
    facts = replace(PAGE, regions=(Region("table", 0.9, (40, 60, 360, 300)),))
    assert page_doubts.of_page(facts, [block("text", "Weaving")], SOUND) == {"table"}
    assert page_doubts.of_page(facts, [block("table", "Weaving")], SOUND) == set()
    unsure = replace(PAGE, regions=(Region("table", 0.4, (40, 60, 360, 300)),))
    assert page_doubts.of_page(unsure, [block("text", "Weaving")], SOUND) == set()


def test_a_scan_that_is_hard_to_read() -> None:
    facts = replace(PAGE, scan=True, confidence=0.85, unread=((1.0, 1.0, 2.0, 2.0),))
    assert page_doubts.of_page(facts, [], SOUND) == {"handwriting", "script"}
    assert page_doubts.of_page(replace(facts, confidence=0.97, unread=()), [], SOUND) == set()


def test_letters_of_another_script_that_were_taken_for_latin_ones() -> None:
    words = tuple(replace(WORD, text=text) for text in ("KoMnTeT", "co6pancn", "MapTe", "rop0BoM", "oT4eT"))
    assert page_doubts.of_page(replace(PAGE, words=words, scan=True), [], SOUND) == {"script"}
    assert page_doubts.of_page(replace(PAGE, words=(*words[:2], *[WORD] * 9), scan=True), [], SOUND) == set()


def test_words_and_order_of_a_digital_page() -> None:
    assert page_doubts.of_page(PAGE, [], Verdict(0.8, 0.7, 100)) == {"text", "order"}
    scanned = replace(PAGE, scan=True)
    assert page_doubts.of_page(scanned, [], Verdict(0.8, 0.7, 100)) == set()


@pytest.mark.parametrize("kind", ["digital", "scan"])
def test_a_better_reader_that_gave_up_loses(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "a.pdf"
    source.write_bytes(layouts.pdf(layouts.prose) if kind == "digital" else scan(sheet(["Some text"])))
    whole = {1: [block("text", f"{layouts.STORY} {layouts.ADVICE}")]}
    less = {1: [block("text", layouts.STORY[:200])]}
    assert text_layer.better_first(str(source), whole, less) == [1]
    assert text_layer.better_first(str(source), less, whole) == []
    assert text_layer.better_first(str(source), whole, whole) == []
