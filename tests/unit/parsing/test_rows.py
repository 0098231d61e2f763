"""Rows and phrases of words, and the patterns of document text."""

from __future__ import annotations

import re

import pytest

from gradio_app.parsing.readers.embedded import typography
from gradio_app.parsing.readers.embedded.facts import Word
from gradio_app.parsing.readers.embedded.rows import phrases, rows_of
from gradio_app.parsing.readers.embedded.tables import runs
from tests.patterns import slow
from tests.unit.parsing.pages_of_words import line


def test_words_on_a_level_are_a_row_from_left_to_right() -> None:
    words = [*line(200, 100.8, "right of it"), *line(50, 100, "left"), *line(50, 114, "below")]
    assert [row.text for row in rows_of(words)] == ["left right of it", "below"]


def test_an_index_belongs_to_the_row_that_it_stands_in() -> None:
    words = [*line(50, 100, "water H"), Word(90, 106, 93, 112, "2", 5), *line(50, 116, "next row")]
    assert [row.text for row in rows_of(words)] == ["water H 2", "next row"]


def test_phrases_end_at_gaps() -> None:
    words = [*line(50, 100, "two words"), *line(110, 100, "apart")]
    found = phrases(words, 1.0)
    assert [(phrase.text, phrase.x0, phrase.x1) for phrase in found] == [
        ("two words", 50, 93),
        ("apart", 110, 135),
    ]
    assert [phrase.text for phrase in phrases(words, 2.0)] == ["two words apart"]
    assert found[0].box == (50, 100, 93, 112)


def test_no_words_no_rows() -> None:
    assert rows_of([]) == []
    assert phrases([], 1.0) == []


@pytest.mark.parametrize(
    "text", ["12", "-3.5", "$1,200.00", "(45)", "7 %", "n/a", "—", "12 345", "3x", "−4,1"]
)
def test_figures(text: str) -> None:
    assert typography.NUMBER.match(text)


@pytest.mark.parametrize("text", ["twelve", "A12", "12 apples", "", "-a", "3 to 5 items"])
def test_what_is_no_figure(text: str) -> None:
    assert not typography.NUMBER.match(text)


@pytest.mark.parametrize(
    "text", ["Table 1: Rivers", "Fig. 12 Mills", "TABLE IV", "表1 河流", "图 三", "Table A1. More"]
)
def test_captions(text: str) -> None:
    assert typography.CAPTION.match(text)


@pytest.mark.parametrize(
    "text", ["Tables of rivers", "Table of contents", "Figures", "Tabular 1", "table tops"]
)
def test_what_is_no_caption(text: str) -> None:
    assert not typography.CAPTION.match(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [("•", True), ("1.", True), ("(a)", True), ("\uf0b7", True), ("word", False), ("12", False)],
)
def test_marks_of_list_items(text: str, found: bool) -> None:
    assert bool(typography.BULLET.match(text)) == found


@pytest.mark.parametrize("module", [typography, runs])
def test_every_pattern_is_linear(module: object) -> None:
    found = {name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)}
    assert found
    for name, pattern in found.items():
        assert not slow(pattern.pattern, pattern.flags, searched=name == "_LOOSE_ACCENT"), name
