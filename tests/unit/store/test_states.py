"""The life of a task as a table, and the store that lets nothing else happen."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gradio_app.base.errors import Conflict
from gradio_app.store import states
from gradio_app.store.database import sql_list
from gradio_app.store.states import ACTIVE, MOVES, READABLE, RETRYABLE, TERMINAL, QueueStatus, TaskStatus
from tests.unit.records import open_store, put

#: the contract once more, written out, so that a change of the table is a decision
LEGAL = {
    TaskStatus.PENDING: {"queued", "completed", "failed", "cancelled"},
    TaskStatus.QUEUED: {"processing", "cancelled"},
    TaskStatus.PROCESSING: {"completed", "partial", "failed", "cancelling", "queued"},
    TaskStatus.CANCELLING: {"cancelled"},
    TaskStatus.COMPLETED: set[str](),
    TaskStatus.PARTIAL: {"queued", "completed"},
    TaskStatus.FAILED: {"queued", "pending"},
    TaskStatus.CANCELLED: {"queued", "pending"},
}


def test_the_moves_are_those_of_the_contract() -> None:
    assert {origin: {str(to) for to in targets} for origin, targets in MOVES.items()} == LEGAL


def test_every_status_is_either_active_or_terminal() -> None:
    assert set(TaskStatus) == ACTIVE | TERMINAL and not ACTIVE & TERMINAL
    assert {"completed", "partial", "failed", "cancelled"} == TERMINAL


def test_the_smaller_sets_lie_inside_the_larger_ones() -> None:
    assert {"completed", "partial"} == READABLE and READABLE < TERMINAL
    assert {"partial", "failed", "cancelled"} == RETRYABLE and RETRYABLE < TERMINAL


def test_only_a_retry_leaves_a_terminal_status() -> None:
    """But for a document whose missing pages were read otherwise, and kept."""
    assert {origin for origin in TERMINAL if MOVES[origin]} == RETRYABLE
    moves = {(str(origin), str(to)) for origin in TERMINAL for to in MOVES[origin]}
    assert {to for _, to in moves - {("partial", "completed")}} == {"pending", "queued"}


def test_every_task_can_come_to_an_end() -> None:
    ending = set(TERMINAL)
    for _ in TaskStatus:
        ending |= {origin for origin, targets in MOVES.items() if targets & ending}
    assert ending == set(TaskStatus)


@pytest.mark.parametrize("target", TaskStatus)
def test_sources_are_the_moves_read_backwards(target: TaskStatus) -> None:
    assert states.sources(target) == {origin for origin in TaskStatus if str(target) in LEGAL[origin]}


def test_the_words_are_the_wire_form() -> None:
    assert f"{TaskStatus.PARTIAL}" == "partial" and f"{QueueStatus.DRAINING}" == "draining"
    assert sql_list({TaskStatus.QUEUED, TaskStatus.FAILED}) == "'failed', 'queued'"


@pytest.mark.parametrize("origin", TaskStatus)
def test_the_store_allows_exactly_the_moves_of_the_table(tmp_path: Path, origin: TaskStatus) -> None:
    store = open_store(tmp_path)
    for target in TaskStatus:
        task = put(store, f"to-{target}", origin)
        assert task.status is origin
        if str(target) in LEGAL[origin]:
            moved = store.move(task.id, target)
            assert (moved.status, moved.rev) == (target, task.rev + 1)
            continue
        with pytest.raises(Conflict) as caught:
            store.move(task.id, target)
        assert origin in caught.value.message and target in caught.value.message
        assert store.get(task.id) == task, "a refused move changes nothing"
        assert store.rev() == task.rev, "and takes no revision"
    store.close()


def test_the_database_refuses_a_status_that_does_not_exist(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put(store, "t1")
    with pytest.raises(sqlite3.IntegrityError):
        store._db.execute("UPDATE tasks SET status = 'lost' WHERE id = 't1'")
    for status in TaskStatus:
        store._db.execute("UPDATE tasks SET status = ? WHERE id = 't1'", (status.value,))
    store.close()
