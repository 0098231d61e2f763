"""Whatever pages kill their worker, they are found, and all others are read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gradio_app.base.errors import AppError, EngineLost
from gradio_app.queue.retry_policy import ShardFailures, halves, judge
from tests.unit.queue.test_retry_policy import AGAIN, HALVE


@given(st.lists(st.integers(1, 999), min_size=2, unique=True).map(tuple))
def test_halves_are_all_pages_in_order(pages: tuple[int, ...]) -> None:
    first, second = halves(pages)
    assert first + second == pages
    assert first and 0 <= len(second) - len(first) <= 1


@given(st.integers(1, 64), st.sets(st.integers(1, 64), max_size=3))
def test_a_page_that_kills_is_found_and_the_others_are_read(count: int, poison: set[int]) -> None:
    """Whatever holds a bad page loses the server; all that is given up in the end are those pages."""
    todo = [(tuple(range(1, count + 1)), ShardFailures())]
    read: list[int] = []
    lost: list[int] = []
    while todo:
        pages, history = todo.pop(0)
        if not poison & set(pages):
            read += pages
            continue
        history = history.failed(AppError())
        verdict = judge(EngineLost(), len(pages), history, len(lost))
        if verdict is AGAIN:
            todo.append((pages, history))
        elif verdict is HALVE:
            todo += [(half, history.half()) for half in halves(pages)]
        else:
            lost += pages
    assert sorted(lost) == sorted(poison & set(range(1, count + 1)))
    assert sorted(read + lost) == list(range(1, count + 1))
