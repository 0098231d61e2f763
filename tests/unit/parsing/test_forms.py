"""Forms: labels stay with their values, however the page is read."""

from __future__ import annotations

import pytest

from gradio_app.parsing import check
from gradio_app.parsing.readers.embedded.anew import read_anew
from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.forms import forms
from gradio_app.parsing.readers.embedded.mend import mend

ROWS = [("Name:", "Keller"), ("Born:", "1961"), ("Town:", "Altdorf")]
OPTIONS = [
    ("-b, --benchmark", "perform a benchmark on decoding"),
    ("-t, --no-time-strict", "use strict decoding but not in time fields"),
    ("-h, --help", "display this help and exit"),
    ("-o, --output", "write the structures to this file"),
    ("-q, --quiet", "say nothing but what went wrong"),
    ("-v, --version", "output version information and exit"),
]


def placed(x: float, y: float, text: str) -> list[Word]:
    words: list[Word] = []
    for part in text.split():
        words.append(Word(x, y, x + 5 * len(part), y + 10, part, 10))
        x = words[-1].x1 + 3
    return words


def form(rows: list[tuple[str, str]], step: float = 24, at: float = 200) -> list[Word]:
    return [
        word
        for number, (label, value) in enumerate(rows)
        for word in (*placed(70, 100 + step * number, label), *placed(at, 100 + step * number, value))
    ]


def rows_of(words: list[Word]) -> list[str]:
    return [row.text for found in forms(words) for row in found.rows]


def test_a_colon_tells_labels() -> None:
    assert rows_of(form(ROWS)) == ["Name: Keller", "Born: 1961", "Town: Altdorf"]


def test_text_below_is_not_of_the_form_where_a_word_stands_as_the_values_do() -> None:
    below = [*placed(70, 172, "abcd efghij klmno abcdefgh"), *placed(200, 172, "and so on")]
    assert rows_of([*form(ROWS), *below]) == ["Name: Keller", "Born: 1961", "Town: Altdorf"]


def test_aligned_columns_of_which_the_right_one_is_text() -> None:
    """The gap of the longest label is no wider than a blank or two: its value stands where the others do."""
    words = form(OPTIONS, step=13, at=174)
    assert rows_of(words) == [f"{label} {value}" for label, value in OPTIONS]


@pytest.mark.parametrize(
    "words",
    [
        form(ROWS[:2]),
        form(ROWS, step=90),
        form([("they", "said"), ("came", "here"), ("home", "and")], step=14),
        form([("a line of the left column", "a line of the right one")] * 5, step=12, at=300),
    ],
    ids=["two rows", "far apart", "short words", "two columns of text"],
)
def test_what_is_no_form(words: list[Word]) -> None:
    assert forms(words) == []


def test_rows_that_stand_apart_are_a_form_however_short_their_values() -> None:
    short = [("Vessel", "Kestrel of Norwich"), ("Berth", "17-B"), ("Tonnage", "2,411.50")]
    assert [rows_of(list(each.words)) for each in forms(form(short, step=40))] == [
        ["Vessel Kestrel of Norwich", "Berth 17-B", "Tonnage 2,411.50"]
    ]


@pytest.mark.parametrize("rows", [ROWS, OPTIONS])
def test_both_readings_keep_rows_together_and_the_check_does_not_doubt_them(
    rows: list[tuple[str, str]],
) -> None:
    words = form(rows, step=13, at=220)
    facts = PageFacts(600, 800, tuple(words))
    labels = {"type": "text", "bbox": [0.11, 0.12, 0.3, 0.3], "content": " ".join(a for a, _ in rows)}
    values = {"type": "text", "bbox": [0.36, 0.12, 0.9, 0.3], "content": " ".join(b for _, b in rows)}
    for blocks in (mend([labels, values], facts, []).blocks, read_anew(facts, [])):
        assert [block["content"][0]["content"] for block in blocks] == [f"{a} {b}" for a, b in rows]
        assert not check.in_doubt(check.judge(blocks, facts, []), facts)
