"""Who is next: promises for any queue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradio_app.queue.scheduler import FairQueue, cut, learn_rate
from tests.unit.queue.test_scheduler import a, drain, filled, pop

OWNERS = ["ann", "bob", "cy"]
TASKS = st.lists(
    st.tuples(st.sampled_from(OWNERS), st.integers(1, 100), st.integers(-10, 10), st.integers(0, 5000)),
    max_size=25,
)


def built(tasks: list[tuple[str, int, int, int]]) -> FairQueue:
    return filled(
        *(
            a(f"t{number}", owner, pages, priority, float(created), number)
            for number, (owner, pages, priority, created) in enumerate(tasks)
        )
    )


@given(
    TASKS, st.lists(st.tuples(st.sampled_from(OWNERS), st.integers(1, 300)), max_size=4), st.integers(0, 30)
)
def test_the_announced_order_is_the_order_of_starting(
    tasks: list[tuple[str, int, int, int]], before: list[tuple[str, int]], limit: int
) -> None:
    queue = built(tasks)
    for owner, pages in before:
        queue.charge(owner, pages)
    announced = [item.task_id for item in queue.order(limit)]
    assert len(queue) == len(tasks), "to announce changes nothing"
    assert announced == list(drain(queue))[:limit]


@given(TASKS)
def test_everyone_starts_once_and_each_owners_tasks_in_their_order(
    tasks: list[tuple[str, int, int, int]],
) -> None:
    queue = built(tasks)
    items = {item.task_id: item for item in queue.order(len(tasks))}
    served = [items[task_id] for task_id in drain(queue)]
    assert sorted(item.seq for item in served) == list(range(len(tasks)))
    for owner in OWNERS:
        mine = [item for item in served if item.owner == owner]
        assert mine == sorted(mine)


@given(TASKS)
def test_while_two_owners_wait_neither_gets_far_ahead(tasks: list[tuple[str, int, int, int]]) -> None:
    queue = built(tasks)
    longest = max((pages for _, pages, _, _ in tasks), default=0)
    got = dict.fromkeys(OWNERS, 0)
    waiting = {owner: sum(1 for who, *_ in tasks if who == owner) for owner in OWNERS}
    while (item := pop(queue)) is not None:
        got[item.owner] += item.pages
        waiting[item.owner] -= 1
        ahead = [got[owner] for owner in OWNERS if waiting[owner]]
        if ahead:
            assert max(ahead) - min(ahead) <= longest


FEW = st.lists(st.tuples(st.sampled_from(OWNERS), st.integers(1, 20), st.just(-10), st.just(0)), max_size=8)


@given(FEW, st.sampled_from(OWNERS), st.integers(1, 8), st.integers(1, 3))
def test_nobody_waits_for_ever_however_many_come_later(
    tasks: list[tuple[str, int, int, int]], owner: str, pages: int, burst: int
) -> None:
    queue = built(tasks)
    waiting = {f"t{number}" for number in range(len(tasks))}
    clock, seq = 0.0, 1000
    for _ in range(600):
        if not waiting:
            return
        for _ in range(burst):  # they come as fast as they are served or faster, urgent and short
            clock, seq = clock + 100.0, seq + 1
            queue.push(a(f"n{seq}", owner, pages, 10, clock, seq))
        item = pop(queue)
        assert item
        waiting.discard(item.task_id)
    pytest.fail(f"still waiting: {waiting}")


@given(st.integers(0, 400), st.integers(1, 70), st.integers(1, 5))
def test_parts_cover_all_pages_in_order_and_are_even(count: int, size: int, step: int) -> None:
    pages = range(1, 1 + count * step, step)
    parts = cut(pages, size)
    assert [page for part in parts for page in part] == list(pages)
    sizes = [len(part) for part in parts]
    early = sizes.pop(0) if count > 3 * size and size >= 64 else 0
    assert early in (0, size // 4)
    assert max(sizes) <= size and max(sizes) - min(sizes) <= 1
    assert len(sizes) == max(1, -(-(count - early) // size)), "as few as possible"


@given(st.floats(0.001, 100), st.floats(0.001, 100), st.integers(1, 50))
def test_learning_moves_towards_what_is_measured(known: float, rate: float, pages: int) -> None:
    learned = learn_rate(known, rate * pages, pages)
    low, high = sorted((known, rate))
    assert low * 0.999 <= learned <= high * 1.001
    for _ in range(60):
        learned = learn_rate(learned, rate * pages, pages)
    assert learned == pytest.approx(rate, rel=0.01, abs=0.001)
