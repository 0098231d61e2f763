"""Mending of flash's page: what is wrong is replaced, what is right stays the same object's value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gradio_app.parsing.readers.embedded.blocks import Block
from gradio_app.parsing.readers.embedded.facts import PageFacts, Region, Word
from gradio_app.parsing.readers.embedded.geometry import union
from gradio_app.parsing.readers.embedded.mend import mend
from gradio_app.parsing.readers.embedded.tables import find_tables
from gradio_app.parsing.readers.flash import text_of
from tests.unit.parsing.pages_of_words import CHAR, grid, line, page, rules_across, text

RIVERS = [
    ["River", "Length", "Flow", "Basin"],
    ["Aar", "295", "560", "17.8"],
    ["Inn", "518", "735", "26.1"],
    ["Thur", "135", "47", "1.7"],
    ["Reuss", "164", "140", "3.4"],
]


def block(kind: str, words: Sequence[Word], content: Any = None, **more: Any) -> Block:
    """A block as flash makes it, around words of a page of 595 x 842 points."""
    x0, y0, x1, y1 = union(word.box for word in words)
    shares = (x0 / 595, y0 / 842, x1 / 595, y1 / 842)
    bbox = [min(1.0, max(0.0, share)) for share in shares]
    shown = " ".join(word.text for word in words)
    content = [{"type": "text", "content": shown}] if content is None else content
    return {"type": kind, "bbox": bbox, "content": content, "lines": [{"bbox": bbox}], **more}


def mended(blocks: Sequence[Block], facts: PageFacts) -> list[Block]:
    return mend(blocks, facts, find_tables(facts)).blocks


def kinds(blocks: Sequence[Block]) -> list[str]:
    return [each["type"] for each in blocks]


def test_blocks_that_are_right_keep_their_values() -> None:
    first, second = text(72, 100, 400, 6), text(72, 300, 400, 6, seed=3)
    spans = [
        {"type": "text", "content": "m"},
        {"type": "text", "content": "2", "styles": ["superscript"]},
        {
            "type": "hyperlink",
            "url": "https://example.org/",
            "content": [{"type": "text", "content": "river"}],
        },
    ]
    blocks = [block("text", first, spans), block("text", second, footnotes=["a"])]
    assert mended(blocks, page(first, second)) == blocks


def test_a_table_takes_the_place_of_loose_text() -> None:
    above, below = text(72, 100, 400, 4), text(72, 400, 400, 4, seed=5)
    rows = grid(72, 200, RIVERS, (90, 80, 80, 80))
    facts = page(above, rows, below, across=rules_across(72, 400, (196, 212, 280)))
    found = mended([block("text", above), block("code", rows, "River"), block("text", below)], facts)
    assert kinds(found) == ["text", "table", "text"]
    assert "<td>17.8</td>" in found[1]["content"]


def test_flashs_table_stays_when_it_is_as_full() -> None:
    rows = grid(72, 200, RIVERS, (90, 80, 80, 80))
    cells = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in RIVERS)
    theirs = block("table", rows, f"<table>{cells}</table>", image_base64="data:")
    found = mended([theirs], page(rows, across=rules_across(72, 400, (196, 212, 280))))
    assert found == [theirs]


def test_a_panel_that_is_shown_as_a_picture_is_text() -> None:
    inside = text(100, 200, 350, 4)
    found = mended([block("image", inside, "", image_base64="data:")], page(inside))
    assert kinds(found) == ["text"]
    assert text_of(found[0]).startswith(inside[0].text)


def test_a_real_picture_with_words_on_it_stays() -> None:
    inside = text(100, 200, 350, 4)
    box = union(word.box for word in inside)
    picture = block("image", inside, "", image_base64="data:")
    assert mended([picture], replace(page(inside), images=(box,))) == [picture]


def test_a_formula_on_one_line_is_text_with_its_indices() -> None:
    large = line(100, 200, "v = a t")
    small = Word(large[-1].x1, 198, large[-1].x1 + 3, 204, "2", 6.0)
    found = mended([block("equation", [*large, small], "")], page(large, [small]))
    assert kinds(found) == ["text"]
    assert found[0]["content"][-1] == {"type": "text", "content": "2", "styles": ["superscript"]}


def test_a_formula_with_a_fraction_stays_a_picture() -> None:
    above, below = line(120, 190, "a"), line(120, 215, "b")
    formula = block("equation", [*above, *below], "", image_base64="data:")
    facts = page(above, below, across=((115.0, 208.0, 130.0, 208.0),))
    assert mended([formula], facts) == [formula]


def test_words_that_flash_left_out_come_back_where_they_stand() -> None:
    first, lost, last = (
        text(72, 100, 400, 5),
        line(72, 200, "Keep dry and cool"),
        text(72, 260, 400, 5, seed=4),
    )
    found = mended([block("text", first), block("text", last)], page(first, lost, last))
    assert [text_of(each) for each in found][1] == "Keep dry and cool"
    assert len(found) == 3


def test_a_list_that_was_glued_is_cut_at_its_signs() -> None:
    items = [
        line(72, 100 + 14 * n, f"\uf0b7 {name} is long") for n, name in enumerate(("Aar", "Inn", "Thur"))
    ]
    words = [word for item in items for word in item]
    found = mended([block("text", words)], page(words))
    assert [text_of(each) for each in found] == [f"• {name} is long" for name in ("Aar", "Inn", "Thur")]


def test_lines_of_one_width_become_code_with_their_indentation() -> None:
    rows = ("def flow(a):", "return a", "print(flow(1))")
    listing = [
        replace(word, mono=True, x0=word.x0 + shift, x1=word.x1 + shift)
        for n, row in enumerate(rows)
        for shift in (4 * CHAR if row.startswith("return") else 0,)
        for word in line(72, 200 + 13 * n, row)
    ]
    prose = text(72, 300, 400, 8)
    found = mended([block("text", listing), block("text", prose)], page(listing, prose))
    assert kinds(found) == ["code", "text"]
    assert found[0]["content"].splitlines()[1].startswith("    return")


def test_a_header_stays_one() -> None:
    head, body = line(72, 40, "Rivers of the north"), text(72, 100, 400, 30)
    assert kinds(mended([block("header", head), block("text", body)], page(head, body))) == ["text", "header"]


def test_a_page_number_is_no_text() -> None:
    number, body = line(290, 800, "12"), text(72, 100, 400, 30)
    found = mended([block("text", body), block("text", number)], page(body, number))
    assert kinds(found) == ["text", "page_number"]
    found = mended([block("footer", number), block("text", body)], page(body, number))
    assert sorted(kinds(found)) == ["footer", "text"]


def test_the_only_text_of_a_page_is_no_header() -> None:
    only = line(72, 60, "Annex")
    facts = replace(page(only), regions=(Region("header", 0.9, union(word.box for word in only)),))
    assert kinds(mended([block("text", only)], facts)) == ["text"]


def test_columns_that_flash_interleaved_are_read_one_after_the_other() -> None:
    left = [text(60, 100 + 80 * n, 200, 5, seed=n) for n in range(4)]
    right = [text(320, 100 + 80 * n, 200, 5, seed=10 + n) for n in range(4)]
    mixed = [block("text", words) for pair in zip(left, right, strict=True) for words in pair]
    found = mended(mixed, page(*left, *right))
    assert [each["bbox"] for each in found] == [each["bbox"] for each in mixed[::2] + mixed[1::2]]


def test_text_on_end_at_the_side_is_aside() -> None:
    side = [Word(20, 300, 32, 420, "preprint", 10, angle=270.0)]
    body = text(72, 100, 400, 20)
    assert kinds(mended([block("text", side), block("text", body)], page(side, body))) == [
        "text",
        "aside_text",
    ]


def test_many_small_headings_are_text() -> None:
    words = [text(72, 80 + 40 * n, 400, 1, seed=n) for n in range(5)]
    blocks = [block("paragraph_title", each) for each in words]
    assert kinds(mended(blocks, page(*words))) == ["text"] * 5


def test_a_page_of_very_many_blocks_ends_soon() -> None:
    words = [w for x in range(60) for y in range(60) for w in line(5 + 9.6 * x, 20 + 13 * y, "a")]
    blocks = [block("text", [word]) for word in words]
    assert len(mend(blocks, page(words), ()).blocks) == len(blocks)


def test_blocks_on_one_another_stay_as_they_are() -> None:
    words = line(72, 100, "river") * 2000
    blocks = [block("text", [word]) for word in words]
    assert mend(blocks, page(words), ()).blocks == blocks


def test_a_bold_larger_line_in_running_text_is_a_heading() -> None:
    above, below = text(72, 100, 400, 4), text(72, 400, 400, 4, seed=5)
    head = [replace(word, bold=True, size=13.0) for word in line(72, 170, "Traffic by quay")]
    facts = page(above, head, below)
    glued = mended([block("text", [*above, *head]), block("text", below)], facts)
    assert [(each["type"], text_of(each)[:15]) for each in glued][1] == ("paragraph_title", "Traffic by quay")
    alone = mended([block("text", above), block("text", head), block("text", below)], facts)
    assert kinds(alone) == ["text", "paragraph_title", "text"]
    same = [replace(word, bold=True) for word in line(72, 170, "Traffic by quay")]
    assert kinds(mended([block("text", [*above, *same])], page(above, same))) == ["text"]
