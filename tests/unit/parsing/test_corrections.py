"""Corrections of blocks: in every file of a result, taken back, and carried over to another reading."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from gradio_app.base.errors import NotFound, OptionInvalid
from gradio_app.parsing.assembly import correct_block, read_block, replace_pages
from gradio_app.parsing.corrections import edits_in
from gradio_app.parsing.results import exported, write_result

Blocks = list[dict[str, Any]]
TABLE = "<table><tr><td>Year</td><td>Sum</td></tr><tr><td>2024</td><td>1O</td></tr></table>"


def said(text: str) -> list[dict[str, Any]]:
    return [{"type": "text", "content": text}]


def a_block(kind: str, index: int, content: Any, **more: Any) -> dict[str, Any]:
    box = [0.1, 0.1 * index, 0.9, 0.1 * index + 0.05]
    return {"type": kind, "index": index, "bbox": box, "content": content, **more}


def first_page(text: str = "The frist word.") -> Blocks:
    table = a_block("table", 3, [])
    table["content"] = [{**table, "type": "table_body", "content": TABLE}]
    items = [{"type": "text", "content": said(item)} for item in ("- one", "- tow", "- three")]
    return [
        a_block("doc_title", 1, said("Title"), level=1),
        a_block("text", 2, said(text), continues_prev=True),
        table,
        a_block("list", 4, items),
        a_block("equation", 5, "x^2"),
    ]


def second_page(text: str = "Untouched.") -> Blocks:
    return [a_block("paragraph_title", 1, said("Second"), level=2), a_block("text", 2, said(text))]


def put(folder: Path, *pages: Blocks) -> Path:
    from docvortex import schema

    made: dict[str, Any] = {
        "schema": "docvortex.middle",
        "schema_version": "2.0",
        "metadata": {"file_suffix": "pdf", "producer": {"name": "test", "version": "1"}},
        "is_full_document": True,
        "pages": [{"page_idx": number, "blocks": blocks} for number, blocks in enumerate(pages)],
    }
    write_result(schema.MiddleJson.model_validate_json(json.dumps(made)), folder, {})
    return folder


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return put(tmp_path / "0", first_page(), second_page())


def correct(folder: Path, block: int, change: dict[str, Any] | None, page: int = 1) -> Path:
    out = folder.with_name(str(int(folder.name) + 1))
    correct_block(str(folder), str(out), page, block, change)
    return out


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "edits.json")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def page(folder: Path, number: int = 1) -> dict[str, Any]:
    return json.loads((folder / f"pages/{number}.json").read_text())


def test_every_file_says_it_and_the_rest_keeps_every_byte(result: Path) -> None:
    before = files(result)
    made = correct(result, 2, {"text": "The first word."})
    assert files(result) == before, "the result that others may share is not touched"
    after = files(made)
    for name in ("document.md", "middle.json", "content_list.json", "pages/1.json"):
        assert b"The first word." in after[name], name
        assert name == "pages/1.json" or b"frist" not in after[name], name
    assert after["pages/2.json"] == before["pages/2.json"]
    [block] = [each for each in page(made)["blocks"] if "original" in each]
    assert (block["id"], block["markdown"], block["original"]) == (
        "1-2",
        "The first word.",
        "The frist word.",
    )
    assert "first" in page(made)["markdown"] and "frist" not in page(made)["markdown"]
    assert json.loads(after["middle.json"])["pages"][0]["blocks"][1]["continues_prev"] is True
    for form in ("html", "latex", "docx", "epub"):
        data = exported(made, form, "t")
        if form in ("docx", "epub"):
            with ZipFile(BytesIO(data)) as archive:
                data = b"".join(archive.read(name) for name in archive.namelist())
        assert b"first word" in data and b"frist" not in data, form


def test_taken_back_it_is_as_it_was(result: Path) -> None:
    made = correct(result, 2, {"text": "one"})
    made = correct(made, 2, {"text": "another", "level": 3})
    made = correct(made, 3, {"cells": [(1, 1, "10")]})
    assert read_block(str(made), 1, 2)["original"]["text"] == "The frist word."
    made = correct(made, 2, None)
    made = correct(made, 3, {"cells": [(1, 1, "1O")]})
    assert files(made) == files(result) and edits_in(made) == []
    with pytest.raises(NotFound):
        correct(made, 2, None)


@pytest.mark.parametrize(
    ("block", "level", "type_", "line"),
    [(2, 3, "paragraph_title", "### The frist word."), (1, 0, "text", "Title"), (2, 1, "doc_title", "# The")],
)
def test_a_paragraph_becomes_a_heading_and_back(
    result: Path, block: int, level: int, type_: str, line: str
) -> None:
    made = correct(result, block, {"level": level})
    shown = page(made)["blocks"][block - 1]
    assert shown["type"] == type_ and shown["markdown"].startswith(line)
    assert read_block(str(made), 1, block)["level"] == level


def test_cells_are_corrected_one_by_one(result: Path) -> None:
    made = correct(result, 3, {"cells": [(1, 1, "10 | <b>$1$ $2$</b>")]})
    shown = page(made)["blocks"][2]["markdown"]
    assert "| Year | Sum |" in shown and r"10 \| &lt;b>\$1\$ \$2\$&lt;/b>" in shown
    [cell] = [row[1] for row in read_block(str(made), 1, 3)["cells"][1:]]
    assert cell["text"] == "10 | <b>$1$ $2$</b>"


def test_items_of_a_list_are_lines(result: Path) -> None:
    assert read_block(str(result), 1, 4)["text"] == "- one\n- tow\n- three"
    made = correct(result, 4, {"text": "- one\n- two\n- three"})
    assert page(made)["blocks"][3]["markdown"] == "- one\n- two\n- three"
    made = correct(made, 4, {"text": "- one\n- three\n\n- four"})
    assert page(made)["blocks"][3]["markdown"] == "- one\n- three\n- four"


@pytest.mark.parametrize(
    "typed", ["<script>alert(1)</script>", "# x\n# y", "a\n\n<iframe src=x>", "[a](javascript:x)"]
)
def test_what_is_typed_does_nothing(result: Path, typed: str) -> None:
    made = correct(result, 2, {"text": typed})
    markdown, html = (made / "document.md").read_text(), exported(made, "html", "t").decode()
    assert not re.search(r"<script|<iframe|(?<!\\)\]\(javascript|^# y", markdown, re.MULTILINE)
    assert not re.search(r"<script|<iframe|href=.java", html)


@pytest.mark.parametrize(
    ("block", "change"),
    [
        (5, {"text": "y"}),
        (3, {"text": "y"}),
        (2, {"cells": [(0, 0, "y")]}),
        (4, {"level": 2}),
        (3, {"cells": [(9, 0, "y")]}),
        (1, {"text": " \n "}),
        (4, {"text": ""}),
    ],
)
def test_what_cannot_be_is_refused(result: Path, block: int, change: dict[str, Any]) -> None:
    with pytest.raises(OptionInvalid):
        correct(result, block, change)


@pytest.mark.parametrize(("number", "block"), [(1, 9), (3, 1), (1, 0)])
def test_there_is_no_such_block(result: Path, number: int, block: int) -> None:
    with pytest.raises(NotFound):
        correct(result, block, {"text": "y"}, number)
    with pytest.raises(NotFound):
        read_block(str(result), number, block)


def again(result: Path, tmp_path: Path, *pages: Blocks) -> Path:
    """The result after its first page was read again as ``pages``."""
    second, out = put(tmp_path / "second", *pages), tmp_path / "again"
    replace_pages(str(result), str(out), [{"page": 1, "folder": str(second)}])
    return out


def test_a_page_that_is_read_again_keeps_what_it_says_again(result: Path, tmp_path: Path) -> None:
    made = correct(correct(result, 2, {"text": "The first word."}), 2, {"text": "Touched."}, page=2)
    moved = [block | {"index": block["index"] + 1} for block in first_page()]
    moved[2]["content"] = [child | {"index": 4} for child in moved[2]["content"]]
    out = again(made, tmp_path, [a_block("text", 0, said("New.")), *moved])
    shown = {block["id"]: block for block in page(out)["blocks"]}
    assert shown["1-3"]["markdown"] == "The first word." and shown["1-3"]["original"] == "The frist word."
    assert page(out, 2)["blocks"][1]["markdown"] == "Touched." and "set_aside" not in page(out)


def test_a_correction_that_fits_no_more_is_set_aside_and_comes_back(result: Path, tmp_path: Path) -> None:
    made = correct(result, 2, {"text": "The first word."})
    out = again(made, tmp_path, first_page("Quite another."))
    assert page(out)["blocks"][1]["markdown"] == "Quite another." and "original" not in page(out)["blocks"][1]
    assert page(out)["set_aside"] == [{"original": "The frist word.", "markdown": "The first word."}]
    (tmp_path / "more").mkdir()
    out = again(out, tmp_path / "more", first_page())
    assert page(out)["blocks"][1]["markdown"] == "The first word." and "set_aside" not in page(out)


def test_which_of_two_equal_blocks_was_meant_is_not_guessed(result: Path, tmp_path: Path) -> None:
    made = correct(result, 2, {"text": "The first word."})
    twice = [a_block("text", number, said("The frist word.")) for number in (5, 6)]
    assert page(again(made, tmp_path, twice))["set_aside"]
