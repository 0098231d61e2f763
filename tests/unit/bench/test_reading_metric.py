"""The metric of public pages: what a right page gets, and what it takes from a wrong one."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from bench.reading import kept, pages, reference
from bench.reading.metric import Line, neighbours, order_found, plain, score, tables, words_found
from tests.documents import sentence


def column(texts: list[str], left: float = 50, top: float = 100, width: float = 200) -> list[Line]:
    return [
        Line(text, left, top + 12 * row, left + width, top + 12 * row + 10) for row, text in enumerate(texts)
    ]


def prose(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [sentence(rng, 8) for _ in range(count)]


LEFT, RIGHT = prose(10, 1), prose(10, 2)
TWO_COLUMNS = [*column(LEFT), *column(RIGHT, left=300)]


def test_a_page_in_the_right_order_gets_all() -> None:
    got = score(TWO_COLUMNS, "\n".join(LEFT) + "\n\n" + "\n".join(RIGHT))
    assert (got.words, got.order, got.tables) == (1.0, 1.0, 0)


def test_interleaved_columns_have_their_words_and_no_order() -> None:
    woven = "\n".join(f"{left} {right}" for left, right in zip(LEFT, RIGHT, strict=True))
    got = score(TWO_COLUMNS, woven)
    assert got.words == 1.0 and got.order is not None and got.order < 0.1


def test_one_column_after_half_of_the_other_breaks_two_lines() -> None:
    result = "\n".join([*LEFT[:5], *RIGHT, *LEFT[5:]])
    assert order_found(TWO_COLUMNS, result) == pytest.approx(17 / 18)


def test_missing_words_are_missing() -> None:
    lines = column(["one two three four", "five six seven eight"])
    assert words_found(lines, "one two three four five six seven") == 7 / 8
    assert words_found(lines, "") == 0.0


def test_a_word_counts_as_often_as_it_is_on_the_page() -> None:
    assert words_found(column(["no no no yes"]), "no yes") == 0.5
    assert words_found(column(["no yes"]), "no no no yes yes") == 1.0


@pytest.mark.parametrize("result", ["a document of pages", "a docu-\nment of pages", "a docu ment of pages"])
def test_a_word_broken_by_a_line_end_may_be_whole_or_in_two(result: str) -> None:
    assert words_found(column(["a docu-", "ment of pages"]), result) == 1.0


def test_ligatures_case_and_markup_make_no_difference() -> None:
    lines = column(["The ﬁrst OFFICE 12.5 %", "H2O and x1 are bold text"])
    result = "# The **first** office 12.5 %\n\nH<sub>2</sub>O and $x_{1}$ are [bold](http://a.b/c) text"
    assert words_found(lines, result) == 1.0
    assert "http" not in plain(result) and "picture" not in plain("![picture](images/a.png)")


def test_what_looks_like_a_tag_is_text() -> None:
    assert (
        words_found(column(["if a < b and c > d use List<Item>"]), "if a < b and c > d use List<Item>") == 1.0
    )


def test_headers_count_as_words_and_are_told_apart() -> None:
    lines = [*column(["Annual report of the house"], top=20), *column(LEFT)]
    got = score(lines, "\n".join(LEFT), ["Annual report of the house"])
    assert got.words == 1.0 and got.body < 1.0 and got.order == 1.0


def test_the_number_of_a_footnote_may_stand_between() -> None:
    lines = column(["the first footnote of this page", "the second footnote of this page"])
    assert order_found(lines, "1 the first footnote of this page\n2 the second footnote of this page") == 1.0
    assert (
        order_found(lines, "the first footnote of this page, words, the second footnote of this page") == 0.0
    )


CELLS = [["Alexandra Mustermann", "Department of Parsing"], ["Bartholomew Beispiel", "Department of Queues"]]
HTML = "<table>" + "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in CELLS) + "</table>"
PIPES = "| a | b |\n|---|---|\n" + "\n".join(f"| {a} | {b} |" for a, b in CELLS)


@pytest.mark.parametrize("result", [HTML, PIPES])
def test_a_table_is_in_order_whatever_its_lines_are(result: str) -> None:
    by_columns = [*column([a for a, _ in CELLS]), *column([b for _, b in CELLS], left=300)]
    by_rows = column([" ".join(row) for row in CELLS], width=450)
    assert order_found(by_columns, result) == 1.0 and order_found(by_rows, result) == 1.0
    assert order_found(by_columns, "\n".join(" ".join(row) for row in CELLS)) == 0.0, "no table, no columns"


def test_tables_are_counted_and_spans_keep_their_columns() -> None:
    spanned = (
        '<table><tr><td rowspan="2">A</td><td colspan="2">B</td></tr><tr><td>1</td><td>2</td></tr></table>'
    )
    assert tables(f"text\n\n{spanned}\n\n{PIPES}\n") == [
        [["A", "B", ""], ["", "1", "2"]],
        [["a", "b"], *CELLS],
    ]
    assert tables("a | b\nno table") == [] and tables('<td colspan="nan">x</td>') == []


def test_a_heading_over_two_columns_has_nothing_below_it() -> None:
    heading = Line("A heading over both columns", 50, 88, 500, 98)
    assert [above for above, _ in neighbours([heading, *TWO_COLUMNS]) if above == heading] == []
    assert order_found([heading], "whatever") is None


# ---------------------------------------------------------------- what stands on a page


@pytest.mark.parametrize("read", [reference.poppler_lines, reference.pdfium_lines])
def test_a_page_has_its_lines(read: Callable[[Path, int], list[Line]], tmp_path: Path) -> None:
    from tests.documents import text_pdf

    if read is reference.poppler_lines and reference.name() != "pdftotext":
        pytest.skip("pdftotext is not installed")
    path = tmp_path / "text.pdf"
    path.write_bytes(text_pdf(lines=5))
    lines = read(path, 1)
    assert len(lines) == 7 and lines[0].text == "Plain report, page 1"
    assert all(above.top < below.top for above, below in pairwise(lines))
    assert words_found(lines, "\n".join(line.text for line in lines)) == 1.0


def test_a_damaged_file_is_a_value_error(tmp_path: Path) -> None:
    path = tmp_path / "none.pdf"
    path.write_bytes(b"no document")
    with pytest.raises(ValueError, match="cannot read page 1"):
        reference.pdfium_lines(path, 1)


# ---------------------------------------------------------------- the list and its table


def test_the_list_is_as_long_and_as_mixed_as_its_rule_says(tmp_path: Path) -> None:
    listed = kept.load()
    assert len(listed) == kept.PAGES and len({each.sha256 for each in listed}) >= 30
    assert [each.sha256 for each in listed] == sorted(each.sha256 for each in listed)
    assert max([each.sha256 for each in listed].count(each.sha256) for each in listed) <= kept.EACH
    assert sum(each.plain for each in listed) >= 10
    assert len(kept.missing(listed, tmp_path)) == len({each.sha256 for each in listed})


def test_the_table_names_losses_false_tables_and_failures() -> None:
    first, second = (
        kept.Kept("one/suite", "c", name, 1, "s", plain)
        for name, plain in (("a.pdf", True), ("b.pdf", False))
    )
    good, bad = pages.score(TWO_COLUMNS, "\n".join(LEFT + RIGHT)), pages.score(TWO_COLUMNS, HTML)
    text = pages.report(
        [
            pages.Reading(first, "flash", good, 0.1),
            pages.Reading(first, "auto", bad, 0.2),
            pages.Reading(second, "flash", good, 0.1),
            pages.Reading(second, "auto", good, 0.2, "file_corrupt"),
        ]
    )
    assert "| suite a.pdf | 1.000 | 0.000 | 1.000 | 0.000 |" in text
    assert "| tables on pages of plain text | 0 on 1 pages | 1 on 1 pages (suite a.pdf p. 1) |" in text
    assert "| pages that failed | 0 | suite b.pdf p. 1: file_corrupt |" in text
    assert "flash at auto: suite a.pdf (words 0.000 for 1.000), suite a.pdf (order 0.000 for 1.000)." in text
