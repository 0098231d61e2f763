"""Accents that are characters of their own, in texts that somebody else put together."""

from __future__ import annotations

from typing import Any

import pytest

from gradio_app.parsing.readers.embedded.accents import composed, over_letters, with_accents


def span(content: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "content": content, **more}


def test_the_text_of_the_page_says_where_accents_belong() -> None:
    theirs = [
        span("We thank Jan Mina´c and ˇ Nguyen Duy Tan, "),
        span("On", styles=["bold"]),
        span(" graphs. ˆ"),
    ]
    ours = "We thank Ján Mináč and Nguyên Duy Tân, On graphs."
    assert with_accents(theirs, ours) == [
        span("We thank Ján Mináč and Nguyên Duy Tân, "),
        span("On", styles=["bold"]),
        span(" graphs."),
    ]


def test_words_parted_at_the_end_of_a_line_are_the_same_letters() -> None:
    assert with_accents([span("caf´e-con- cert")], "café-concert") == [span("café-concert")]


def test_signs_that_look_like_accents_stay() -> None:
    signs = [span("It´s the ´new` way, ``quoted´´ and `error`")]
    assert with_accents(signs, "It´s the ´new` way, ``quoted´´ and `error`") == signs
    assert with_accents(signs, "another text, with the ´ of the page") == signs
    assert with_accents([span("run `error` now")], "something else") == [span("run `error` now")]


@pytest.mark.parametrize("content", ["caf´ e", [span("caf´ e")], [{"items": 1, "content": [span("caf´ e")]}]])
def test_another_text_is_mended_by_its_order(content: Any) -> None:
    assert "café" in str(with_accents(content, "something else"))


def test_letters_that_have_no_such_accent_keep_it_beside_them() -> None:
    assert composed("a", "´") == "á" and composed("ı", "´") == "í" and composed("q", "¨") == ""
    boxes = [(0.0, 0.0, 10.0, 12.0), (2.0, 0.0, 6.0, 12.0)]
    assert over_letters([1], ["q", "¨"], boxes) == {}
    assert over_letters([1], ["u", "¨"], boxes) == {0: "ü", 1: ""}


def test_an_accent_over_two_letters_or_on_another_line_is_left() -> None:
    assert over_letters([2], ["a", "e", "´"], [(0, 0, 10, 12), (0, 1, 10, 12), (2, 0, 6, 12)]) == {}
    assert over_letters([1], ["a", "´"], [(0, 20, 10, 32), (2, 0, 6, 12)]) == {}
