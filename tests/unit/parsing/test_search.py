"""What of a block's Markdown can be found, and where."""

from __future__ import annotations

import time
from typing import Any

import pytest

from gradio_app.parsing.search import find, plain


@pytest.mark.parametrize(
    ("markdown", "seen"),
    [
        ("# The **cost** of\n\n- a\n- b \\_x\\_", "The cost of a b _x_"),
        ("<table><tr><td>left</td><td>a &lt; b</td></tr></table>", "left a < b"),
        ("| a | b |\n| --- | --- |\n| c | d |", "a b c d"),
        ("a < b and c > d", "a < b and c > d"),
        ("![alt](images/a.jpg)\n\nwords", "words"),
        ("1. one\n2. two", "one two"),
        ("![no picture] ![b](c) ![d]e](f) ![[g]](h", "![no picture] ![d]e](f) ![[g]](h"),
        ("a ![b](c)![d](e", "a ![d](e"),
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


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "![](",
            "![",
            "![a](",
            "![a]",
            "<a",
            "</a ",
            "|",
            "| ",
            "\n|",
            "\\",
            "**",
            "# ",
            "1",
            "\n1",
            ":",
            "&#1;",
        )
    ],
)
def test_any_page_takes_time_in_proportion_to_its_length(piece: str) -> None:
    """Four times the text takes about four times as long; what is quadratic takes sixteen times as long."""

    def seconds(length: int) -> float:
        text = piece * (length // len(piece)) + "x"
        best = 1e9
        for _ in range(3):
            began = time.thread_time()
            plain(text)
            best = min(best, time.thread_time() - began)
        return best

    assert seconds(240_000) < 0.5 + 10 * seconds(60_000)
