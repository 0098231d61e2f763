"""Two kinds of slots: neither keeps the other waiting, and each has its express lane."""

from __future__ import annotations

from gradio_app.queue.scheduler import EXPRESS_PAGES, Entry, Lanes, entry
from tests.unit.records import a_task

HERE, VISION = False, True
LONG, SHORT = EXPRESS_PAGES + 1, EXPRESS_PAGES


def a(number: int, vision: bool, pages: int = LONG, owner: str = "ann") -> Entry:
    """The ``number``-th task that came."""
    tier = "standard" if vision else "flash"
    return entry(
        a_task(f"t{number}", owner, pages_total=pages, created_at=float(number), seq=number, tier=tier)
    )


def lanes(*items: Entry, here: int = 1, vision: int = 2) -> Lanes:
    made = Lanes({HERE: here, VISION: vision})
    for item in items:
        made.push(item)
    return made


def started(made: Lanes, busy: list[Entry]) -> list[str]:
    """Starts whoever gets a slot, until nobody does; ``busy`` grows. Returns who started."""
    names: list[str] = []
    while (item := made.next(busy)) is not None:
        made.discard(item.task_id)
        made.charge(item, item.pages)
        busy.append(item)
        names.append(item.task_id)
    return names


def left(made: Lanes) -> list[str]:
    """Ids of the tasks that wait, by kind."""
    found = [item.task_id for vision in (HERE, VISION) for item in made.order(vision, 9)]
    assert len(made) == len(found)
    return found


def test_each_kind_has_slots_of_its_own() -> None:
    made = lanes(a(1, VISION), a(2, VISION), a(3, VISION), a(4, HERE), a(5, HERE))
    busy: list[Entry] = []
    assert sorted(started(made, busy)) == ["t1", "t2", "t4"]
    assert left(made) == ["t5", "t3"]


def test_a_full_kind_does_not_block_the_other() -> None:
    full_here = lanes(a(1, HERE), a(2, VISION))
    assert started(full_here, [a(8, HERE)]) == ["t2"]
    full_vision = lanes(a(1, VISION), a(2, HERE))
    assert started(full_vision, [a(8, VISION), a(9, VISION)]) == ["t2"]


def test_behind_long_documents_a_short_one_gets_one_extra_slot_of_its_kind() -> None:
    made = lanes(a(1, HERE, SHORT), a(2, HERE, SHORT), a(3, VISION, SHORT), a(4, VISION, SHORT))
    busy = [a(7, HERE), a(8, VISION), a(9, VISION)]
    assert sorted(started(made, busy)) == ["t1", "t3"]
    assert left(made) == ["t2", "t4"]  # the extra slots are taken now


def test_a_long_one_gets_no_extra_slot() -> None:
    assert started(lanes(a(1, HERE), a(2, VISION)), [a(7, HERE), a(8, VISION), a(9, VISION)]) == []


def test_behind_short_documents_there_is_no_extra_slot() -> None:
    short = [a(7, VISION, SHORT), a(8, VISION, SHORT)]
    assert started(lanes(a(1, VISION, SHORT)), list(short)) == []
    assert started(lanes(a(1, VISION, SHORT)), [short[0], a(9, VISION)]) == ["t1"]


def test_what_is_charged_in_one_kind_costs_nothing_in_the_other() -> None:
    made = lanes(a(1, VISION, owner="ann"), a(2, HERE, owner="ann"), a(3, HERE, owner="bob"))
    made.charge(a(1, VISION, owner="ann"), 1000)
    assert [item.task_id for item in made.order(HERE, 9)] == ["t2", "t3"]
    made.charge(a(2, HERE, owner="ann"), 1000)
    assert [item.task_id for item in made.order(HERE, 9)] == ["t3", "t2"]


def test_the_order_is_told_for_each_kind_and_not_further_than_asked() -> None:
    made = lanes(a(1, VISION), a(2, HERE), a(3, VISION), a(4, VISION))
    assert [item.task_id for item in made.order(VISION, 2)] == ["t1", "t3"]
    assert [item.task_id for item in made.order(HERE, 2)] == ["t2"]


def test_a_task_can_be_taken_out_whatever_its_kind() -> None:
    made = lanes(a(1, VISION), a(2, HERE))
    for name in ("t1", "t2", "t3"):
        made.discard(name)
    assert len(made) == 0 and made.next([]) is None


def test_two_slow_documents_of_one_person_do_not_hold_everybody() -> None:
    """Not even when they came first, and nobody else was there."""
    made = lanes(a(1, HERE), a(2, HERE), a(3, HERE), here=2)
    busy: list[Entry] = []
    assert started(made, busy) == ["t1", "t2"], "alone, one person has all slots"
    made.push(a(4, HERE, owner="bob"))
    made.push(a(5, HERE, owner="cleo"))
    assert started(made, busy) == ["t4"], "one more than there are, for another person"
    assert started(made, busy) == [], "and no more than one more"
    del busy[0], busy[-1]
    assert started(made, busy) == ["t5"], "ann has one of two already, and others wait"


def test_seconds_count_as_pages() -> None:
    made = lanes(a(1, HERE, owner="ann"), a(2, HERE, owner="bob"), a(3, HERE, owner="bob"))
    slow = a(9, HERE, owner="ann")
    made.charge_seconds(slow, seconds=60.0, pages=1, rate=0.2)
    assert [item.task_id for item in made.order(HERE, 9)] == ["t2", "t3", "t1"]
    made.charge_seconds(a(9, HERE, owner="bob"), seconds=0.1, pages=50, rate=0.2)
    assert [item.task_id for item in made.order(HERE, 9)] == ["t2", "t3", "t1"], "a quick one costs its pages"
