"""What of a block's Markdown can be found, and where."""

from __future__ import annotations

from typing import Any

import pytest

from gradio_app.web.api.search import find, plain


@pytest.mark.parametrize(
    ("markdown", "seen"),
    [
        ("# The **cost** of\n\n- a\n- b \\_x\\_", "The cost of a b _x_"),
        ("<table><tr><td>left</td><td>a &lt; b</td></tr></table>", "left a < b"),
        ("| a | b |\n| --- | --- |\n| c | d |", "a b c d"),
        ("a < b and c > d", "a < b and c > d"),
        ("![alt](images/a.jpg)\n\nwords", "words"),
        ("1. one\n2. two", "one two"),
    ],
)
def test_a_block_is_searched_as_it_is_read(markdown: str, seen: str) -> None:
    assert plain(markdown) == seen


def record(page: int, *blocks: tuple[str, bool]) -> tuple[int, Any]:
    listed: list[dict[str, Any]] = [
        {"id": f"{page}-{index}", "markdown": markdown, "auxiliary": auxiliary}
        for index, (markdown, auxiliary) in enumerate(blocks)
    ]
    return page, {"page": page, "blocks": listed}


def test_each_place_is_told_with_what_stands_around_it() -> None:
    pages = [
        record(3, ("Cat head", True), ("The CAT saw a cat.", False)),
        record(5, ("no dog", False), ("a **cat\n  saw** it", False)),
    ]
    hits = list(find(pages, ["cat"]))
    assert [(hit["page"], hit["block"], hit["nth"]) for hit in hits] == [
        (3, "3-1", 0),
        (3, "3-1", 1),
        (5, "5-1", 0),
    ]
    assert (hits[0]["before"], hits[0]["match"], hits[0]["after"]) == ("The ", "CAT", " saw a cat.")
    assert [hit["page"] for hit in find(pages, ["cat", "saw"])] == [3, 5]
    assert list(find(pages, [".*"])) == [], "words, not a pattern"
