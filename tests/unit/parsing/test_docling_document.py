"""DoclingDocument: what becomes of blocks, tables, pictures and boxes; checked by docling's own model."""

# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import ast
import base64
import json
from pathlib import Path
from typing import Any

import pytest
from docling_core.types.doc import ContentLayer, DoclingDocument, ListItem, SectionHeaderItem

from gradio_app.base.errors import FileTooLarge
from gradio_app.base.options import DOCLING_SUFFIX
from gradio_app.parsing import docling_tables, parse_document
from gradio_app.parsing.docling_document import docling_document
from gradio_app.parsing.docling_exports import export_for_docling
from gradio_app.parsing.docling_tables import table_data
from tests.documents import picture

ORIGIN = {"filename": "Jahresbericht 年.pdf", "sha256": "f" * 64}
WIDE, HIGH = 400.0, 800.0


def text(content: str, *styles: str) -> dict[str, Any]:
    return {"type": "text", "content": content, **({"styles": list(styles)} if styles else {})}


def line(kind: str, content: str | list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    spans = [text(content)] if isinstance(content, str) else content
    return {"type": kind, "bbox": [0.1, 0.1, 0.9, 0.2], "content": spans, **more}


def captioned(kind: str, body: dict[str, Any], *words: tuple[str, str]) -> dict[str, Any]:
    box = [0.25, 0.5, 0.75, 0.75]
    below = [line(f"{kind}_{name}", content, bbox=[0.3, 0.76, 0.7, 0.8]) for name, content in words]
    inner = {"type": f"{kind}_body", "bbox": box, "content": "", **body}
    return {"type": kind, "bbox": box, "content": [inner, *below]}


def write(folder: Path, *pages: list[dict[str, Any]], suffix: str = "pdf") -> Path:
    """A result with these blocks."""
    made = [
        {"page_idx": number, "blocks": [_numbered(block, index * 10) for index, block in enumerate(blocks)]}
        for number, blocks in enumerate(pages)
    ]
    sizes = [{"page_idx": number, "width_pt": WIDE, "height_pt": HIGH} for number in range(len(pages))]
    middle = {
        "metadata": {"file_suffix": suffix, "producer": {"name": "mineru", "version": "4"}},
        "extensions": {"docvortex_layout": {"version": 1, "pages": sizes}} if suffix == "pdf" else {},
        "pages": made,
        "is_full_document": True,
        "schema": "docvortex.middle",
        "schema_version": "2.0",
    }
    folder.mkdir(exist_ok=True)
    (folder / "middle.json").write_text(json.dumps(middle), "utf-8")
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / "seen.png").write_bytes(picture(100, 50))
    return folder


def _numbered(block: dict[str, Any], index: int) -> dict[str, Any]:
    if block["type"] in ("image", "table", "chart", "code"):
        block = {
            **block,
            "content": [{**child, "index": index + n} for n, child in enumerate(block["content"])],
        }
    return {**block, "index": index}


def document_of(folder: Path, *pages: list[dict[str, Any]], **more: Any) -> Any:
    """The document, as docling's own model takes it from JSON."""
    images = more.pop("images", "placeholder")
    made = docling_document(write(folder, *pages, **more), "Bericht", images, ORIGIN)
    return DoclingDocument.model_validate_json(made.model_dump_json(by_alias=True, exclude_none=True))


def shown(document: DoclingDocument) -> list[tuple[str, str]]:
    return [(str(item.label), item.text) for item in document.texts]


def test_headings_paragraphs_and_the_origin(tmp_path: Path) -> None:
    blocks = [
        line("doc_title", "A title", level=1),
        line("paragraph_title", "First", level=2),
        line("paragraph_title", "Below", level=4),
        line("text", [text("See "), {"type": "equation_inline", "content": "x^2"}, text(" there.")]),
        line("ref_text", "[1] A book"),
        line("page_footnote", "1 A note"),
        line("text", "   "),
    ]
    document = document_of(tmp_path / "r", blocks)
    assert shown(document) == [
        ("title", "A title"),
        ("section_header", "First"),
        ("section_header", "Below"),
        ("text", "See $x^2$ there."),
        ("reference", "[1] A book"),
        ("footnote", "1 A note"),
    ]
    assert [item.level for item in document.texts if isinstance(item, SectionHeaderItem)] == [1, 3]
    assert document.name == "Bericht"
    assert document.origin and document.origin.filename == ORIGIN["filename"]
    assert document.origin.mimetype == "application/pdf" and document.origin.binary_hash == 2**64 - 1


