"""Tables without a tree of HTML are written as docvortex writes them, or not at all."""

from __future__ import annotations

import html
import time

import pytest
from docvortex.options import LatexDelimitersConfig
from docvortex.render._internal.markdown import table
from hypothesis import given
from hypothesis import strategies as st

from gradio_app.parsing import plain_tables

CELLS = st.text(st.sampled_from("ab \t\n|\\*_&<>\"'0é表\u00a0\r"), max_size=8)


def plain_table(content: str) -> str | None:
    return plain_tables.plain_table(content, table._escape_cell_text)


def theirs(content: str) -> str | None:
    return table.render_html_table(content, asset_base_url="", delimiters=LatexDelimitersConfig())


@given(
    st.lists(st.lists(st.tuples(CELLS, st.booleans()), min_size=1, max_size=4), min_size=1, max_size=5),
    st.booleans(),
    st.sampled_from(["", "\n", "\n  "]),
)
def test_a_plain_table_is_written_as_docvortex_does(
    rows: list[list[tuple[str, bool]]], in_paragraphs: bool, gap: str
) -> None:
    def cell(text: str, is_head: bool) -> str:
        inside, tag = html.escape(text), "th" if is_head else "td"
        return f"{gap}<{tag}>{f'<p>{inside}</p>' if in_paragraphs else inside}</{tag}>"

    content = "<table>" + "".join(f"{gap}<tr>{''.join(cell(*one) for one in row)}{gap}</tr>" for row in rows)
    content += f"{gap}</table>"
    assert plain_table(content) == theirs(content)


@pytest.mark.parametrize(
    "content",
    [
        "<table><tr><td>a</td></tr></table><p>b</p>",
        "<table><tr><td>a</td></tr></table> <table><tr><td>b</td></tr></table>",
        "<table><tr><td colspan='2'>a</td></tr></table>",
        "<table><tr><td><b>a</b></td></tr></table>",
        "<table><tr><td>&nbsp;a</td></tr></table>",
        "<table><tr><td>&copy a &#150;</td></tr></table>",
        "<table><thead><tr><td>a</td></tr></thead></table>",
        "<table><tr><td>a</tr></table>",
        "<table><tr><td>a<td>b</td></tr></table>",
        "<table><tr></tr><tr><td>a</td></tr></table>",
        "<table>text<tr><td>a</td></tr></table>",
        "<table></table>",
        "no table",
    ],
)
def test_any_other_table_is_left_to_docvortex(content: str) -> None:
    assert plain_table(content) is None


def test_a_hundred_thousand_cells_take_no_minutes() -> None:
    content = "<table>" + "<tr><td>a</td><td>b</td></tr>" * 50_000 + "</table>"
    began = time.process_time()
    assert (plain_table(content) or "").count("\n") == 50_000
    assert time.process_time() - began < 5  # docvortex takes half a minute


def test_cells_that_never_end_are_given_up_at_once() -> None:
    began = time.process_time()
    assert plain_table("<table><tr><td>" + "a&amp;" * 100_000 + "<b></td></tr></table>") is None
    assert plain_table("<table>" + "<tr><td>" * 50_000 + "</table>") is None
    assert time.process_time() - began < 5
