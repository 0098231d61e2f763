"""One list of file types: that of MinerU, and everybody who walks through folders goes by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from mineru.filetypes import IMAGE_EXTENSIONS, PARSEABLE_EXTENSIONS

from gradio_app.base.file_types import CONTAINERS, DOCUMENTS, PICTURES, PREPARED_ONLY, TEXTS, is_document
from gradio_app.commands.api.client import plan
from gradio_app.web.ui import page
from gradio_app.web.watch_folder.scan import walk


def test_the_list_is_that_of_mineru() -> None:
    assert PICTURES == IMAGE_EXTENSIONS
    theirs = DOCUMENTS - PREPARED_ONLY - CONTAINERS - {*TEXTS, "heif"}
    assert PARSEABLE_EXTENSIONS | {"tif"} == theirs, "MinerU knows TIFF by its content"


@pytest.mark.parametrize(
    ("name", "meant"),
    [("a.pdf", True), ("A.B.PDF", True), ("a.md", True), ("a.py", False), ("pdf", False), ("a.", False)],
)
def test_the_suffix_counts(name: str, meant: bool) -> None:
    assert is_document(name) is meant


def test_all_who_walk_through_folders_take_the_same(tmp_path: Path) -> None:
    for suffix in (*DOCUMENTS, "py", "exe"):
        (tmp_path / f"a.{suffix}").write_text("x")
    names = {f"a.{suffix}" for suffix in DOCUMENTS}
    assert {path.name for path, _ in plan([tmp_path], tmp_path / "out")} == names
    assert {found.path.name for found in walk(tmp_path)} == names


def test_the_page_is_told_the_list() -> None:
    told = page.head("").partition('name="mo-file-types" content="')[2].partition('"')[0]
    assert set(told.split()) == DOCUMENTS
    script = (Path(page.__file__).parent / "assets" / "intake" / "collect.js").read_text("utf-8")
    assert 'meta[name="mo-file-types"]' in script
