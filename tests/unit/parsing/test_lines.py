"""Lines of running text: where they are cut, how their text is joined, which of them make a column."""

from __future__ import annotations

import pytest

from gradio_app.parsing.readers.embedded.facts import Region, Word
from gradio_app.parsing.readers.embedded.lines import chunks, join_lines, line_of, lines_of
from tests.unit.parsing.pages_of_words import line


def joined(*texts: str) -> str:
    return join_lines(line_of(line(50, 13 * number, text)) for number, text in enumerate(texts))


def test_a_gutter_cuts_a_row() -> None:
    words = [*line(50, 100, "left column"), *line(300, 100, "right column")]
    assert [found.text for found in lines_of(words, 1.0)] == ["left column", "right column"]


def test_a_wide_blank_that_the_rows_around_do_not_have_is_no_gutter() -> None:
    words = [
        *line(50, 100, "a line of text that fills the whole width"),
        *line(50, 113, "a justified line"),
        *line(150, 113, "with a gap"),
        *line(50, 126, "another line of text that fills the width"),
    ]
    assert [found.text for found in lines_of(words, 1.0)][1] == "a justified line with a gap"


def test_regions_cut_columns_that_are_near() -> None:
    words = [*line(50, 100, "left"), *line(77, 100, "right")]
    regions = [Region("text", 0.9, (48, 90, 72, 300)), Region("text", 0.9, (75, 90, 120, 300))]
    assert len(lines_of(words, 1.0)) == 1
    assert [found.text for found in lines_of(words, 1.0, regions)] == ["left", "right"]


def test_turned_words_are_left_out() -> None:
    assert lines_of([Word(10, 10, 20, 90, "aside", 10, angle=90)], 1.0) == []


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("the commit-", "tee met"), "the committee met"),
        (("the Anglo-", "Saxon word"), "the Anglo- Saxon word"),
        (("from 1990-", "1995"), "from 1990- 1995"),
        (("港口的账册由", "值班人员保管。"), "港口的账册由值班人员保管。"),
        (("港口的账册", "ledger"), "港口的账册 ledger"),
        (("‘‘quoted", "words’’"), "“quoted words”"),
        (("plain",), "plain"),
        ((), ""),
    ],
)
def test_lines_are_joined(lines: tuple[str, ...], text: str) -> None:
    assert joined(*lines) == text


def test_columns_are_told_apart_and_end_where_another_size_begins() -> None:
    words = [
        *line(50, 60, "A heading", size=18),
        *(word for n in range(4) for word in line(50, 100 + 13 * n, f"left {n}")),
        *(word for n in range(4) for word in line(300, 100 + 13 * n, f"right {n}")),
    ]
    lines = lines_of(words, 1.0)
    found = [[lines[i].text for i in chunk] for chunk in chunks(lines)]
    assert found == [["A heading"], [f"left {n}" for n in range(4)], [f"right {n}" for n in range(4)]]


def test_a_line_over_two_is_a_column_of_its_own() -> None:
    words = [
        *line(50, 100, "a line across both of the columns below it and more"),
        *line(50, 113, "left"),
        *line(200, 113, "right"),
    ]
    assert sorted(len(chunk) for chunk in chunks(lines_of(words, 1.0))) == [1, 1, 1]
