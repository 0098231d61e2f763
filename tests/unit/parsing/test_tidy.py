"""Blocks of a page model as MinerU takes them: whatever a model says, MinerU makes a document of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradio_app.base.page_readers import LOST, Found
from gradio_app.parsing.readers import flash
from gradio_app.parsing.readers.loops import without_loop
from gradio_app.parsing.readers.table_markup import table_of
from gradio_app.parsing.readers.tidy import tidy

PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
BOX = (0.1, 0.1, 0.9, 0.2)


def one(label: str, text: str, box: Any = BOX) -> dict[str, Any]:
    (block,) = tidy([Found(label, text, box)], lambda _box: PICTURE).blocks
    return block


def markdown(*found: Found) -> str:
    """What MinerU makes of them, as Markdown."""
    from docvortex.schema import DocumentMetadata, ModelJson, Producer
    from mineru.backend.postprocess.document import model_json_to_middle_json
    from mineru.config import config
    from mineru.render import render
    from mineru.render.contracts import RenderFormat

    blocks = tidy(found, lambda _box: PICTURE).blocks
    assert flash.is_sound(blocks)
    metadata = DocumentMetadata(file_suffix="pdf", producer=Producer(name="mineru", version="0"))
    layout = {"version": 1, "pages": [{"page_idx": 0, "width_pt": 600, "height_pt": 800}]}
    from docvortex.document.pdf.layout import LAYOUT_EXTENSION

    model = ModelJson(
        pages=[blocks], page_index_map=[], metadata=metadata, extensions={LAYOUT_EXTENSION: layout}
    )
    middle = model_json_to_middle_json(model, llm_aided_config=config.llm_aided)
    return str(render(middle, RenderFormat.MARKDOWN))


@pytest.mark.parametrize(
    ("box", "right"),
    [
        ((0.1, 0.2, 0.8, 0.9), [0.1, 0.2, 0.8, 0.9]),
        ((0.8, 0.9, 0.1, 0.2), [0.1, 0.2, 0.8, 0.9]),
        ((-0.2, 0.5, 1.3, 0.6), [0.0, 0.5, 1.0, 0.6]),
        ((0.5, 0.5, 0.5, 0.5), [0.5, 0.5, 0.502, 0.502]),
        ((1, 0, 0, 1), [0.0, 0.0, 1.0, 1.0]),
    ],
)
def test_boxes_are_put_right(box: Any, right: list[float]) -> None:
    assert one("text", "words", box)["bbox"] == right


@pytest.mark.parametrize(
    "box", [(1, 2, 3), (0, 0, float("nan"), 1), (5, 5, 6, 6), ("a", 0, 1, 1), (True, 0, 1, 1), (-9, 0, 1, 1)]
)
def test_text_without_a_sound_box_stays_and_is_counted(box: Any) -> None:
    made = tidy([Found("text", "first", BOX), Found("text", "second", box)])
    assert made.dropped == 1 and [flash.text_of(each) for each in made.blocks] == ["first", "second"]
    assert made.blocks[1]["bbox"][1] >= BOX[3] - 0.01


def test_a_page_without_boxes_is_filled_from_top_to_bottom() -> None:
    boxes = [each["bbox"] for each in tidy([Found("text", "word " * count) for count in (9, 2, 40)]).blocks]
    assert all(above[3] <= below[1] + 0.001 for above, below in pairwise(boxes))
    assert boxes[0][1] > 0 and boxes[-1][3] < 1


@pytest.mark.parametrize(
    ("label", "kind"), [("Section-Header", "text"), ("TITLE", "doc_title"), ("\x00", "text"), ("", "text")]
)
def test_an_unknown_label_is_text(label: str, kind: str) -> None:
    assert one(label, "words")["type"] == kind


def test_signs_of_markdown_go_and_formulas_stay() -> None:
    block = one("text", "## A **bold** step: $x_1$, $5 and <b>tags</b>")
    assert block["type"] == "paragraph_title"
    assert block["content"] == [
        {"type": "text", "content": "A bold step: "},
        {"type": "equation_inline", "content": "x_1"},
        {"type": "text", "content": ", $5 and tags"},
    ]


def test_a_formula_that_does_more_than_set_mathematics_is_text() -> None:
    assert one("equation", r"\[ \frac{1}{2} \]")["content"] == r"\frac{1}{2}"
    assert one("equation", r"\input{/etc/passwd}")["type"] == "text"


@pytest.mark.parametrize(
    ("given_", "wanted"),
    [
        (
            "<table onclick=x><tr><th colspan='2'>A &amp; B<script>e()</script></tr><tr><td>1<td>2</table>",
            '<table><tr><th colspan="2">A &amp; B</th></tr><tr><td>1</td><td>2</td></tr></table>',
        ),
        (
            "<tr><td rowspan=99999>x<td rowspan=300>y",
            '<table><tr><td>x</td><td rowspan="200">y</td></tr></table>',
        ),
        (
            "<fcel>A<lcel><nl><fcel>1<fcel>2<nl>",
            '<table><tr><td colspan="2">A</td></tr><tr><td>1</td><td>2</td></tr></table>',
        ),
        (
            "<fcel>A<fcel>B<nl><ucel><fcel>2<nl>",
            '<table><tr><td rowspan="2">A</td><td>B</td></tr><tr><td>2</td></tr></table>',
        ),
        (
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2</td></tr></table>",
        ),
        ("<table><tr><td> </td></tr></table>", ""),
        ("no table at all", ""),
    ],
)
def test_tables_are_plain_rows_and_cells(given_: str, wanted: str) -> None:
    assert table_of(given_) == wanted


def test_words_that_are_no_table_are_kept_as_text() -> None:
    assert flash.text_of(one("table", "no table at all")) == "no table at all"


def test_what_says_nothing_is_no_block() -> None:
    empty = [Found("text", " \n"), Found("equation", r"\[ \]"), Found("code", "\n"), Found("doc_title", "# ")]
    assert tidy([*empty, LOST]).blocks == [] and tidy([LOST]).dropped == 1


def test_mineru_makes_a_document_of_it() -> None:
    text = markdown(
        Found("title", "# A title", (0.1, 0.05, 0.9, 0.1)),
        Found("list_item", "- one", (0.1, 0.2, 0.9, 0.22)),
        Found("list_item", "* two", (0.1, 0.23, 0.9, 0.25)),
        Found("table", "<table><tr><td>1</td></tr></table>", (0.1, 0.3, 0.9, 0.4)),
        Found("equation", "$$x$$", (0.1, 0.5, 0.9, 0.6)),
        Found("picture", "", (0.1, 0.7, 0.9, 0.8)),
        Found("caption", "Figure 1", (0.1, 0.82, 0.9, 0.84)),
    )
    for part in ("# A title", "• one", "• two", "| 1 |", "$$\nx\n$$", "Figure 1"):
        assert part in text, text


LABELS = ["text", "title", "list_item", "table", "equation", "image", "code", "caption", "header", "odd\x00"]
NUMBERS = st.one_of(st.floats(-3, 3), st.just(float("nan")), st.just(1e300), st.integers(-2, 2))
ANY = st.builds(
    Found,
    st.sampled_from(LABELS),
    st.text(max_size=60)
    | st.sampled_from(["$$", "# ", "<td>", "\\(\\)", "\ud800", "**", "| - |\n|---|", "$ $"]),
    st.none() | st.lists(NUMBERS, max_size=5),
)


@given(st.lists(ANY, max_size=12))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_whatever_is_found_is_a_page(found: list[Found]) -> None:
    markdown(*found)


def test_a_circle_at_the_end_is_cut_to_one_round() -> None:
    text = "The first line.\n" + "and the same again\n" * 300
    assert without_loop(text) == ("The first line.\nand the same again", True)
    assert without_loop("word " + "." * 5000)[0] == "word ."


@pytest.mark.parametrize(
    "text", ["", "a", "Total ........ 12", "<td></td>" * 20, "one line\n" * 7, "=" * 100]
)
def test_what_repeats_a_little_is_no_circle(text: str) -> None:
    assert without_loop(text) == (text, False)