def test_boxes_are_in_points_from_the_lower_left(tmp_path: Path) -> None:
    document = document_of(tmp_path / "r", [], [line("text", "here", bbox=[0.25, 0.125, 0.5, 0.25])])
    assert {number: page.size.as_tuple() for number, page in document.pages.items()} == {
        1: (WIDE, HIGH),
        2: (WIDE, HIGH),
    }
    (prov,) = document.texts[0].prov
    assert (prov.page_no, prov.charspan) == (2, (0, 4))
    assert (prov.bbox.coord_origin.value, prov.bbox.as_tuple()) == ("BOTTOMLEFT", (100, 600, 200, 700))
    assert prov.bbox.to_top_left_origin(HIGH).as_tuple() == (100, 100, 200, 200)


def test_without_sizes_there_are_no_boxes(tmp_path: Path) -> None:
    block = {"type": "text", "content": [text("Of Word")]}
    document = document_of(tmp_path / "r", [block], suffix="docx")
    assert (document.texts[0].prov, document.pages) == ([], {})


def test_slides_are_groups(tmp_path: Path) -> None:
    block = {"type": "text", "content": [text("On it")]}
    document = document_of(tmp_path / "r", [block], [block], suffix="pptx")
    assert [(group.label.value, group.name) for group in document.groups] == [
        ("slide", "slide-1"),
        ("slide", "slide-2"),
    ]


def test_a_paragraph_over_a_page_break_has_two_boxes(tmp_path: Path) -> None:
    later = line("text", "and ends there.", continues_prev=True)
    document = document_of(tmp_path / "r", [line("text", "It begins here")], [later])
    assert shown(document) == [("text", "It begins here and ends there.")]
    assert [(prov.page_no, prov.charspan) for prov in document.texts[0].prov] == [(1, (0, 15)), (2, (15, 30))]


def test_lists_nest_and_count(tmp_path: Path) -> None:
    deep = {"type": "list", "content": [line("text", "1. one"), line("text", "2. two")]}
    inner = {"type": "list", "content": [line("text", "- b"), deep]}
    block = {
        "type": "list",
        "bbox": [0, 0, 1, 1],
        "sub_type": "text",
        "content": [line("text", "- a"), inner, line("text", "c")],
    }
    document = document_of(tmp_path / "r", [block])
    found = [
        (item.text, item.enumerated, item.marker) for item in document.texts if isinstance(item, ListItem)
    ]
    assert found == [
        ("a", False, "-"),
        ("b", False, "-"),
        ("one", True, "1."),
        ("two", True, "2."),
        ("c", False, ""),
    ]
    depths = {item.text: depth for item, depth in document.iterate_items() if isinstance(item, ListItem)}
    assert depths["a"] == depths["c"] < depths["b"] < depths["one"] == depths["two"]


def test_running_heads_and_feet_are_furniture(tmp_path: Path) -> None:
    blocks = [
        line("header", "Head"),
        line("text", "Body"),
        line("footer", "Foot"),
        line("page_number", "7", bbox=[0.4, 0.9, 0.6, 0.95]),
        line("aside_text", "arXiv"),
    ]
    document = document_of(tmp_path / "r", blocks)
    furniture = [(str(i.label), i.text) for i in document.texts if i.content_layer is ContentLayer.FURNITURE]
    assert furniture == [
        ("page_header", "Head"),
        ("page_footer", "Foot"),
        ("page_footer", "7"),
        ("text", "arXiv"),
    ]
    assert document.export_to_text() == "Body"


def test_a_line_of_one_style_and_a_link(tmp_path: Path) -> None:
    link = {"type": "hyperlink", "url": "https://example.org/x", "content": [text("there")]}
    spans = [[text("all", "bold", "italic")], [text("some", "bold"), text(" not")], [link]]
    document = document_of(tmp_path / "r", [line("text", each) for each in spans])
    first, second, third = document.texts
    assert first.formatting and first.formatting.bold and first.formatting.italic
    assert second.formatting is None
    assert str(third.hyperlink) == "https://example.org/x"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "#part", "file:///etc/passwd", "x.html"])
