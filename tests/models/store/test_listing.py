"""The list of tasks in every order and by every filter, beside plain code, and while tasks come and go."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from gradio_app.store.listing import SORTS, Wanted, matching
from gradio_app.store.store import Store
from tests.unit.records import a_task, open_store
from tests.unit.store.test_listing import S, expected, fill, ids, walk


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize(
    "wanted",
    [
        {"admin": True},
        {"admin": True, "mine": True},
        {"admin": True, "words": "REP B"},
        {"admin": True, "statuses": frozenset({S.FAILED, S.QUEUED})},
        {},
        {"mine": True, "statuses": frozenset({S.COMPLETED})},
        {"statuses": frozenset({S.FAILED, S.QUEUED, S.PROCESSING})},
        {"words": "ärger"},
    ],
)
def test_each_order_and_filter_gives_what_plain_code_gives(store: Store, sort: str, wanted: Any) -> None:
    fill(store, 120)
    asked = Wanted("ann", sort=sort, **wanted)
    whole = expected(store, asked)
    assert len(whole) > 5
    assert ids(walk(store, asked, 7)) == whole == ids(store.listing.page(asked, 1000).tasks)
    page = store.listing.page(asked, 1)
    assert matching(page.counts, asked.statuses) == len(whole)


@pytest.mark.parametrize("sort", SORTS)
def test_who_walks_meets_each_task_that_stays_exactly_once(store: Store, sort: str) -> None:
    fill(store, 60)
    wanted, rng, met = Wanted("ann", admin=True, sort=sort), random.Random(2), list[str]()
    before, touched, cursor, step = store.task_ids(), set[str](), "", 0
    while True:
        page = store.listing.page(wanted, 5, cursor)
        met += ids(page.tasks)
        if page.next is None:
            break
        cursor, step = page.next, step + 1
        # meanwhile one comes, one goes, one changes in what it is sorted by
        store.add([a_task(f"new{step}", name="middle.pdf")])
        gone, changed = rng.sample(sorted(before - touched), 2)
        touched |= {gone, changed}
        store._db.execute("DELETE FROM tasks WHERE id = ?", (gone,))
        store._db.execute("UPDATE tasks SET pages_total = 9, finished_at = 9 WHERE id = ?", (changed,))
    assert len(met) == len(set(met)) or sort in ("pages", "finished")
    for task_id in before - touched:
        assert met.count(task_id) == 1
