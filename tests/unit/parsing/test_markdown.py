"""Signs of a document stay signs in its Markdown, and anchors stand only where a link leads to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from gradio_app.parsing.parse import parse_document

CELLS = (
    "$5 and $6",
    "2 * 3 * 4",
    "*y* _z_",
    "snake_case_name",
    "`x` and `y`",
    "~~gone~~",
    "[x](y)",
    "a | b",
    "back\\slash",
    "<b>bold</b>",
    '"quoted"',
    "5*",
    "$7",
)


def read(tmp_path: Path, content: str, kind: str) -> str:
    source = tmp_path / f"document.{kind}"
    source.write_text(content, "utf-8")
    parse_document(str(source), str(tmp_path / "out"), (), "flash", "")
    return (tmp_path / "out" / "document.md").read_text("utf-8")


def shown(markdown: str) -> list[str]:
    """The cells of a table, or the paragraphs, as somebody sees them who reads Markdown with formulas."""
    assert not re.search(r"(?<!\\)\$[^|\n]*(?<!\\)\$", markdown), "a formula"
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown)
    found = re.findall(r"<(?:td|p)>(.*?)</(?:td|p)>", page, re.S)
    return [one.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"') for one in found]


def test_cells_of_a_table_say_what_the_file_says(tmp_path: Path) -> None:
    rows = "".join('{},"{}"\n'.format(n, cell.replace('"', '""')) for n, cell in enumerate(CELLS))
    markdown = read(tmp_path, "number,cell\n" + rows, "csv")
    assert shown(markdown)[1::2] == [*CELLS]


@pytest.mark.parametrize("plain", ["5*", "$7", "snake_case_name", '"quoted"'])
def test_a_single_sign_stays_as_it_is(tmp_path: Path, plain: str) -> None:
    markdown = read(tmp_path, 'a,b\n1,"{}"\n'.format(plain.replace('"', '""')), "csv")
    assert f"| {plain} |" in markdown


def test_code_in_a_cell_has_no_backslashes(tmp_path: Path) -> None:
    page = "<table><tr><th>a</th></tr><tr><td><code>$a*b*c$</code></td></tr></table>"
    assert "`$a*b*c$`" in read(tmp_path, page, "html")


def test_text_that_looks_like_a_link_or_a_quotation_is_text(tmp_path: Path) -> None:
    page = "<h1>T</h1><p>See [x](y) there.</p><p>&gt; a citizen said</p><p>a &gt; b</p>"
    assert shown(read(tmp_path, page, "html")) == ["See [x](y) there.", "> a citizen said", "a > b"]


def test_anchors_stand_where_a_link_leads_to(tmp_path: Path) -> None:
    page = '<h1>T</h1><p><a href="#two">go</a></p><h2>One</h2><p>x</p><h2 id="two">Two</h2><p>y</p>'
    markdown = read(tmp_path, page, "html")
    [anchor] = re.findall(r'<a id="([^"]+)"></a>\n## Two', markdown)
    assert markdown.count("<a id") == 1 and f"](#{anchor})" in markdown
    record = (tmp_path / "out" / "pages" / "1.json").read_text("utf-8")
    assert record.count("<a id") == 2, "the block, and the page's whole text"
