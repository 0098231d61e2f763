"""Paragraphs, headings and margins of pages that are made of words."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence

import pytest

from gradio_app.parsing.readers.embedded import lines, margins, order, pairs, paragraphs, scans
from gradio_app.parsing.readers.embedded.facts import PageFacts, Region, Word
from gradio_app.parsing.readers.embedded.geometry import Box
from gradio_app.parsing.readers.embedded.margins import PAGE_NUMBER, margin_kind
from gradio_app.parsing.readers.embedded.paragraphs import Obstacle, Paragraph
from tests.patterns import slow
from tests.unit.parsing.pages_of_words import line, page

LONG = "the harbour keeps a ledger of ships and cargo for the town"


def stack(x: float, y: float, texts: Sequence[str], pitch: float = 13.0) -> list[Word]:
    """Lines of text one below the other."""
    return [word for number, text in enumerate(texts) for word in line(x, y + pitch * number, text)]


def read(facts: PageFacts, obstacles: Sequence[Box] = ()) -> list[tuple[str, str]]:
    """Kind and text of what is read; obstacles by their number."""
    return [
        ("obstacle", str(each.index)) if isinstance(each, Obstacle) else (each.kind, each.text)
        for each in paragraphs.paragraphs(facts.words, facts, obstacles)
    ]


def test_lines_of_a_column_are_a_paragraph_until_one_stands_off() -> None:
    words = [*stack(50, 100, ["one two three four", "five six seven eight"]), *line(50, 150, "nine ten")]
    assert read(page(words)) == [("text", "one two three four five six seven eight"), ("text", "nine ten")]


def test_an_indented_line_begins_a_paragraph() -> None:
    words = stack(50, 100, [LONG, LONG]) + line(65, 126, LONG) + line(50, 139, LONG)
    assert read(page(words)) == [("text", f"{LONG} {LONG}")] * 2


def test_a_short_line_ends_a_paragraph() -> None:
    words = stack(50, 100, [LONG, LONG, "its end.", LONG])
    assert read(page(words)) == [("text", f"{LONG} {LONG} its end."), ("text", LONG)]


def test_columns_are_read_one_after_the_other_below_their_heading() -> None:
    left, right = (
        [f"left {n} of the column" for n in range(9)],
        [f"right {n} of the column" for n in range(9)],
    )
    words = line(120, 60, "A heading over both", size=16) + stack(50, 100, left) + stack(320, 100, right)
    assert read(page(words)) == [
        ("title", "A heading over both"),
        ("text", " ".join(left)),
        ("text", " ".join(right)),
    ]


def test_a_bold_line_is_a_heading_unless_all_is_bold() -> None:
    heading, body = line(50, 100, "Duties", bold=True), stack(50, 130, [LONG, LONG])
    assert read(page(heading, body))[0] == ("title", "Duties")
    bold = [line(50, 130, LONG, bold=True), line(50, 143, LONG, bold=True)]
    assert read(page(heading, *bold))[0] == ("text", "Duties")


def test_obstacles_have_their_place() -> None:
    words = stack(50, 100, [LONG, LONG]) + stack(50, 300, [LONG, LONG])
    kinds = [kind for kind, _ in read(page(words), [(50, 150, 340, 280)])]
    assert kinds == ["text", "obstacle", "text"]
    assert read(page([]), [(50, 150, 340, 280)]) == [("obstacle", "0")]


def test_items_begin_at_their_marks() -> None:
    words = [*stack(50, 100, ["\uf0b7", "\uf0b7"]), *stack(64, 100, ["first item here", "second item here"])]
    found = read(page(words))
    assert found == [("text", "• first item here"), ("text", "• second item here")]


def test_a_value_stands_behind_its_label() -> None:
    words = [
        *line(50, 200, "Total amount"),
        *line(400, 200, "1,204.50"),
        *line(50, 240, "Name:"),
        *line(400, 240, "Anna"),
        *line(50, 280, "Here is a text"),
        *line(400, 280, "and some other"),
    ]
    found = [text for _, text in read(page(words))]
    assert "Total amount 1,204.50" in found
    assert "Name: Anna" in found
    assert "Here is a text" in found


def test_words_stay_the_same_objects() -> None:
    facts = page(stack(50, 100, ["\uf0b7"]), line(64, 100, "item"), stack(50, 200, [LONG]))
    found = paragraphs.paragraphs(facts.words, facts)
    kept = {id(w) for each in found if isinstance(each, Paragraph) for part in each.lines for w in part.words}
    assert kept == {id(word) for word in facts.words}


# ------------------------------------------------------------ margins


def body() -> list[Word]:
    return stack(50, 120, [LONG] * 40)


def test_a_row_of_parts_at_an_edge_is_a_running_one() -> None:
    words = [*line(50, 40, "Annual report"), *line(470, 40, "March 2031"), *body()]
    found = read(page(words))
    assert [each for each in found if each[0] == "header"] == [
        ("header", "Annual report"),
        ("header", "March 2031"),
    ]
    words = [*body(), *line(50, 800, "Annual report"), *line(470, 800, "17 of 30")]
    assert sorted(kind for kind, _ in read(page(words))) == ["footer", "footer", "text"]


def test_last_lines_of_columns_are_no_running_row() -> None:
    """Both end at the same height, near the edge of the page, with a wide gutter between them."""
    left, right = (
        [f"left {n} of the column" for n in range(50)],
        [f"right {n} of the column" for n in range(50)],
    )
    words = stack(50, 110, left) + stack(360, 110, right)
    assert [kind for kind, _ in read(page(words))] == ["text", "text"]


@pytest.mark.parametrize("text", ["7", "Page 12", "- 3 -", "xiv", "4 / 20", "Page 3 of 9", "page\n5"])
def test_numbers_of_pages(text: str) -> None:
    assert PAGE_NUMBER.match(text)
    assert (
        margin_kind(text, (290, 800, 310, 812), page(body()), [(50, 120, 330, 700)], 1, 10, 10)
        == "page_number"
    )
    assert margin_kind(text, (290, 300, 310, 312), page(body()), [(50, 120, 330, 700)], 1, 10, 10) == ""


@pytest.mark.parametrize("text", ["Chapter 7", "12345", "7.", "page", "pages 3"])
def test_no_numbers_of_pages(text: str) -> None:
    assert not PAGE_NUMBER.match(text)


def test_a_block_that_the_model_sees_as_a_header_is_one_only_at_the_top() -> None:
    box: Box = (50, 40, 200, 52)
    seen = PageFacts(595, 842, regions=(Region("header", 0.8, (45, 35, 210, 55)),))
    text: Box = (50, 120, 330, 700)
    assert margin_kind("A title", box, seen, [text], 1, 10, 10) == "header"
    assert margin_kind("A title", box, seen, [text, (50, 20, 200, 32)], 1, 10, 10) == ""
    assert margin_kind("A title", box, seen, [text], 1, 14, 10) == ""
    assert margin_kind("A title", box, page(), [text], 1, 10, 10) == ""


# ------------------------------------------------------------ scans


def scanned(x: float, y: float, texts: Sequence[str], pitch: float, low: Sequence[int]) -> list[Word]:
    """Lines as OCR gives them: those of ``low`` have boxes that are lower by a third."""
    words: list[Word] = []
    for number, text in enumerate(texts):
        top, bottom = (2.0, 8.5) if number in low else (0.0, 10.0)
        wide = 5.0 if text.isascii() else 10.0
        at, level = x, y + pitch * number
        for part in text.split():
            end = at + wide * len(part)
            words.append(Word(at, level + top, end, level + bottom, part, 0.8 * (bottom - top)))
            at = end + wide
    return words


def test_a_paragraph_of_a_scan_is_not_cut_where_boxes_are_low() -> None:
    facts = page(scanned(50, 100, [LONG] * 8, 15, low=(1, 2, 5)), scan=True)
    assert read(facts) == [("text", " ".join([LONG] * 8))]


def test_lines_of_a_scan_that_are_far_apart_are_a_paragraph_as_their_column_is() -> None:
    first, second = [LONG] * 5, [LONG] * 4
    words = scanned(50, 100, first, 22, low=(2,)) + scanned(50, 250, second, 22, low=())
    assert read(page(words, scan=True)) == [("text", " ".join(first)), ("text", " ".join(second))]


def test_short_paragraphs_of_a_scan_stay_apart() -> None:
    """Most of the distances in their column are those between paragraphs: 12 points in them, 17 between."""
    words: list[Word] = []
    y, wanted = 100.0, list[tuple[str, str]]()
    for count in (2, 2, 1, 2, 1):
        words += scanned(50, y, [LONG] * count, 12, low=(0,))
        wanted.append(("text", " ".join([LONG] * count)))
        y += 12 * (count - 1) + 17
    assert read(page(words, scan=True)) == wanted


def test_chinese_lines_of_a_scan() -> None:
    text = "港口的账册由值班人员和一名船员共同签字保管"
    words = scanned(50, 100, [text] * 5, 21, low=(1, 4))
    assert read(page(words, scan=True)) == [("text", text * 5)]


def test_a_heading_of_a_scan_is_clearly_larger() -> None:
    heading = [Word(50, 60, 140, 82, "Duties", 18)]
    text = scanned(50, 110, [LONG] * 6, 15, low=range(5))
    assert [kind for kind, _ in read(page(heading, text, scan=True))] == ["title", "text"]
    high = scanned(50, 80, ["high letters"], 15, low=())
    assert [kind for kind, _ in read(page(high, text, scan=True))] == ["text", "text"]


# ------------------------------------------------------------ bounds

#: words of a hostile page; with 5,000 each takes 2 s at most
COUNT = 800
NAN = float("nan")


def hostile(name: str) -> list[Word]:
    chance = random.Random(name)
    places = {
        "scattered": lambda _: (chance.random() * 600, chance.random() * 800),
        "one row": lambda n: (n * 40, 100),
        "two rows": lambda n: (n // 2 * 40, 100 + n % 2 * 12),
        "column": lambda n: (100, n * 12),
        "close grid": lambda n: (n % 70 * 32, n // 70 * 12),
        "no numbers": lambda n: (NAN if n % 3 else 1, n),
    }
    found = [places[name](n) for n in range(COUNT)]
    return [Word(x, y, x + 20, y + 10, "•" if n % 7 == 0 else "word", 8.5) for n, (x, y) in enumerate(found)]


@pytest.mark.parametrize("scan", [False, True])
@pytest.mark.parametrize("name", ["scattered", "one row", "two rows", "column", "close grid", "no numbers"])
def test_hostile_pages_end(name: str, scan: bool) -> None:
    facts = page(hostile(name), scan=scan)
    begun = time.process_time()
    found = paragraphs.paragraphs(facts.words, facts, [(50, 50, 90, 90)] * 50)
    assert time.process_time() - begun < 4
    kept = [
        word for each in found if isinstance(each, Paragraph) for part in each.lines for word in part.words
    ]
    assert len(kept) == len(facts.words)


@pytest.mark.parametrize("module", [lines, margins, order, pairs, paragraphs, scans])
def test_patterns_take_linear_time(module: object) -> None:
    for name, value in vars(module).items():
        if isinstance(value, re.Pattern):
            assert slow(value.pattern, value.flags) == "", name  # pyright: ignore[reportUnknownMemberType]
