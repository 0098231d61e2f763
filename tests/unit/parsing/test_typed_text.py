"""What a person types in place of a line or of cells: what stays keeps its look, what is new is plain."""

from __future__ import annotations

from typing import Any

import pytest

from gradio_app.base.errors import OptionInvalid
from gradio_app.parsing.typed_text import cells_of, cleaned, one_line, text_of, typed_over, with_cells


def plain(text: str, *styles: str) -> dict[str, Any]:
    return {"type": "text", "content": text, **({"styles": [*styles]} if styles else {})}


FORMULA = {"type": "equation_inline", "content": "E = mc^2"}
LINK = {"type": "hyperlink", "url": "https://example.org/", "content": [plain("the source")]}
LINE = [plain("Energy is "), FORMULA, plain(", see "), LINK, plain(" for "), plain("all", "bold"), plain(".")]


def test_what_is_not_touched_keeps_its_look() -> None:
    assert text_of(LINE) == "Energy is $E = mc^2$, see the source for all."
    assert typed_over(LINE, text_of(LINE)) == LINE
    changed = typed_over(LINE, "The energy is $E = mc^2$, see the sources for all!")
    assert changed[:2] == [plain("The energy is "), FORMULA]
    assert changed[3] == {**LINK, "content": [plain("the sources")]}
    assert changed[4:] == [plain(" for "), plain("all", "bold"), plain("!")]


def test_a_word_within_a_style_has_it_and_one_beside_it_has_not() -> None:
    line = [plain("very old words", "bold"), plain(" here")]
    assert typed_over(line, "very new words here") == [plain("very new words", "bold"), plain(" here")]
    assert typed_over(line, "very old words stand here")[-1] == plain(" stand here")


@pytest.mark.parametrize(
    "typed", ["$x^2$", r"\(x\)", "$$y$$", "$E = mc^3$", "[x](javascript:alert(1))", "<b>"]
)
def test_signs_that_are_typed_stay_signs(typed: str) -> None:
    assert typed_over([plain("a")], typed) == [plain(typed)]
    assert all(span["type"] == "text" for span in typed_over([FORMULA], typed))


def test_a_formula_that_is_gone_does_not_come_back_elsewhere() -> None:
    assert typed_over([plain("a "), FORMULA], "a") == [plain("a")]
    assert typed_over([FORMULA, plain(" b")], "$E = mc^2 b") == [plain("$E = mc^2 b")]


def test_a_text_of_many_words_is_compared_in_no_time() -> None:
    many = "a b " * 10_000
    assert typed_over([plain(many)], "x" + many[::-1]) == [plain("x" + many[::-1])]


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("a\r\nb", "a\nb"),
        ("a\n# b", "a # b"),
        ("a\n\n| b |\n| - |", "a | b | | - |"),
        ("a\n- b\n1. c\n> d\n=== e", "a - b 1. c > d === e"),
        ("a\x00\x1b[1m\ud800\ufffe\u202eb", "a[1mb"),
        ("  a \t b  ", "a b"),
        ("שלום\nعربي", "שלום\nعربي"),
        ("\n\n", ""),
    ],
)
def test_a_paragraph_stays_one(typed: str, line: str) -> None:
    assert one_line(typed) == line


def test_marks_of_right_to_left_text_stay() -> None:
    assert cleaned("\u200fא\u200e") == "\u200fא\u200e"


TABLE = (
    '<table><thead><tr><th colspan="2">Both</th><th>C</th></tr></thead><tbody><tr><td rowspan="2">a</td>'
    "<td>b<br/>c</td><td><eq>x^2</eq> m</td></tr><tr><td>1 &lt; 2</td><td><img src='images/p.png'/></td></tr>"
    "</tbody></table>"
)


def test_cells_are_told_with_their_spans() -> None:
    rows = cells_of(TABLE)
    assert rows is not None
    assert [[cell["text"] for cell in row] for row in rows] == [
        ["Both", "C"],
        ["a", "b\nc", "$x^2$ m"],
        ["1 < 2", ""],
    ]
    assert rows[0][0]["columns"] == 2 and rows[1][0]["rows"] == 2 and rows[0][0]["head"]
    assert rows[2][1]["fixed"] and not rows[1][2]["fixed"]


def test_other_cells_and_all_spans_stay() -> None:
    made = with_cells(TABLE, [(1, 1, "<b>&\n$y$"), (1, 2, "3 $x^2$ cm"), (2, 0, "1 < 2")])
    assert "<td>&lt;b&gt;&amp;<br/>$y$</td><td>3 <eq>x^2</eq> cm</td>" in made
    assert 'colspan="2"' in made and 'rowspan="2"' in made and "<td>1 &lt; 2</td>" in made


@pytest.mark.parametrize("cell", [(3, 0), (0, 2), (2, 1)])
def test_a_cell_that_is_not_there_or_no_text_is_refused(cell: tuple[int, int]) -> None:
    with pytest.raises(OptionInvalid):
        with_cells(TABLE, [(*cell, "x")])


def test_a_table_of_too_many_cells_is_not_shown() -> None:
    assert cells_of(f"<table><tr>{'<td>a</td>' * 5001}</tr></table>") is None
    assert cells_of("no table") is None
