"""What was done by the hour: each end is counted once, and stays counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradio_app.base import clock
from gradio_app.store.states import TaskStatus
from gradio_app.store.statistics import HOUR, KEPT
from gradio_app.store.store import Store
from tests.unit.records import open_store, put

T0 = 500_000 * HOUR


@pytest.fixture
def store(tmp_path: Path) -> Any:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def done(store: Store, task_id: str, status: TaskStatus, at: float, **fields: Any) -> None:
    put(store, task_id, TaskStatus.PROCESSING, created_at=at - 60)
    facts: dict[str, Any] = {"tier": "flash", "pages_done": 3, "started_at": at - 50, "parse_seconds": 2.5}
    store.move(task_id, status, **facts | {"finished_at": at} | fields)


def row(hour: int, tier: str, status: str, **sums: float) -> dict[str, Any]:
    one = {"tasks": 1, "pages": 3, "waited": 10.0, "parsed": 2.5}
    return {"hour": hour, "tier": tier, "status": status, **one, **sums}


def test_ends_are_counted_by_hour_tier_and_outcome(store: Store) -> None:
    done(store, "a", TaskStatus.COMPLETED, T0 + 5)
    done(store, "b", TaskStatus.COMPLETED, T0 + 3599, pages_done=10)
    done(store, "c", TaskStatus.COMPLETED, T0 + 3600)
    done(store, "d", TaskStatus.FAILED, T0 + 3600, tier="standard")
    first = row(500_000, "flash", "completed", tasks=2, pages=13, waited=20.0, parsed=5.0)
    second, failed = row(500_001, "flash", "completed"), row(500_001, "standard", "failed")
    assert store.history.since(0)["tasks"] == [first, second, failed]
    assert store.history.since(500_001)["tasks"] == [second, failed]


def test_a_task_that_never_started_waited_until_its_end(store: Store) -> None:
    put(store, "a", TaskStatus.QUEUED, created_at=T0)
    store.move("a", TaskStatus.CANCELLED, finished_at=T0 + 90)
    [found] = store.history.since(0)["tasks"]
    assert (found["status"], found["tier"], found["waited"], found["pages"]) == ("cancelled", "auto", 90.0, 0)


def test_what_is_deleted_stays_counted_and_a_retry_counts_again(store: Store) -> None:
    done(store, "a", TaskStatus.FAILED, T0)
    store.requeue("a")
    store.move("a", TaskStatus.PROCESSING)
    store.move("a", TaskStatus.FAILED, finished_at=T0 + 1)
    store.delete("a")
    [found] = store.history.since(0)["tasks"]
    assert found["tasks"] == 2


def test_a_move_that_fails_counts_nothing(store: Store) -> None:
    done(store, "a", TaskStatus.COMPLETED, T0)
    with pytest.raises(Exception, match="cannot become"):
        store.move("a", TaskStatus.FAILED, finished_at=T0)
    assert [found["tasks"] for found in store.history.since(0)["tasks"]] == [1]


def test_the_engine_is_summed_up(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "stamp", lambda: T0 + 1.0)
    note = store.history.note_engine
    note("ready", 60, 5, 24)
    note("ready", 60, 9, 24)
    note("ready", 60, None, None)
    note("asleep", 30, None, None)
    assert store.history.since(0)["engine"] == [
        {"hour": 500_000, "status": "asleep", "seconds": 30.0, "used": None, "total": None},
        {"hour": 500_000, "status": "ready", "seconds": 180.0, "used": 9, "total": 24},
    ]


def test_what_is_very_old_is_forgotten(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    done(store, "a", TaskStatus.COMPLETED, T0)
    done(store, "b", TaskStatus.COMPLETED, T0 + 2 * HOUR)
    monkeypatch.setattr(clock, "surely", lambda: T0 + (KEPT + 1.5) * HOUR)
    store.history.forget()
    assert [found["hour"] for found in store.history.since(0)["tasks"]] == [500_002]
