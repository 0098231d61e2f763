"""The order of a page's blocks: flash's where it is about right, else that of the boxes."""

from __future__ import annotations

import pytest

from gradio_app.parsing.readers.embedded.arrangement import arranged
from gradio_app.parsing.readers.embedded.blocks import Block
from gradio_app.parsing.readers.embedded.facts import PageFacts

PAGE = PageFacts(600.0, 800.0)


def block(name: str, box: tuple[float, float, float, float], kind: str = "text") -> Block:
    x0, y0, x1, y1 = box
    shares = [x0 / 600, y0 / 800, x1 / 600, y1 / 800]
    return {"type": kind, "bbox": shares, "content": [{"type": "text", "content": name * 200}]}


def names(blocks: list[Block]) -> str:
    return "".join(each["content"][0]["content"][0] for each in blocks)


LEFT = [block(name, (50, 100 + 100 * n, 280, 190 + 100 * n)) for n, name in enumerate("abcd")]
RIGHT = [block(name, (320, 100 + 100 * n, 550, 190 + 100 * n)) for n, name in enumerate("wxyz")]


def test_an_order_that_is_about_right_stays() -> None:
    theirs = [*LEFT[:2], LEFT[3], LEFT[2], *RIGHT]
    found, moved = arranged(theirs, {id(each) for each in theirs}, PAGE)
    assert (names(found), moved) == ("abdcwxyz", False)


def test_columns_that_were_interleaved_are_read_one_after_the_other() -> None:
    theirs = [each for pair in zip(LEFT, RIGHT, strict=True) for each in pair]
    found, moved = arranged(theirs, {id(each) for each in theirs}, PAGE)
    assert (names(found), moved) == ("abcdwxyz", True)


def test_a_new_block_follows_the_one_before_it_in_its_column() -> None:
    theirs = [*LEFT[:2], LEFT[3], *RIGHT]
    found, _ = arranged([*theirs, LEFT[2]], {id(each) for each in theirs}, PAGE)
    assert names(found) == "abcdwxyz"


@pytest.mark.parametrize("kind", ["image", "chart"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_picture_whose_box_reaches_into_a_column_does_not_tear_it(kind: str, mirrored: bool) -> None:
    wide = block("P", (260, 90, 550, 290) if mirrored else (50, 90, 340, 290), kind)
    near, far = (RIGHT, LEFT) if mirrored else (LEFT, RIGHT)
    blocks = [wide, *near[2:], *far] if near is LEFT else [*far, wide, *near[2:]]
    mixed = sorted(blocks, key=lambda each: each["bbox"][1])
    found, _ = arranged(mixed, set(), PAGE)
    assert names(found) == ("abcdPyz" if mirrored else "Pcdwxyz")
