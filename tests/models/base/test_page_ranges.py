"""Page ranges: any text, any pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_app.base.errors import PageRangeInvalid
from gradio_app.base.options import format_pages, normalize_page_range, select_pages


@given(st.text("0123456789r-, ０²a", max_size=30) | st.text(max_size=30))
def test_any_text_is_a_range_or_refused(typed: str) -> None:
    try:
        stored = normalize_page_range(typed)
    except PageRangeInvalid:
        return
    assert set(stored) <= set("0123456789r-,")
    assert normalize_page_range(stored) == stored
    try:
        pages = select_pages(stored, 9)
    except PageRangeInvalid:
        return
    assert pages and set(pages) <= set(range(1, 10)) and list(pages) == sorted(set(pages))


@given(st.sets(st.integers(1, 40), min_size=1), st.integers(40, 60))
def test_written_pages_select_the_same_pages(chosen: set[int], count: int) -> None:
    pages = tuple(sorted(chosen))
    text = format_pages(pages)
    assert normalize_page_range(text) == text
    assert select_pages(text, count) == pages


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_counting_from_the_end_is_counting_backwards(count: int, first: int, last: int) -> None:
    first, last = max(first, last), min(first, last)
    expected = [page for page in range(1, count + 1) if last <= count + 1 - page <= first]
    if expected:
        assert list(select_pages(f"r{first}-r{last}", count)) == expected
    else:
        with pytest.raises(PageRangeInvalid):
            select_pages(f"r{first}-r{last}", count)
