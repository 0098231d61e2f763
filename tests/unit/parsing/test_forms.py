"""Forms: labels stay with their values."""

from __future__ import annotations

from gradio_app.parsing.readers.embedded.facts import PageFacts, Word
from gradio_app.parsing.readers.embedded.forms import fields
from gradio_app.parsing.readers.embedded.mend import mend


def word(x: float, y: float, text: str) -> Word:
    return Word(x, y, x + 5 * len(text), y + 10, text, 10)


ROWS = [("Name:", "Keller"), ("Born:", "1961"), ("Town:", "Altdorf")]


def form(rows: list[tuple[str, str]], step: float = 24) -> list[Word]:
    return [
        each
        for number, (label, value) in enumerate(rows)
        for each in (word(70, 100 + step * number, label), word(200, 100 + step * number, value))
    ]


def test_labels_and_values_of_one_row() -> None:
    assert [field.text for field in fields(form(ROWS))] == ["Name: Keller", "Born: 1961", "Town: Altdorf"]


def test_two_rows_or_rows_far_apart_are_no_form() -> None:
    assert fields(form(ROWS[:2])) == []
    assert fields(form(ROWS, step=90)) == []


def test_columns_of_text_are_no_form() -> None:
    assert fields(form([("they", "said:"), ("came", "here"), ("home", "and")])) == []


def test_blocks_that_took_labels_and_values_apart_are_replaced() -> None:
    facts = PageFacts(600, 800, tuple(form(ROWS)))
    labels = {"type": "text", "bbox": [0.11, 0.12, 0.17, 0.2], "content": "Name: Born: Town:", "lines": []}
    values = {"type": "text", "bbox": [0.33, 0.12, 0.4, 0.2], "content": "Keller 1961 Altdorf", "lines": []}
    mended = mend([labels, values], facts, [])
    assert [block["content"][0]["content"] for block in mended.blocks] == [
        "Name: Keller",
        "Born: 1961",
        "Town: Altdorf",
    ]
