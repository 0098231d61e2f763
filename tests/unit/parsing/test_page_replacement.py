"""Pages that take the place of others: what of the old one still holds."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gradio_app.base.errors import FileCorrupt
from gradio_app.parsing import assembly


def block(kind: str, continues: bool = False) -> Any:
    return SimpleNamespace(type=kind, continues_prev=continues)


def document(*pages: tuple[int, list[Any]]) -> Any:
    """Pages by their index from 0."""
    made = [SimpleNamespace(page_idx=index, blocks=blocks) for index, blocks in pages]
    return SimpleNamespace(pages=made, extensions={})


PICTURE = SimpleNamespace(type="image")


@pytest.mark.parametrize(
    ("old", "new", "goes_on"),
    [
        ([PICTURE, block("text", True)], [block("text")], True),
        ([block("text")], [block("text")], False),
        ([block("text", True)], [block("list")], False),
        ([PICTURE], [block("text")], False),
    ],
)
def test_a_paragraph_from_the_page_before_goes_on(old: list[Any], new: list[Any], goes_on: bool) -> None:
    middle = document((0, []), (1, old), (2, []))
    assembly._put(middle, document((1, new)), 1)
    assert middle.pages[1].blocks is new and new[0].continues_prev is goes_on


def test_a_page_that_was_missing_comes_where_it_belongs() -> None:
    middle = document((0, []), (2, []))
    assembly._put(middle, document((1, [PICTURE])), 1)
    assert [page.page_idx for page in middle.pages] == [0, 1, 2]


def test_a_page_that_is_missing_again_is_told() -> None:
    with pytest.raises(FileCorrupt, match="Page 2"):
        assembly._put(document((1, [])), document((0, [])), 1)
