"""What the store tells: changes since a revision, lists, counts, and what cleanup asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradio_app.store.reads import Changes
from gradio_app.store.states import TERMINAL, TaskStatus
from gradio_app.store.store import Store
from tests.unit.records import a_task, finish, finish_shard, open_store, put

S = TaskStatus


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def follow(store: Store, since: int, limit: int) -> list[Changes]:
    """Page by page until nothing is new."""
    pages: list[Changes] = []
    while (page := store.changes(since, limit)).rev != since:
        assert page.rev > since and not page.reset and len(page.tasks) <= limit
        pages.append(page)
        since = page.rev
    return pages


# ---------------------------------------------------------------- changes


def test_every_change_takes_the_next_revision(store: Store) -> None:
    assert store.rev() == 0
    revs = [task.rev for task in store.add([a_task("t1"), a_task("t2")])]
    revs.append(store.plan("t1", [(1,), (2,)]).rev)
    revs.append(store.move("t1", S.PROCESSING).rev)
    revs.append(finish_shard(store, "t1", 0, 1, 1.0).rev)
    revs.append(finish(store, "t1", 1, S.PARTIAL, {}).rev)
    revs.append(store.requeue("t1").rev)
    assert revs == [1, 2, 3, 4, 5, 6, 7] and store.rev() == 7
    store.move("t1", S.CANCELLED)
    store.delete("t1")
    assert store.rev() == 9, "a deletion is a change too"


def test_a_reader_sees_what_is_newer_and_nothing_else(store: Store) -> None:
    put(store, "t1")
    put(store, "t2")
    seen = store.changes(0, 10)
    assert ([task.id for task in seen.tasks], seen.rev, seen.deleted) == (["t1", "t2"], 2, [])
    assert store.changes(2, 10) == Changes(2, [], [], reset=False)
    moved = store.move("t1", S.CANCELLED)
    assert store.changes(2, 10) == Changes(3, [moved], [], reset=False)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 100])
def test_many_changes_come_in_pages_each_exactly_once(store: Store, limit: int) -> None:
    for index in range(6):
        put(store, f"t{index}")
    for task_id in ("t0", "t3", "t5"):
        store.move(task_id, S.CANCELLED)
        store.delete(task_id)
        put(store, f"after-{task_id}")
    store.move("t1", S.CANCELLED)
    pages = follow(store, 0, limit)
    changed = [task.id for page in pages for task in page.tasks]
    assert changed == ["t2", "t4", "after-t0", "after-t3", "after-t5", "t1"]
    assert [task_id for page in pages for task_id in page.deleted] == ["t0", "t3", "t5"]
    assert pages[-1].rev == store.rev()


def test_a_page_tells_of_no_deletion_that_comes_later(store: Store) -> None:
    put(store, "t1")
    put(store, "gone", S.CANCELLED)
    put(store, "t2")
    store.delete("gone")
    first = store.changes(0, 1)
    assert ([task.id for task in first.tasks], first.deleted) == (["t1"], [])
    second = store.changes(first.rev, 1)
    assert ([task.id for task in second.tasks], second.deleted) == (["t2"], [])
    last = store.changes(second.rev, 1)
    assert (last.tasks, last.deleted, last.rev) == ([], ["gone"], store.rev())


def test_a_reader_from_another_life_of_the_store_starts_anew(store: Store) -> None:
    put(store, "t1")
    assert store.changes(5, 10) == Changes(1, [], [], reset=True)


def test_a_reader_who_missed_forgotten_deletions_starts_anew(store: Store) -> None:
    for index in range(4):
        put(store, f"t{index}", S.CANCELLED)
        store.delete(f"t{index}")
    revs = [row["rev"] for row in store._db.execute("SELECT rev FROM deleted ORDER BY rev")]
    store.forget(keep_tombstones=2, submissions_before=0.0)
    assert store.changes(0, 10).reset
    assert store.changes(revs[1] - 1, 10).reset
    caught_up = store.changes(revs[1], 10)
    assert not caught_up.reset and caught_up.deleted == ["t2", "t3"]


def test_forgetting_keeps_what_is_young(store: Store) -> None:
    put(store, "t1", S.CANCELLED)
    store.delete("t1")
    store.add([a_task("t2")], "key", "print")
    store.forget(keep_tombstones=1, submissions_before=0.0)
    assert store.changes(0, 10).deleted == ["t1"]
    assert store.submission("ann", "key", "print")
    store.forget(keep_tombstones=1, submissions_before=4e9)
    assert store.submission("ann", "key", "print") is None
    assert not store.changes(0, 10).reset


# ---------------------------------------------------------------- lists


def ids(tasks: list[Any]) -> list[str]:
    return [task.id for task in tasks]


def test_tasks_in_some_statuses_are_listed_oldest_first(store: Store) -> None:
    put(store, "t1", S.QUEUED)
    put(store, "t2", S.FAILED)
    put(store, "t3", S.PENDING)
    assert ids(store.list_status({S.QUEUED, S.PENDING})) == ["t1", "t3"]
    assert store.list_status(set()) == []


def test_counts_are_by_status_and_by_owner(store: Store) -> None:
    put(store, "t1", S.QUEUED)
    put(store, "t2", S.QUEUED)
    put(store, "t3", S.FAILED)
    put(store, "t4", S.CANCELLING, owner="bob")
    assert store.counts() == {"queued": 2, "failed": 1, "cancelling": 1}
    assert [store.active_count(owner) for owner in ("ann", "bob", "cy")] == [2, 1, 0]


# ---------------------------------------------------------------- the cache


@pytest.mark.parametrize("status", TaskStatus)
def test_only_a_completed_task_is_a_result_to_reuse(store: Store, status: TaskStatus) -> None:
    put(store, "t1", status)
    store._db.execute("UPDATE tasks SET cache_key = 'same'")
    found = store.cached("same")
    assert (found.id if found else None) == ("t1" if status is S.COMPLETED else None)
    assert store.cached("other") is None


def test_the_newest_result_is_reused(store: Store) -> None:
    for task_id in ("t1", "t2"):
        put(store, task_id)
        store.move(task_id, S.COMPLETED, cache_key="same", cached=1)
    found = store.cached("same")
    assert found and found.id == "t2" and found.cached is True


# ---------------------------------------------------------------- for cleanup


def test_old_tasks_are_those_that_ended_before_a_moment(store: Store) -> None:
    for index, status in enumerate(sorted(TERMINAL)):
        put(store, str(status), status, finished_at=100.0 - index)
    put(store, "young", S.FAILED, finished_at=200.0)
    put(store, "running", S.PROCESSING)
    assert ids(store.finished_before(150.0, 10)) == ["partial", "failed", "completed", "cancelled"]
    assert ids(store.finished_before(150.0, 2)) == ["partial", "failed"]
    assert store.finished_before(97.0, 10) == []


def test_an_upload_is_needed_while_a_task_refers_to_it(store: Store) -> None:
    put(store, "t1", S.CANCELLED, source="same")
    put(store, "t2", source="same")
    put(store, "t3", source="other")
    assert store.used_sources() == {"same", "other"}
    store.delete("t1")
    assert store.needs_source("same") and not store.needs_source("gone")
    store.move("t2", S.CANCELLED)
    store.delete("t2")
    assert not store.needs_source("same") and store.used_sources() == {"other"}


# ---------------------------------------------------------------- small things


def test_a_pause_can_be_ended(store: Store) -> None:
    assert not store.is_paused()
    store.set_paused(True)
    assert store.is_paused()
    store.set_paused(False)
    assert not store.is_paused()


def test_the_newest_rate_of_a_tier_counts(store: Store) -> None:
    assert store.rates() == {}
    store.set_rate("flash", 0.2)
    store.set_rate("basic", 1.0)
    store.set_rate("flash", 0.1)
    assert store.rates() == {"flash": 0.1, "basic": 1.0}
