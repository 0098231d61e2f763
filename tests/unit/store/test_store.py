"""The store's promises: what is written stays, one attempt counts, keys are used once."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.data_folder import DataFolderInUse
from gradio_app.base.errors import AppError, Conflict, FileCorrupt, NotFound
from gradio_app.base.options import ParseOptions
from gradio_app.store.database import SCHEMA_VERSION
from gradio_app.store.states import ACTIVE, RETRYABLE, TERMINAL, TaskStatus
from gradio_app.store.store import Store, Superseded
from tests.unit.records import a_task, finish, finish_shard, open_store, put

S = TaskStatus


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def never() -> None:
    pytest.fail("files of an old attempt were put in place")


# ---------------------------------------------------------------- on disk


def test_everything_is_there_after_the_folder_is_opened_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "queue.db")
    options = ParseOptions("flash", "1-3", "ocr", -4, False)
    store.add([a_task("t1", options=options), a_task("t2", "bob", name="报告.pdf")], "key", "print")
    store.plan("t1", [(1, 2), (3,)], kind="pdf", tier="flash", pages_total=3, source_pages=9, cache_key="c")
    store.move("t1", S.PROCESSING, started_at=1001.5)
    finish_shard(store, "t1", 0, 1, 2.5)
    store.fail_shard("t1", 1, 1, FileCorrupt("Page 3 is damaged."))
    store.move("t2", S.CANCELLED, finished_at=1002.0)
    store.set_paused(True)
    store.set_rate("flash", 0.07)
    before = (store.get("t1"), store.get("t2"), store.shards("t1"), store.rev(), store.changes(0, 9))
    store.close()
    again = Store(tmp_path / "queue.db")
    assert (again.get("t1"), again.get("t2"), again.shards("t1"), again.rev(), again.changes(0, 9)) == before
    assert again.is_paused() and again.rates() == {"flash": 0.07}
    assert again.submission("ann", "key", "print") == [again.get("t1"), again.get("t2")]
    assert again.get("t1").options == options
    again.close()


def test_an_answer_is_committed_before_it_is_given(tmp_path: Path) -> None:
    store = Store(tmp_path / "queue.db")
    store.add([a_task("t1")])
    other = sqlite3.connect(tmp_path / "queue.db")  # sees only what is committed
    assert other.execute("SELECT id, status FROM tasks").fetchall() == [("t1", "pending")]
    store.plan("t1", [(1,)])
    store.move("t1", S.PROCESSING)
    finish_shard(store, "t1", 0, 1, 1.0)
    query = "SELECT status, done FROM tasks JOIN shards ON task_id = id"
    assert other.execute(query).fetchall() == [("processing", 1)]
    other.close()
    store.close()


def test_a_commit_survives_a_power_cut(tmp_path: Path) -> None:
    store = Store(tmp_path / "queue.db")
    assert store._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert store._db.execute("PRAGMA synchronous").fetchone()[0] == 2, "FULL"
    store.close()


def test_several_tasks_come_in_together_or_not_at_all(store: Store) -> None:
    put(store, "t2")
    rev = store.rev()
    with pytest.raises(sqlite3.IntegrityError):
        store.add([a_task("t1"), a_task("t2")], "key", "print")
    assert store.task_ids() == {"t2"} and store.rev() == rev
    assert store.submission("ann", "key", "print") is None


def test_a_data_folder_is_used_by_one_server_at_a_time(tmp_path: Path) -> None:
    first = open_store(tmp_path)
    with pytest.raises(DataFolderInUse) as caught:
        Store(tmp_path / "queue.db")
    assert "already uses this data folder" in caught.value.message and "--data-dir" in caught.value.message
    first.add([a_task("t1")])
    first.close()
    second = open_store(tmp_path)
    assert second.task_ids() == {"t1"}
    second.close()


def test_a_folder_of_a_newer_version_is_refused_and_let_go(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    raw = sqlite3.connect(tmp_path / "queue.db")
    raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    for _ in range(2):
        with pytest.raises(AppError) as caught:
            Store(tmp_path / "queue.db")
        told = caught.value.message
        assert f"schema {SCHEMA_VERSION + 1}" in told and "Update the program" in told
        assert not isinstance(caught.value, DataFolderInUse), "a refused folder must not stay locked"
    raw.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    raw.close()
    open_store(tmp_path).close()


# ---------------------------------------------------------------- idempotency


def test_a_key_stands_for_the_tasks_it_made(store: Store) -> None:
    assert store.submission("ann", "key", "print") is None
    made = store.add([a_task("t1"), a_task("t2")], "key", "print")
    assert store.submission("ann", "key", "print") == made


def test_a_key_for_something_else_is_a_conflict(store: Store) -> None:
    store.add([a_task("t1")], "key", "print")
    with pytest.raises(Conflict, match="used before for other files or options"):
        store.submission("ann", "key", "another")


def test_a_key_belongs_to_its_owner(store: Store) -> None:
    store.add([a_task("t1", "ann")], "key", "print")
    assert store.submission("bob", "key", "another") is None
    store.add([a_task("t2", "bob")], "key", "another")
    found = store.submission("ann", "key", "print")
    assert found and [task.id for task in found] == ["t1"]
    assert store.submitted("ann", "key") == found, "also without its fingerprint"
    assert store.submitted("eve", "key") is None


def test_a_deleted_task_does_not_come_back_with_its_key(store: Store) -> None:
    store.add([a_task("t1"), a_task("t2")], "key", "print")
    store.move("t1", S.CANCELLED)
    store.delete("t1")
    found = store.submission("ann", "key", "print")
    assert found and [task.id for task in found] == ["t2"]


def test_without_a_key_nothing_is_remembered(store: Store) -> None:
    store.add([a_task("t1")])
    assert store.submission("ann", "", "") is None


# ---------------------------------------------------------------- fencing


@pytest.mark.parametrize("attempt", [0, 1, 3])
def test_a_shard_of_another_attempt_is_refused_before_its_files_move(store: Store, attempt: int) -> None:
    put(store, "t1", S.FAILED)
    store.requeue("t1")
    task = store.move("t1", S.PROCESSING)
    assert task.attempt == 2
    with pytest.raises(Superseded):
        finish_shard(store, "t1", 0, attempt, 1.0, never)
    with pytest.raises(Superseded):
        finish(store, "t1", attempt, S.COMPLETED, {}, never)
    assert store.get("t1") == task and not any(shard.done for shard in store.shards("t1"))


@pytest.mark.parametrize("status", [status for status in TaskStatus if status is not S.PROCESSING])
def test_a_task_that_does_not_run_takes_no_results(store: Store, status: TaskStatus) -> None:
    task = put(store, "t1", status)
    with pytest.raises(Superseded):
        finish_shard(store, "t1", 0, task.attempt, 1.0, never)
    with pytest.raises(Superseded):
        finish(store, "t1", task.attempt, S.COMPLETED, {}, never)
    assert store.get("t1") == task


def test_a_deleted_task_takes_no_results(store: Store) -> None:
    put(store, "t1", S.CANCELLED)
    store.delete("t1")
    with pytest.raises(NotFound):
        finish_shard(store, "t1", 0, 1, 1.0, never)


def test_a_result_that_cannot_be_put_in_place_does_not_count(store: Store) -> None:
    task = put(store, "t1", S.PROCESSING)

    def full() -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        finish_shard(store, "t1", 0, 1, 1.0, full)
    with pytest.raises(OSError, match="no space"):
        finish(store, "t1", 1, S.COMPLETED, {}, full)
    assert store.get("t1") == task and not store.shards("t1")[0].done


def test_files_are_in_place_before_they_count(store: Store) -> None:
    put(store, "t1", S.PROCESSING)
    seen: list[Any] = []
    finish_shard(store, "t1", 0, 1, 1.0, lambda: seen.append(store.shards("t1")[0].done))
    finish(store, "t1", 1, S.COMPLETED, {}, lambda: seen.append(store.get("t1").status))
    assert seen == [False, S.PROCESSING]


# ---------------------------------------------------------------- shards


def test_a_finished_shard_counts_its_pages_and_seconds(store: Store) -> None:
    put(store, "t1", S.PROCESSING, shards=[(1, 2, 3), (7,), (8, 9)])
    assert finish_shard(store, "t1", 0, 1, 1.5).pages_done == 3
    task = finish_shard(store, "t1", 2, 1, 2.0)
    assert (task.pages_done, task.parse_seconds) == (5, 3.5)
    shards = store.shards("t1")
    assert [(shard.index, shard.pages, shard.done) for shard in shards] == [
        (0, (1, 2, 3), True),
        (1, (7,), False),
        (2, (8, 9), True),
    ]
    assert [shard.seconds for shard in shards] == [1.5, 0.0, 2.0]


def test_a_shard_that_fails_keeps_its_reason_until_it_succeeds(store: Store) -> None:
    put(store, "t1", S.PROCESSING)
    store.fail_shard("t1", 1, 1, FileCorrupt("Page 3 is damaged."))
    failed = store.shards("t1")[1]
    assert not failed.done and failed.error == '["file_corrupt", "Page 3 is damaged."]'
    assert store.shards("t1")[0].error is None
    finish_shard(store, "t1", 1, 1, 1.0)
    assert store.shards("t1")[1].error is None


def test_a_document_without_pages_is_one_shard_of_the_whole_file(store: Store) -> None:
    task = put(store, "t1", S.PROCESSING, shards=[()])
    assert task.shards_total == 1 and store.shards("t1")[0].pages == ()


def test_a_new_plan_replaces_the_old_one(store: Store) -> None:
    put(store, "t1")
    store.plan("t1", [(1, 2), (3,)])
    store._db.execute("UPDATE tasks SET status = 'pending'")
    task = store.plan("t1", [(1,)], tier="flash")
    assert (task.shards_total, task.tier, [shard.pages for shard in store.shards("t1")]) == (
        1,
        "flash",
        [(1,)],
    )


@pytest.mark.parametrize("status", [S.PARTIAL, S.FAILED, S.CANCELLED])
def test_a_late_plan_does_not_revive_a_task_that_has_ended(store: Store, status: TaskStatus) -> None:
    task = put(store, "t1", status)
    shards = store.shards("t1")
    with pytest.raises(Conflict):
        store.plan("t1", [(9,)])
    assert store.shards("t1") == shards and store.get("t1") == task


# ---------------------------------------------------------------- retry and restart


def test_a_retry_keeps_finished_shards_and_clears_the_rest(store: Store) -> None:
    put(store, "t1", S.PROCESSING, shards=[(1,), (2,)])
    finish_shard(store, "t1", 0, 1, 1.0)
    store.fail_shard("t1", 1, 1, FileCorrupt())
    changes = {"error_code": "file_corrupt", "error_message": "x", "pages_failed": 1}
    ended = finish(store, "t1", 1, S.PARTIAL, changes)
    assert ended.finished_at and ended.pages_failed == 1
    again = store.requeue("t1")
    assert (again.status, again.attempt, again.pages_done, again.pages_failed) == (S.QUEUED, 2, 1, 0)
    assert (again.error_code, again.error_message, again.finished_at) == (None, None, None)
    assert [(shard.done, shard.error) for shard in store.shards("t1")] == [(True, None), (False, None)]
    assert again.rev > ended.rev


@pytest.mark.parametrize("status", TaskStatus)
def test_only_what_ended_early_can_be_retried(store: Store, status: TaskStatus) -> None:
    task = put(store, "t1", status)
    if status in RETRYABLE:
        assert store.requeue("t1").status is S.QUEUED
        return
    with pytest.raises(Conflict) as caught:
        store.requeue("t1")
    assert status in caught.value.message and store.get("t1") == task


@pytest.mark.parametrize("end", [S.FAILED, S.CANCELLED])
def test_what_ended_before_the_plan_is_inspected_again(store: Store, end: TaskStatus) -> None:
    put(store, "t1")
    store.move("t1", end)
    again = store.requeue("t1")
    assert (again.status, again.attempt) == (S.PENDING, 2)


def test_after_a_crash_what_ran_waits_and_what_was_being_cancelled_is_cancelled(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    before = {status: put(store, str(status), status) for status in TaskStatus}
    finish_shard(store, "processing", 0, 1, 1.0)
    store.close()
    store = open_store(tmp_path)
    back = {task.id: task for task in store.recover()}
    assert sorted(back) == ["pending", "processing", "queued"]
    assert (back["processing"].status, back["processing"].attempt) == (S.QUEUED, 2)
    assert [shard.done for shard in store.shards("processing")] == [True, False]
    cancelled = store.get("cancelling")
    assert (cancelled.status, cancelled.attempt) == (S.CANCELLED, 1) and cancelled.finished_at
    for status in set(TaskStatus) - {S.PROCESSING, S.CANCELLING}:
        assert store.get(status) == before[status]
    assert store.recover() == list(back.values()), "a second time nothing is left to do"
    store.close()


# ---------------------------------------------------------------- deleting


@pytest.mark.parametrize("status", TaskStatus)
def test_only_what_has_ended_can_be_deleted(store: Store, status: TaskStatus) -> None:
    put(store, "t1", status)
    if status in ACTIVE:
        with pytest.raises(Conflict, match="cancel it first"):
            store.delete("t1")
        assert store.find("t1")
        return
    store.delete("t1")
    assert status in TERMINAL and store.find("t1") is None and store.task_ids() == set()
    assert store._db.execute("SELECT count(*) FROM shards").fetchone()[0] == 0


def test_what_is_not_there_is_not_found(store: Store) -> None:
    assert store.find("t1") is None
    for call in (store.get, store.delete, store.requeue):
        with pytest.raises(NotFound):
            call("t1")
    with pytest.raises(NotFound):
        store.move("t1", S.QUEUED)
    assert store.rev() == 0
