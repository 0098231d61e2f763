"""Page ranges: what people type, what it selects, and how pages are written back."""

from __future__ import annotations

import pytest

from gradio_app.base.errors import PageRangeInvalid
from gradio_app.base.options import format_pages, normalize_page_range, select_pages


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("", ""),
        ("  \n", ""),
        ("all", ""),
        (" ALL ", ""),
        ("7", "7"),
        ("1-5", "1-5"),
        (" 1 - 5 ,\t8", "1-5,8"),
        ("5-5", "5-5"),
        ("r1", "r1"),
        ("R3-R1", "r3-r1"),
        ("2-r2", "2-r2"),
        ("r9-3", "r9-3"),
        ("999", "999"),
        ("007", "007"),
        ("999999999", "999999999"),
        ("3,1,2", "3,1,2"),
    ],
)
def test_a_range_is_kept_without_blanks(typed: str, stored: str) -> None:
    assert normalize_page_range(typed) == stored
    assert normalize_page_range(stored) == stored


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("0", "no page 0"),
        ("0-3", "no page 0"),
        ("r0", "no page 0"),
        ("3-r0", "no page 0"),
        ("5-3", "'5-3' runs backwards"),
        ("r1-r3", "'r1-r3' runs backwards"),
        ("a-b", "'a-b' is not a page range"),
        ("-3", "'-3' is not"),
        ("3-", "'3-' is not"),
        ("1-2-3", "'1-2-3' is not"),
        ("1,,2", "'' is not"),
        ("1,", "'' is not"),
        (",", "'' is not"),
        ("1.5", "'1.5' is not"),
        ("+1", "'+1' is not"),
        ("1e3", "'1e3' is not"),
        ("r", "'r' is not"),
        ("rr1", "'rr1' is not"),
        ("1;2", "'1;2' is not"),
        ("1234567890", "'1234567890' is not"),
        ("9" * 900, f"{'9' * 40!r} is not"),
        ("1," * 600, "too long"),
        ("１-２", "is not a page range"),
        ("٣", "is not a page range"),
        ("²", "is not a page range"),
        ("1\0", "is not a page range"),
    ],
)
def test_what_is_no_range_is_refused_with_a_reason(typed: str, told: str) -> None:
    with pytest.raises(PageRangeInvalid) as caught:
        normalize_page_range(typed)
    assert told in caught.value.message
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("stored", "count", "pages"),
    [
        ("", 3, (1, 2, 3)),
        ("", 0, ()),
        ("2", 3, (2,)),
        ("1-3", 3, (1, 2, 3)),
        ("2-99", 4, (2, 3, 4)),
        ("1-999999999", 2, (1, 2)),
        ("3,1,2-3,1", 5, (1, 2, 3)),
        ("r1", 5, (5,)),
        ("r2-r1", 5, (4, 5)),
        ("r2-r1", 1, (1,)),
        ("2-r2", 5, (2, 3, 4)),
        ("r3-4", 5, (3, 4)),
        ("r999-2", 5, (1, 2)),
        ("1,99", 5, (1,)),
    ],
)
def test_a_range_selects_pages_of_this_document(stored: str, count: int, pages: tuple[int, ...]) -> None:
    assert select_pages(stored, count) == pages


@pytest.mark.parametrize(
    ("stored", "count", "told"),
    [
        ("999", 10, "'999' selects no page: the document has 10"),
        ("r11", 10, "selects no page"),
        ("11-12,r99", 10, "selects no page"),
        ("1", 0, "the document has 0"),
        ("5-r8", 10, "'5-r8' runs backwards in a document of 10 pages"),
        ("1,r1-3", 10, "'r1-3' runs backwards"),
    ],
)
def test_a_range_that_selects_nothing_here_is_refused(stored: str, count: int, told: str) -> None:
    with pytest.raises(PageRangeInvalid) as caught:
        select_pages(stored, count)
    assert told in caught.value.message


def test_a_range_that_was_never_checked_is_refused_too() -> None:
    with pytest.raises(PageRangeInvalid):
        select_pages("1-2-3", 10)


@pytest.mark.parametrize(
    ("pages", "text"),
    [((), ""), ((4,), "4"), ((1, 2), "1-2"), ((1, 2, 3, 8), "1-3,8"), ((1, 3, 5, 6), "1,3,5-6")],
)
def test_pages_are_written_as_runs(pages: tuple[int, ...], text: str) -> None:
    assert format_pages(pages) == text