def test_no_other_address_becomes_a_link(tmp_path: Path, address: str) -> None:
    link = {"type": "hyperlink", "url": address, "content": [text("there")]}
    try:
        document = document_of(tmp_path / "r", [line("text", [link])])
    except Exception as error:
        # MinerU refuses it itself
        assert "unsafe or malformed" in str(error.__cause__ or error)
        return
    assert document.texts[0].hyperlink is None


def test_formulas_and_code(tmp_path: Path) -> None:
    code = captioned("code", {"content": "x = 1\ny"}, ("caption", "Listing 1"))
    blocks = [
        {"type": "equation", "bbox": [0, 0, 1, 1], "content": "E=mc^2"},
        {"type": "equation", "bbox": [0, 0, 1, 1], "content": "", "image_path": "images/seen.png"},
        {**code, "sub_type": "code", "guess_lang": "python"},
    ]
    document = document_of(tmp_path / "r", blocks, images="referenced")
    assert shown(document) == [("formula", "E=mc^2"), ("code", "x = 1\ny"), ("caption", "Listing 1")]
    assert document.texts[1].code_language.value == "Python"
    assert document.texts[1].caption_text(document) == "Listing 1"
    assert str(document.pictures[0].image.uri) == "images/seen.png"  # nobody has read it


def test_pictures_with_captions_in_three_ways(tmp_path: Path) -> None:
    body = {"image_path": "images/seen.png", "content": "a bridge"}
    blocks = [captioned("image", body, ("caption", "Fig. 1"), ("footnote", "Own work"))]
    document = document_of(tmp_path / "r", blocks, images="embedded")
    (found,) = document.pictures
    assert found.caption_text(document) == "Fig. 1"
    assert [ref.resolve(document).text for ref in found.footnotes] == ["Own work"]
    assert found.meta.description.text == "a bridge"
    head, _, data = str(found.image.uri).partition(",")
    assert head == "data:image/png;base64" and base64.b64decode(data) == picture(100, 50)
    assert (found.image.size.as_tuple(), found.image.dpi) == ((100, 50), 36)  # on 200 points
    assert document_of(tmp_path / "r", blocks, images="placeholder").pictures[0].image is None


@pytest.mark.parametrize(
    "path", ["images/../middle.json", "images/none.png", "../x.png", "images/middle.json"]
)
def test_nothing_else_is_taken_for_a_picture(tmp_path: Path, path: str) -> None:
    (folder := tmp_path / "r").mkdir()
    markup = f'<table><tr><td>a<img src="{path}"/></td></tr></table>'
    document = document_of(folder, [captioned("table", {"content": markup})], images="embedded")
    assert [item.image for item in document.pictures] == [None]


def test_a_chart_has_its_figures(tmp_path: Path) -> None:
    markup = "<table><tr><th>Year</th><th>Sum</th></tr><tr><td>2020</td><td>7</td></tr></table>"
    document = document_of(tmp_path / "r", [captioned("chart", {"content": markup})])
    data = document.pictures[0].meta.tabular_chart.chart_data
    assert [[cell.text for cell in row] for row in data.grid] == [["Year", "Sum"], ["2020", "7"]]


SPANS = (
    '<table><thead><tr><th rowspan="2">A</th><th colspan="2">B</th></tr>'
    "<tr><th>b1</th><th>b2</th></tr></thead>"
    '<tbody><tr><th>r1</th><td rowspan="9">x</td><td>y &amp; <eq>z</eq></td></tr>'
    "<tr><td>r2</td><td>w</td></tr></tbody></table>"
)


def test_tables_have_spans_and_header_flags(tmp_path: Path) -> None:
    blocks = [captioned("table", {"content": SPANS}, ("caption", "Table 1"), ("footnote", "Estimated"))]
    document = document_of(tmp_path / "r", blocks)
    (table,) = document.tables
    assert [[cell.text for cell in row] for row in table.data.grid] == [
        ["A", "B", "B"],
        ["A", "b1", "b2"],
        ["r1", "x", "y & $z$"],
        ["r2", "x", "w"],
    ]
    cells = {cell.text: cell for cell in table.data.table_cells}
    assert (cells["A"].row_span, cells["B"].col_span, cells["x"].row_span) == (2, 2, 2)
    assert {name for name, cell in cells.items() if cell.column_header} == {"A", "B", "b1", "b2"}
    assert {name for name, cell in cells.items() if cell.row_header} == {"r1"}
    assert table.caption_text(document) == "Table 1"
    assert [ref.resolve(document).text for ref in table.footnotes] == ["Estimated"]
    assert list(table.export_to_dataframe(document).columns) == ["A.A", "B.b1", "B.b2"]


