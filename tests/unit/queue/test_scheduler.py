"""Who is next: fair among owners, in turn within one, nobody for ever last."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gradio_app.base.options import ParseOptions
from gradio_app.queue import scheduler
from gradio_app.queue.scheduler import (
    EXPRESS_PAGES,
    HEAD_START,
    Entry,
    FairQueue,
    cut,
    entry,
    eta,
    learn_rate,
)
from tests.unit.records import a_task


def a(
    task_id: str, owner: str, pages: int = 20, priority: int = 0, created: float = 0.0, seq: int = 0
) -> Entry:
    """An entry whose sequence number is the number in its id, unless given."""
    number = seq or int("".join(char for char in task_id if char.isdigit()) or 0)
    options = ParseOptions(priority=priority)
    return entry(a_task(task_id, owner, pages_total=pages, options=options, created_at=created, seq=number))


def pop(queue: FairQueue) -> Entry | None:
    """Starts the next task, as the dispatcher does when a document has one part."""
    item = queue.peek()
    if item is not None:
        queue.discard(item.task_id)
        queue.charge(item.owner, item.pages)
    return item


def drain(queue: FairQueue) -> Iterator[str]:
    while (item := pop(queue)) is not None:
        yield item.task_id


def filled(*items: Entry) -> FairQueue:
    queue = FairQueue()
    for item in items:
        queue.push(item)
    return queue


# ---------------------------------------------------------------- one owner


def test_an_empty_queue_has_nobody() -> None:
    queue = FairQueue()
    assert queue.peek() is None and queue.peek(express_only=True) is None
    assert list(queue.order(5)) == [] and len(queue) == 0


def test_within_an_owner_the_oldest_is_first() -> None:
    queue = filled(a("t2", "ann", created=2), a("t3", "ann", created=3), a("t1", "ann", created=1))
    assert list(drain(queue)) == ["t1", "t2", "t3"]


def test_of_the_same_moment_the_one_that_was_stored_first_is_first() -> None:
    assert list(drain(filled(a("t9", "ann"), a("t10", "ann"), a("t8", "ann")))) == ["t8", "t9", "t10"]


def test_priority_is_a_head_start_within_an_owner() -> None:
    waited = HEAD_START * 2
    queue = filled(
        a("t1", "ann", created=0.0),
        a("t2", "ann", priority=2, created=waited + 1),
        a("t3", "ann", priority=2, created=waited - 1),
        a("t4", "ann", priority=-1, created=-HEAD_START + 2),
    )
    assert list(drain(queue)) == ["t3", "t1", "t2", "t4"]


def test_a_short_document_has_a_head_start_too() -> None:
    short, long = a("t2", "ann", EXPRESS_PAGES, created=5), a("t1", "ann", EXPRESS_PAGES + 1)
    assert short.express and not long.express
    assert short.arrival == 5 - HEAD_START and long.arrival == 0
    assert list(drain(filled(long, short))) == ["t2", "t1"]


def test_priority_buys_nothing_from_other_owners() -> None:
    urgent = [a(f"t{i}", "ann", priority=10) for i in range(1, 6)]
    plain = [a(f"t{i}", "bob", priority=-10) for i in range(6, 11)]
    owners = [task_id in {item.task_id for item in urgent} for task_id in drain(filled(*urgent, *plain))]
    assert owners == [True, False] * 5


# ---------------------------------------------------------------- many owners


def test_a_newcomer_is_next_after_what_is_in_flight() -> None:
    queue = filled(*(a(f"t{i}", "ann", created=i) for i in range(1, 21)))
    in_flight = [pop(queue) for _ in range(3)]
    assert all(in_flight)
    queue.push(a("t99", "bob", created=1000))
    assert next(drain(queue)) == "t99"


def test_pages_are_shared_and_not_documents() -> None:
    big = [a(f"t{i}", "ann", 100, created=i) for i in range(1, 5)]
    small = [a(f"t{i}", "bob", 10, created=i) for i in range(11, 51)]
    order = list(drain(filled(*big, *small)))
    first = order[:22]
    assert sum(1 for task_id in first if task_id in {item.task_id for item in big}) == 2, first
    assert len(first) - 2 == 20


def test_who_was_away_has_saved_nothing_up() -> None:
    queue = filled(a("t1", "bob", 1), *(a(f"t{i}", "ann", 10, created=i) for i in range(2, 12)))
    assert [pop(queue) for _ in range(6)][-1]
    for index in range(20, 30):
        queue.push(a(f"t{index}", "bob", 10, created=index))
    owners = ["ann" if int(task_id[1:]) < 12 else "bob" for task_id in list(drain(queue))[:8]]
    assert abs(owners.count("ann") - owners.count("bob")) <= 2, owners


def test_who_goes_and_comes_back_at_once_gains_nothing() -> None:
    queue = filled(*(a(f"t{i}", "ann", 10, created=i) for i in range(1, 9)))
    served: list[str] = []
    for index in range(20, 28):  # bob has one short task at a time and sends the next when it starts
        queue.push(a(f"t{index}", "bob", 10, created=index))
        served += [item.owner for item in (pop(queue), pop(queue)) if item]
    assert served.count("ann") == served.count("bob") == 8


def test_parts_of_a_long_document_are_paid_one_by_one() -> None:
    queue = filled(a("t1", "ann", 100), a("t2", "bob", 20))
    served: list[str] = []
    for _ in range(4):
        item = queue.peek()
        assert item
        served.append(item.owner)
        queue.charge(item.owner, 10)  # one part; the document stays in line
    assert sorted(served[:2]) == sorted(served[2:]) == ["ann", "bob"]


def test_a_charge_is_at_least_one_page() -> None:
    queue = filled(a("t1", "ann", 1, created=0), a("t3", "ann", 1, created=1), a("t2", "bob", 1, created=2))
    queue.charge("ann", 0)
    assert next(drain(queue)) == "t2"


def test_owners_who_are_not_ahead_and_have_no_tasks_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "FORGET_OWNERS", 10)
    queue = filled(*(a(f"t{index}", f"guest-{index}", 5) for index in range(1, 50)))
    for index in range(50, 90):
        queue.push(a(f"t{index}", "ann", 5, created=index))
    assert len([*drain(queue)]) == 89 and len(queue._times) == 50
    queue.push(a("t90", "bob", 5))
    assert len(queue._times) <= 2 and "ann" in queue._times, "ann is ahead, which must not be forgotten"
    queue.push(a("t91", "ann", 5, priority=10))
    assert list(drain(queue)) == ["t90", "t91"]


def test_owners_who_come_once_do_not_keep_the_others_waiting() -> None:
    queue = filled(*(a(f"t{index}", "ann", 10) for index in range(1, 6)))
    served: list[str] = []
    for index in range(1000, 1400):  # as many as can be served
        queue.push(a(f"t{index}", f"guest-{index}", 1, created=index * 100.0))
        item = pop(queue)
        assert item
        served.append(item.owner)
    assert served.count("ann") == 5


# ---------------------------------------------------------------- coming and going


def test_a_discarded_task_is_gone_and_unknown_ids_are_ignored() -> None:
    queue = filled(a("t1", "ann"), a("t2", "ann"))
    queue.discard("t1")
    queue.discard("nobody")
    assert len(queue) == 1
    assert [item.task_id for item in queue.order(5)] == ["t2"]
    assert list(drain(queue)) == ["t2"]


def test_pushing_a_task_again_replaces_its_entry() -> None:
    queue = filled(a("t1", "ann", created=5), a("t2", "ann", created=6))
    queue.push(a("t1", "ann", created=9))
    assert len(queue) == 2
    assert [item.task_id for item in queue.order(5)] == ["t2", "t1"]
    assert list(drain(queue)) == ["t2", "t1"]


@pytest.mark.parametrize("others", [["t2"], ["t0", "t2"]])
@pytest.mark.parametrize("taken_out_first", [True, False])
def test_a_part_that_comes_back_does_not_stand_in_line_twice(
    taken_out_first: bool, others: list[str]
) -> None:
    item = a("t1", "ann")
    queue = filled(item, *(a(other, "ann") for other in others))
    if taken_out_first:  # its last part had started, and crashed
        queue.discard("t1")
    queue.push(item)
    in_line = sorted(["t1", *others])
    assert [entry.task_id for entry in queue.order(5)] == in_line
    assert list(drain(queue)) == in_line


def test_the_express_lane_shows_only_short_documents() -> None:
    queue = filled(
        a("t1", "ann", 500, priority=10),
        a("t2", "ann", 8, created=3),
        a("t3", "ann", 2, created=2),
        a("t4", "bob", 9),
    )
    first = queue.peek()
    assert first and first.task_id == "t1"
    served: list[str] = []
    while (item := queue.peek(express_only=True)) is not None:
        served.append(item.task_id)
        queue.discard(item.task_id)
    assert served == ["t3", "t2"]
    assert len(queue) == 2


def test_the_express_lane_is_fair_too() -> None:
    queue = filled(a("t1", "ann", 1), a("t2", "bob", 1, created=9))
    queue.charge("ann", 50)
    item = queue.peek(express_only=True)
    assert item and item.owner == "bob"


# ---------------------------------------------------------------- cutting


@pytest.mark.parametrize(
    ("count", "size", "sizes"),
    [
        (0, 64, [0]),
        (1, 64, [1]),
        (64, 64, [64]),
        (65, 64, [32, 33]),
        (192, 64, [64] * 3),
        (193, 64, [16, 59, 59, 59]),
        (592, 64, [16] + [64] * 9),
        (600, 63, [60] * 10),
        (600, 8, [8] * 75),
    ],
)
def test_parts_are_as_long_as_they_may_be(count: int, size: int, sizes: list[int]) -> None:
    assert [len(part) for part in cut(range(1, count + 1), size)] == sizes


# ---------------------------------------------------------------- how long


def test_before_anything_was_measured_there_is_a_guess() -> None:
    assert scheduler.guess_rate("flash") == 0.3
    assert scheduler.guess_rate("advanced") == 3.0
    assert scheduler.guess_rate("basic") == 4.0


def test_the_first_measurement_counts_whole_and_later_ones_a_fifth() -> None:
    assert learn_rate(None, 12.0, 24) == 0.5
    assert learn_rate(0.5, 36.0, 24) == pytest.approx(0.7)
    assert learn_rate(None, 3.0, 0) == 3.0, "no pages count as one"


@pytest.mark.parametrize(
    ("own", "parts", "ahead", "slots", "seconds"),
    [
        (10.0, 1, 0.0, 4, 10.0),  # one part uses one slot
        (40.0, 8, 0.0, 4, 10.0),
        (40.0, 2, 0.0, 4, 20.0),
        (10.0, 1, 80.0, 4, 30.0),
        (10.0, 0, 5.0, 0, 15.0),  # nothing is divided by zero
    ],
)
def test_an_eta_is_what_is_ahead_and_then_its_own(
    own: float, parts: int, ahead: float, slots: int, seconds: float
) -> None:
    assert eta(own, parts, ahead, slots) == pytest.approx(seconds)
