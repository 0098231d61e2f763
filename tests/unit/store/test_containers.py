"""Containers in the store: they end with the last of their documents, whatever becomes of these."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradio_app.base.errors import Conflict
from gradio_app.store.listing import Wanted
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.task import Task
from tests.unit.records import a_task, open_store, put

S = TaskStatus


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def box(store: Store, *parts: str) -> Task:
    """A container that is being processed, with documents that wait for inspection."""
    task = put(store, "box", S.PROCESSING, shards=[()], name="box.zip")
    store.add([a_task(part, parent="box") for part in parts])
    return task


def end_own(store: Store, to: S = S.COMPLETED, **changes: Any) -> Task:
    return store.move("box", to, **{"result_sha256": "r", "finished_at": 5.0, **changes})


def end(store: Store, part: str, to: S = S.COMPLETED, **changes: Any) -> None:
    if to is S.FAILED:
        store.move(part, to, error_code="file_corrupt", error_message="x")
        return
    if store.get(part).status is S.PENDING:
        store.plan(part, [(1,)])
    if to is not S.CANCELLED:
        store.move(part, S.PROCESSING)
    store.move(part, to, **changes)


def test_it_waits_for_its_documents_and_tells_how_far_they_are(store: Store) -> None:
    box(store, "a", "b")
    waiting = end_own(store)
    assert (waiting.status, waiting.finished_at) == (S.PROCESSING, None)
    assert (waiting.pages_done, waiting.pages_total) == (1, 3)
    end(store, "a")
    assert (store.get("box").pages_done, store.get("box").status) == (2, S.PROCESSING)
    assert store.take_ended_with() == []
    end(store, "b")
    ended = store.get("box")
    assert (ended.status, ended.pages_done, ended.pages_total) == (S.COMPLETED, 3, 3)
    pages = [row["pages"] for row in store.history.since(0)["tasks"] if row["status"] == "completed"]
    assert sum(pages) == 1, "of its documents none has read a page here, and its own one is one"
    assert ended.finished_at and store.take_ended_with() == [ended] and store.take_ended_with() == []


def test_documents_that_end_first_do_not_end_it(store: Store) -> None:
    box(store, "a")
    end(store, "a")
    assert store.get("box").status is S.PROCESSING
    assert end_own(store).status is S.COMPLETED
    assert store.take_ended_with() == [], "its own end is told by who wrote it"


@pytest.mark.parametrize("fate", [S.FAILED, S.CANCELLED, S.PARTIAL])
def test_what_was_not_converted_makes_it_partial(store: Store, fate: S) -> None:
    box(store, "a", "b")
    end_own(store)
    end(store, "a", fate)
    end(store, "b")
    ended = store.get("box")
    assert ended.status is S.PARTIAL and ended.error and "1 of 2" in ended.error.message
    assert "a.pdf" in ended.error.message
    assert ended.error_code == ("file_corrupt" if fate is S.FAILED else "conflict")


def test_its_own_failure_waits_too(store: Store) -> None:
    box(store, "a")
    held = end_own(store, S.FAILED, result_sha256="", error_code="worker_crashed", error_message="x")
    assert held.status is S.PROCESSING
    end(store, "a")
    ended = store.get("box")
    assert (ended.status, ended.error_code) == (S.FAILED, "worker_crashed")


def test_a_document_that_is_read_again_mends_it(store: Store) -> None:
    box(store, "a", "b", "c")
    end_own(store)
    for part, to in (("a", S.FAILED), ("b", S.FAILED), ("c", S.COMPLETED)):
        end(store, part, to)
    store.requeue("a")
    end(store, "a")
    assert "1 of 3" in (store.get("box").error_message or "")
    store.requeue("b")
    assert store.get("box").status is S.PARTIAL
    end(store, "b")
    mended = store.get("box")
    assert (mended.status, mended.error_code, mended.pages_done) == (S.COMPLETED, None, 4)
    assert store.take_ended_with() == [mended]


def test_a_retry_takes_the_documents_that_ended_early_along(store: Store) -> None:
    box(store, "a", "b")
    end_own(store)
    end(store, "a", S.FAILED)
    end(store, "b")
    again = store.requeue("box")
    assert (again.status, again.attempt, again.result_sha256) == (S.QUEUED, 2, "")
    assert (store.get("a").status, store.get("b").status) == (S.PENDING, S.COMPLETED)
    end(store, "a")
    assert store.get("box").status is S.QUEUED, "its own document is read again first"
    store.move("box", S.PROCESSING)
    assert end_own(store).status is S.COMPLETED
    with pytest.raises(Conflict):
        store.requeue("box")


def test_after_a_crash_it_is_read_again_and_waits(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    box(store, "a")
    end_own(store)
    store.close()
    store = open_store(tmp_path)
    assert [task.status for task in store.recover()] == [S.QUEUED, S.PENDING]
    end(store, "a")
    assert store.get("box").status is S.QUEUED
    store.move("box", S.PROCESSING)
    assert end_own(store).status is S.COMPLETED
    store.close()


def test_a_crash_in_the_middle_of_a_cancel(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    box(store, "a", "b")
    end(store, "b")
    store.move("box", S.CANCELLING)
    store.close()
    store = open_store(tmp_path)
    assert store.recover() == []
    assert [store.get(each).status for each in ("box", "a", "b")] == [S.CANCELLED, S.CANCELLED, S.COMPLETED]
    store.close()


def test_the_documents_of_one_are_listed_to_its_owner(store: Store) -> None:
    box(store, "a", "b")
    store.add([a_task("other")])

    def listed(viewer: str, parent: str, **more: Any) -> list[str]:
        page = store.listing.page(Wanted(viewer, parent=parent, **more), 10)
        assert sum(page.counts.values()) == len(page.tasks)
        return [task.id for task in page.tasks]

    assert listed("ann", "box") == ["b", "a"]
    assert listed("bob", "box") == [] and listed("bob", "box", admin=True) == ["b", "a"]
    assert listed("ann", "box", words="a.pdf") == ["a"] and listed("ann", "no such") == []
    assert len(listed("ann", "")) == 4
    assert store.listing.ids(Wanted("ann", parent="box"), 9) == {"pending": ["b", "a"]}