@pytest.mark.parametrize(
    ("markup", "grid"),
    [
        ("<table><td>a</td><td>b</td></table>", [["a", "b"]]),
        ("<table><tr><td>a<br/>b<ul><li>c</li></ul></td></tr></table>", [["a\nb\nc"]]),
        (
            "<table><tr><td>a</td><td><table><tr><td>b</td><td>c</td></tr></table></td></tr></table>",
            [["a", "b c"]],
        ),
        ("<table><tr><td>a<!-- b -->c</td></tr><tr></tr></table>", [["ac"]]),
        ('<table><tr><td colspan="x" rowspan="-1">a</td></tr></table>', [["a"]]),
        ("<p>none</p>", []),
        ("", []),
    ],
)
def test_odd_tables(markup: str, grid: list[list[str]]) -> None:
    assert [[cell.text for cell in row] for row in table_data(markup or "<p></p>").grid] == grid


@pytest.mark.parametrize(
    "markup",
    [
        "<table>" + '<tr><td colspan="1000" rowspan="60000">x</td></tr>' * 300 + "</table>",
        "<table><tr>" + "<td>x</td>" * 999 + "</tr>" + "<tr><td>x</td></tr>" * 999 + "</table>",
    ],
)
def test_a_table_that_claims_too_many_cells_is_refused(markup: str) -> None:
    with pytest.raises(docling_tables.TooManyCells):
        table_data(markup)


def test_the_cells_of_all_tables_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docling_tables, "MOST_CELLS", 9)
    markup = "<table>" + "<tr><td>a</td><td>b</td></tr>" * 3 + "</table>"
    document_of(tmp_path / "r", [captioned("table", {"content": markup})])
    with pytest.raises(FileTooLarge):
        document_of(tmp_path / "r", [captioned("table", {"content": markup})] * 2)


def test_every_form_is_made(tmp_path: Path) -> None:
    body = {"image_path": "images/seen.png"}
    folder = write(tmp_path / "r", [line("text", "Words"), captioned("image", body)])
    (folder / "document.md").write_text(
        'Words\n\n![a](images/seen.png) <img alt="" src="images/seen.png"/> x'
    )
    made: dict[str, str] = {}
    for form in DOCLING_SUFFIX:
        export_for_docling(str(folder), str(tmp_path / "out"), form, "Bericht", **ORIGIN)
        made[form] = (tmp_path / "out").read_text("utf-8")
    data = f"data:image/png;base64,{base64.b64encode(picture(100, 50)).decode()}"
    assert made["markdown-embedded"] == f'Words\n\n![a]({data}) <img alt="" src="{data}"/> x'
    assert made["markdown-placeholder"] == "Words\n\n<!-- image --> <!-- image --> x"
    assert made["markdown-referenced"] == (folder / "document.md").read_text()
    assert data in made["html-embedded"] and "<!-- image -->" in made["html-placeholder"]
    assert made["text-placeholder"].startswith("Words") and "<text>" in made["doctags-placeholder"]
    DoclingDocument.model_validate_json(made["json-embedded"])


def test_a_worker_does_not_import_it_before_it_is_asked() -> None:
    for name in ("docling_document", "docling_exports", "docling_tables"):
        source = Path(docling_tables.__file__).with_name(f"{name}.py").read_text("utf-8")
        outside = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
        assert not [node for node in outside if "docling_core" in ast.unparse(node)]


def test_boxes_of_a_real_page_are_where_its_words_are(tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(tmp_path / "page.pdf"), pagesize=(500, 700))
    places = {"Upper left words": (60, 640), "Lower right words": (300, 90)}
    for words, (left, low) in places.items():
        canvas.drawString(left, low, f"{words} that make up a line")
    canvas.save()
    parse_document(str(tmp_path / "page.pdf"), str(tmp_path / "out"), [], "flash", "txt")
    document = docling_document(tmp_path / "out", "page", "placeholder", ORIGIN)
    assert document.pages[1].size.as_tuple() == (500, 700)
    boxes = {item.text[:17].strip(): item.prov[0].bbox for item in document.texts}
    for words, (left, low) in places.items():
        box = next(box for text, box in boxes.items() if words.startswith(text[:10]))
        assert box.l == pytest.approx(left, abs=4) and box.b == pytest.approx(low, abs=6)
        assert box.t == pytest.approx(low + 10, abs=6)
