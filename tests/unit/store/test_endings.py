"""Of others a viewer sees that they wait; ended tasks of others are nowhere, at whichever revision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gradio_app.store import endings
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from tests.unit.records import a_task, open_store, put

S = TaskStatus


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def told(store: Store, since: int, viewer: str = "bob") -> tuple[list[str], list[str]]:
    """Ids of tasks and of gone ones, page by page."""
    tasks: list[str] = []
    gone: list[str] = []
    while (page := store.changes(since, 2, viewer)).rev != since:
        assert not page.reset
        tasks += [task.id for task in page.tasks]
        gone += page.deleted
        since = page.rev
    return tasks, gone


def test_an_end_is_told_only_to_who_has_seen_the_task_wait(store: Store) -> None:
    before = store.rev()
    put(store, "t1", S.PROCESSING)
    seen = store.rev()
    store.move("t1", S.FAILED)
    assert told(store, seen) == ([], ["t1"])
    assert told(store, before) == told(store, 0) == ([], [])
    assert told(store, seen, "ann") == (["t1"], [])
    after = store.rev()
    store.delete("t1")
    assert told(store, after) == told(store, 0) == ([], []) and told(store, after, "ann") == ([], ["t1"])
    assert told(store, seen) == ([], ["t1"]), "also when it is deleted already"


def test_no_revision_in_a_long_life_tells_more(store: Store) -> None:
    for number in range(6):
        put(store, f"a{number}", S.PROCESSING)
        store.move(f"a{number}", S.COMPLETED if number % 2 else S.FAILED)
        put(store, f"b{number}", owner="bob")
    waiting = store.add([a_task("w", owner="ann")])[0]
    for since in range(store.rev() + 1):
        tasks, gone = told(store, since)
        assert {each for each in tasks if each[0] == "a"} == set()
        # processing is the last state in which it was seen
        assert len(gone) <= 1 and ("w" in tasks) is (since < waiting.rev)


def test_who_begins_again_waits_again(store: Store) -> None:
    put(store, "t1", S.PROCESSING)
    seen = store.rev()
    store.move("t1", S.FAILED)
    store.requeue("t1")
    assert told(store, seen) == (["t1"], [])
    again = store.rev()
    store.move("t1", S.CANCELLED)
    assert told(store, again) == ([], ["t1"]) and told(store, seen + 1) == ([], [])


def test_counts_leave_them_out(store: Store) -> None:
    put(store, "t1", S.COMPLETED)
    put(store, "t2", S.PROCESSING)
    put(store, "t3", S.COMPLETED, owner="bob")
    assert store.counts_for("bob") == {"processing": 1, "completed": 1}
    assert store.counts_for("eve") == {"processing": 1} and store.counts()["completed"] == 2


def test_after_a_restart_viewers_list_again_and_miss_nothing_of_their_own(tmp_path: Path) -> None:
    first = open_store(tmp_path)
    put(first, "t1", S.PROCESSING)
    seen = first.rev()
    put(first, "t2", owner="bob")
    first.close()
    again = open_store(tmp_path)
    page = again.changes(seen, 10, "bob")
    assert page.reset and [task.id for task in page.tasks] == ["t2"]
    assert not again.changes(0, 10, "bob").reset and not again.changes(seen, 10).reset
    now = again.rev()
    again.move("t1", S.FAILED)
    assert told(again, now) == ([], ["t1"])
    again.close()


def test_the_list_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endings, "MOST", 2)
    put(store, "t0", S.PROCESSING)
    seen = store.rev()
    for number in range(4):
        put(store, f"t{number + 1}", S.PROCESSING)
        store.move(f"t{number}", S.FAILED)
    assert store.changes(seen, 10, "bob").reset
    assert told(store, store.rev() - 1) == ([], ["t3"])
