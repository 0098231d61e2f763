"""Middle JSON and content lists as MinerU 2 and 3 had them: read back by MinerU's own reader of old files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gradio_app.parsing.mineru_exports import content_list_of, export_for_mineru, middle_of


def words(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "content": text}]


BOX = [0.1, 0.2, 0.5, 0.4]


def leaf(kind: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "index": 0, "bbox": BOX, "content": content, **more}


LINK = {"type": "hyperlink", "url": "https://a.example", "content": words("a link")}
BLOCKS = [
    leaf("doc_title", words("Title"), level=1),
    leaf("paragraph_title", words("Part"), level=3),
    leaf("text", [*words("Mass "), {"type": "equation_inline", "content": "m"}, LINK]),
    leaf("list", [leaf("text", words("one")), leaf("list", [leaf("text", words("two"))])], sub_type="text"),
    leaf("index", [leaf("text", words("Chapter 1"))]),
    leaf("equation", "E=mc^2", image_path="images/e.jpg"),
    leaf("table", [leaf("table_caption", words("T1")), leaf("table_body", "<table></table>")]),
    leaf("image", [leaf("image_body", "", image_path="images/i.jpg"), leaf("image_footnote", words("fn"))]),
    leaf("chart", [leaf("chart_body", "| a |", image_path="images/c.jpg")], sub_type="bar"),
    leaf("code", [leaf("code_body", "x = 1\ny = 2")], sub_type="code", guess_lang="python"),
    leaf("code", [leaf("algorithm_body", words("for each"))], sub_type="algorithm"),
    leaf("header", words("Running head")),
    leaf("page_number", words("7")),
]
MIDDLE = {
    "metadata": {"file_suffix": "pdf", "producer": {"name": "mineru", "version": "4.0.12"}},
    "extensions": {
        "docvortex_layout": {"version": 1, "pages": [{"page_idx": 2, "width_pt": 600.0, "height_pt": 800.0}]}
    },
    "pages": [{"page_idx": 2, "blocks": BLOCKS}, {"page_idx": 5}],
}


def texts(block: dict[str, Any]) -> list[str]:
    """All words of a block, in order."""
    own = [span.get("html") or span["content"] for line in block.get("lines", ()) for span in line["spans"]]
    return own + [text for part in block.get("blocks", ()) for text in texts(part)]


def test_blocks_are_where_they_were_in_points() -> None:
    first, second = middle_of(MIDDLE)["pdf_info"]
    assert (first["page_idx"], first["page_size"]) == (2, [600, 800])
    assert (second["page_idx"], second["para_blocks"]) == (5, [])
    every = [*first["para_blocks"], *first["discarded_blocks"]]
    assert len(every) == len(BLOCKS)
    assert all(block["bbox"] == [60, 160, 300, 320] for block in every)
    assert first["preproc_blocks"] == first["para_blocks"]
    assert [block["type"] for block in first["discarded_blocks"]] == ["header", "page_number"]


def test_every_kind_keeps_its_words_and_pictures() -> None:
    blocks = middle_of(MIDDLE)["pdf_info"][0]["para_blocks"]
    assert [(block["type"], texts(block)) for block in blocks] == [
        ("title", ["Title"]),
        ("title", ["Part"]),
        ("text", ["Mass ", "m", "a link"]),
        ("list", ["one", "two"]),
        ("index", ["Chapter 1"]),
        ("interline_equation", ["E=mc^2"]),
        ("table", ["T1", "<table></table>"]),
        ("image", ["", "fn"]),
        ("chart", ["| a |"]),
        ("code", ["x = 1", "y = 2"]),
        ("code", ["for each"]),
    ]
    assert [block["level"] for block in blocks[:2]] == [1, 3]
    assert blocks[5]["lines"][0]["spans"][0]["image_path"] == "e.jpg"
    assert blocks[7]["blocks"][0]["lines"][0]["spans"][0] == {
        "type": "image",
        "content": "",
        "bbox": [60, 160, 300, 320],
        "image_path": "i.jpg",
    }
    assert all(line["is_list_start_line"] for line in blocks[3]["lines"])


def test_mineru_reads_it_as_a_file_of_its_older_versions() -> None:
    from mineru.backend.postprocess.legacy_middle_json import read_legacy_middle_json

    old = middle_of(MIDDLE)
    pages = read_legacy_middle_json(json.loads(json.dumps(old))).pages
    kinds = {str(block.type) for block in pages[0].blocks}
    assert {"doc_title", "paragraph_title", "equation", "table", "image", "chart", "header"} <= kinds


def test_a_document_without_pages_of_a_size_has_thousandths() -> None:
    page = middle_of({**MIDDLE, "extensions": {}})["pdf_info"][0]
    assert page["page_size"] == [1000, 1000] and page["para_blocks"][0]["bbox"] == [100, 200, 500, 400]
    plain = {"type": "text", "content": words("no box")}
    page = middle_of({**MIDDLE, "pages": [{"page_idx": 0, "blocks": [plain]}]})["pdf_info"][0]
    assert "bbox" not in page["para_blocks"][0] and texts(page["para_blocks"][0]) == ["no box"]


def test_a_content_list_has_the_kinds_of_old_and_heads_last() -> None:
    items = [
        {"type": "header", "text": "h", "page_idx": 0},
        {"type": "text", "text": "t", "page_idx": 0},
        {
            "type": "chart",
            "img_path": "images/c.jpg",
            "chart_caption": ["C"],
            "content": "|a|",
            "page_idx": 1,
        },
        {"type": "index", "list_items": ["- a"], "page_idx": 1},
        {"type": "equation", "img_path": "images/e.jpg", "page_idx": 1},
        {"type": "table", "img_path": "", "page_idx": 1},
    ]
    assert [item["type"] for item in content_list_of(items)] == [
        *("text", "header", "image", "list", "equation", "table")
    ]
    chart, index, equation, table = content_list_of(items)[2:]
    assert chart["image_caption"] == ["C"] and index["list_items"] == ["- a"]
    assert (equation["text"], table["table_body"]) == ("", "")


@pytest.mark.parametrize("form", ["middle2", "list2"])
def test_an_export_is_json(tmp_path: Path, form: str) -> None:
    (tmp_path / "middle.json").write_text(json.dumps(MIDDLE))
    (tmp_path / "content_list.json").write_text('[{"type": "text", "text": "\\ud800 报告"}]')
    export_for_mineru(str(tmp_path), str(tmp_path / "out"), form, "")
    assert json.loads((tmp_path / "out").read_text("utf-8"))
