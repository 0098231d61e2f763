"""Heads and feet: out of the text only where they run through the document."""

from __future__ import annotations

from typing import Any

from gradio_app.parsing.marginals import bring_back

Block = dict[str, Any]


def block(kind: str, text: str, top: float = 0.04, height: float = 0.012) -> Block:
    box = [0.1, top, 0.6, top + height]
    return {
        "type": kind,
        "bbox": box,
        "content": [{"type": "text", "content": text}],
        "lines": [{"bbox": box}],
    }


def texts(page: list[Block]) -> list[tuple[str, str]]:
    return [(each["type"], each["content"][0]["content"]) for each in page]


def joined(*heads: str, kind: str = "header", top: float = 0.04) -> list[list[tuple[str, str]]]:
    pages = [[block("text", f"body {n}", 0.5), block(kind, head, top)] for n, head in enumerate(heads)]
    bring_back(pages, range(len(pages)))
    return [texts(page) for page in pages]


def test_the_same_head_on_three_pages_stays_out() -> None:
    assert joined("Annual report", "Annual report", "Annual report")[1] == [
        ("text", "body 1"),
        ("header", "Annual report"),
    ]


def test_on_two_pages_it_comes_back_before_the_text() -> None:
    assert joined("Annual report", "Annual report")[1] == [("text", "Annual report"), ("text", "body 1")]


def test_digits_tell_heads_apart() -> None:
    for page in joined("Section 1", "Section 2", "Section 3", "Section 4"):
        assert page[0][0] == "text" and page[0][1].startswith("Section")


def test_the_number_of_the_page_does_not() -> None:
    for page in joined("Report | 7", "Report | 8", "Report | 9"):
        assert page[-1][0] == "header"


def test_a_foot_comes_back_behind_the_text_and_a_page_number_never() -> None:
    assert joined("Signed in Altdorf", kind="footer", top=0.95) == [
        [("text", "body 0"), ("text", "Signed in Altdorf")]
    ]
    assert joined("Page 3 of 9", kind="footer", top=0.95)[0][-1][0] == "footer"


def test_a_large_head_is_a_heading() -> None:
    page = [block("text", "body", 0.5), block("header", "The mill", height=0.03)]
    bring_back([page], [0])
    assert texts(page)[0] == ("paragraph_title", "The mill")


def test_a_head_comes_back_below_the_title_above_it() -> None:
    page = [
        block("paragraph_title", "Title", 0.03),
        block("text", "body", 0.5),
        block("header", "Place", 0.06),
    ]
    assert bring_back([page], [0])
    assert [text for _, text in texts(page)] == ["Title", "Place", "body"]


def test_all_come_back_when_they_are_to_be_kept() -> None:
    kinds = (("text", "body", 0.5), ("header", "Annual report", 0.04), ("footer", "7", 0.95))
    pages = [[block(*each) for each in kinds] for _ in range(3)]
    assert bring_back(pages, range(3), "all")
    assert texts(pages[0]) == [("text", "Annual report"), ("text", "body"), ("footer", "7")]
    assert not bring_back([[block("text", "body", 0.5)]], [0], "all")


def test_main_content_only_leaves_all_heads_and_feet_out() -> None:
    page = [block("header", "Invoice 12", 0.04), block("text", "body", 0.5)]
    assert not bring_back([page], [0], "none")
    assert texts(page) == [("header", "Invoice 12"), ("text", "body")]


def test_what_stands_below_a_head_that_comes_back_does_too() -> None:
    pages = [
        [
            block("text", "body", 0.5),
            block("header", f"Question {n}"),
            block("header", "Answer in full sentences.", 0.06),
        ]
        for n in range(4)
    ]
    bring_back(pages, range(4))
    assert [text for _, text in texts(pages[2])] == ["Question 2", "Answer in full sentences.", "body"]


def test_what_stands_below_a_heading_is_no_running_head() -> None:
    pages = [
        [
            block("paragraph_title", f"Question {n}", 0.02),
            block("header", "Answer in full."),
            block("text", "b", 0.5),
        ]
        for n in range(4)
    ]
    assert bring_back(pages, range(4))
    assert [text for _, text in texts(pages[2])] == ["Question 2", "Answer in full.", "b"]
