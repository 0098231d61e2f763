"""The store's shards under a model that fails by pages: cut, read with parts missing, read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import EngineUnavailable, WorkerCrashed
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store, Superseded
from gradio_app.store.task import failed_pages, pages_done
from tests.unit.records import finish as end
from tests.unit.records import finish_shard, open_store, put

ENGINE = '["sglang", "0.5.23", "MinerU2.5-Pro-2605-1.2B"]'


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def running(store: Store, *shards: tuple[int, ...], **fields: Any) -> None:
    put(store, "t1", TaskStatus.PROCESSING, shards=shards, **fields)


def finish(store: Store, index: int, bad: tuple[int, ...] = (), attempt: int = 1, engine: str = "") -> None:
    reason = EngineUnavailable("It went away.") if bad else None
    finish_shard(store, "t1", index, attempt, 1.0, bad=bad, reason=reason, engine=engine)


def pages(store: Store) -> dict[int, tuple[int, ...]]:
    return {shard.index: shard.pages for shard in store.shards("t1")}


# ---------------------------------------------------------------- cutting


def test_a_shard_is_cut_into_parts_that_cover_it(store: Store) -> None:
    running(store, (1, 2, 3, 4), (5, 6))
    _, cut = store.split_shard("t1", 0, 1, [(1, 2), (3, 4)])
    assert [(part.index, part.pages, part.done) for part in cut] == [(0, (1, 2), False), (2, (3, 4), False)]
    assert pages(store) == {0: (1, 2), 1: (5, 6), 2: (3, 4)}
    assert store.get("t1").shards_total == 3


def test_a_part_can_be_cut_again(store: Store) -> None:
    running(store, (1, 2, 3, 4))
    store.split_shard("t1", 0, 1, [(1, 2), (3, 4)])
    store.split_shard("t1", 1, 1, [(3,), (4,)])
    assert pages(store) == {0: (1, 2), 1: (3,), 2: (4,)}
    assert store.get("t1").shards_total == 3


def test_a_cut_forgets_why_the_whole_failed(store: Store) -> None:
    running(store, (1, 2))
    store.fail_shard("t1", 0, 1, WorkerCrashed())
    store.split_shard("t1", 0, 1, [(1,), (2,)])
    assert [shard.error for shard in store.shards("t1")] == [None, None]


def test_a_result_made_in_parts_is_not_offered_to_others(store: Store) -> None:
    running(store, (1, 2))
    store._db.execute("UPDATE tasks SET cache_key = 'same'")
    store.split_shard("t1", 0, 1, [(1,), (2,)])
    end(store, "t1", 1, TaskStatus.COMPLETED, {})
    assert store.cached("same") is None


def test_a_cut_of_an_older_attempt_changes_nothing(store: Store) -> None:
    running(store, (1, 2))
    store.give_back("t1", 1)
    with pytest.raises(Superseded):
        store.split_shard("t1", 0, 1, [(1,), (2,)])
    assert pages(store) == {0: (1, 2)}


def test_a_cut_is_a_change_that_readers_see(store: Store) -> None:
    running(store, (1, 2))
    before = store.rev()
    store.split_shard("t1", 0, 1, [(1,), (2,)])
    assert [task.id for task in store.changes(before, 9).tasks] == ["t1"]


# ---------------------------------------------------------------- pages with parts missing


def test_bad_pages_count_as_done_and_keep_their_reason(store: Store) -> None:
    running(store, (1, 2, 3))
    finish(store, 0, bad=(2,), engine=ENGINE)
    (shard,) = store.shards("t1")
    assert (shard.done, shard.bad) == (True, (2,))
    assert shard.error is not None and "engine_unavailable" in shard.error and "It went away." in shard.error
    task = store.get("t1")
    assert (task.pages_done, task.engine) == (3, ENGINE)
    assert failed_pages(store.shards("t1")) == (2,)


def test_a_shard_that_is_whole_has_no_reason(store: Store) -> None:
    running(store, (1, 2))
    store.fail_shard("t1", 0, 1, WorkerCrashed())
    finish_shard(store, "t1", 0, 1, 1.0, reason=EngineUnavailable())
    (shard,) = store.shards("t1")
    assert (shard.bad, shard.error) == ((), None)


def test_what_read_a_part_is_kept_when_a_later_one_does_not_say(store: Store) -> None:
    running(store, (1,), (2,))
    finish(store, 0, engine=ENGINE)
    finish(store, 1)
    assert store.get("t1").engine == ENGINE


# ---------------------------------------------------------------- a retry


def test_a_retry_reads_bad_pages_again_and_keeps_what_there_is_meanwhile(store: Store) -> None:
    running(store, (1, 2, 3), (4, 5, 6))
    finish(store, 0, bad=(1, 3))
    finish(store, 1, bad=(5,))
    end(store, "t1", 1, TaskStatus.PARTIAL, {"pages_failed": 3, "failed_pages": "1,3,5"})
    task = store.requeue("t1")
    assert [shard.error for shard in store.shards("t1")] == [None] * 5, "an old reason is not a new one"
    assert (task.status, task.attempt, task.shards_total) == (TaskStatus.QUEUED, 2, 5)
    assert (task.pages_failed, task.failed_pages, task.pages_done) == (0, "", 3)
    assert pages(store) == {0: (1, 2, 3), 1: (4, 5, 6), 2: (1,), 3: (3,), 4: (5,)}
    assert [(shard.done, shard.bad) for shard in store.shards("t1")] == [(True, ())] * 2 + [(False, ())] * 3


def test_pages_read_again_count_once(store: Store) -> None:
    running(store, (1, 2, 3))
    finish(store, 0, bad=(2,))
    end(store, "t1", 1, TaskStatus.PARTIAL, {})
    store.requeue("t1")
    store.move("t1", TaskStatus.PROCESSING)
    finish(store, 1, attempt=2)
    shards = store.shards("t1")
    assert store.get("t1").pages_done == pages_done(shards) == 3
    assert failed_pages(shards) == ()


def test_a_page_that_stays_bad_is_bad_once_and_can_be_tried_again(store: Store) -> None:
    running(store, (1, 2))
    finish(store, 0, bad=(2,))
    for attempt in (1, 2):
        end(store, "t1", attempt, TaskStatus.PARTIAL, {})
        assert store.requeue("t1").shards_total == attempt + 1
        store.move("t1", TaskStatus.PROCESSING)
        finish(store, attempt, bad=(2,), attempt=attempt + 1)
        assert failed_pages(store.shards("t1")) == (2,)


def test_a_retry_with_nothing_bad_adds_no_shards(store: Store) -> None:
    running(store, (1, 2), (3,))
    finish(store, 0)
    store.fail_shard("t1", 1, 1, WorkerCrashed())
    end(store, "t1", 1, TaskStatus.PARTIAL, {})
    assert store.requeue("t1").shards_total == 2
    assert [(shard.done, shard.error) for shard in store.shards("t1")] == [(True, None), (False, None)]
