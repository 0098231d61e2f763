"""Tasks and stores that unit tests start from."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from gradio_app.base import clock
from gradio_app.base.options import ParseOptions
from gradio_app.queue.async_store import commit_steps
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.task import Task

#: the ways to each status, from ``pending``
WAYS: dict[TaskStatus, tuple[TaskStatus, ...]] = {
    TaskStatus.PENDING: (),
    TaskStatus.QUEUED: (TaskStatus.QUEUED,),
    TaskStatus.PROCESSING: (TaskStatus.QUEUED, TaskStatus.PROCESSING),
    TaskStatus.CANCELLING: (TaskStatus.QUEUED, TaskStatus.PROCESSING, TaskStatus.CANCELLING),
    TaskStatus.COMPLETED: (TaskStatus.QUEUED, TaskStatus.PROCESSING, TaskStatus.COMPLETED),
    TaskStatus.PARTIAL: (TaskStatus.QUEUED, TaskStatus.PROCESSING, TaskStatus.PARTIAL),
    TaskStatus.FAILED: (TaskStatus.QUEUED, TaskStatus.PROCESSING, TaskStatus.FAILED),
    TaskStatus.CANCELLED: (TaskStatus.QUEUED, TaskStatus.CANCELLED),
}


def a_task(task_id: str = "t1", owner: str = "ann", **fields: Any) -> Task:
    """A task as it is when it comes in."""
    given = {
        "name": f"{task_id}.pdf",
        "status": TaskStatus.PENDING,
        "options": ParseOptions(),
        "source": f"sha-{task_id}",
        "size": 7,
        "created_at": 1000.0,
        **fields,
    }
    return Task(id=task_id, owner=owner, **given)


@cache
def _empty_database() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder, "queue.db")
        Store(database).close()
        return database.read_bytes()


def open_store(folder: Path) -> Store:
    """A store that does not wait for the disk: tests that pull no plug need not."""
    database = folder / "queue.db"
    if not database.exists():
        database.write_bytes(_empty_database())
    store = Store(database)
    store._db.execute("PRAGMA synchronous=OFF")
    return store


def put(
    store: Store,
    task_id: str,
    status: TaskStatus = TaskStatus.PENDING,
    owner: str = "ann",
    shards: Sequence[tuple[int, ...]] = ((1, 2), (3,)),
    finished_at: float | None = None,
    **fields: Any,
) -> Task:
    """Adds a task and takes it to ``status`` by legal moves only."""
    store.add([a_task(task_id, owner, **fields)])
    for step in WAYS[status]:
        if step is TaskStatus.QUEUED:
            store.plan(task_id, shards, pages_total=sum(len(pages) for pages in shards))
        else:
            store.move(task_id, step)
    if finished_at is not None:
        store._db.execute("UPDATE tasks SET finished_at = ? WHERE id = ?", (finished_at, task_id))
    return store.get(task_id)


def finish_shard(
    store: Store,
    task_id: str,
    index: int,
    attempt: int,
    seconds: float = 1.0,
    keep: Callable[[], None] = lambda: None,
    **more: Any,
) -> Task:
    """Counts a shard as the queue does: fence, files, row."""
    fence = partial(store.check_current, task_id, attempt)
    commit_steps(fence, keep, partial(store.finish_shard, task_id, index, seconds=seconds, **more))()
    return store.get(task_id)


def finish(
    store: Store,
    task_id: str,
    attempt: int,
    to: TaskStatus,
    changes: dict[str, Any],
    keep: Callable[[], None] = lambda: None,
) -> Task:
    """Ends a running attempt as the queue does."""
    fence = partial(store.check_current, task_id, attempt)
    return commit_steps(fence, keep, partial(store.move, task_id, to, finished_at=clock.stamp(), **changes))()
