"""A data folder with very many documents in it, written straight into the store before the server starts."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.options import ParseOptions
from gradio_app.store.states import TaskStatus
from gradio_app.store.store import Store
from gradio_app.store.task import Task

#: how often each status comes in ten
PATTERN = (
    *[TaskStatus.COMPLETED] * 6,
    TaskStatus.QUEUED,
    TaskStatus.QUEUED,
    TaskStatus.FAILED,
    TaskStatus.CANCELLED,
)
SUBJECTS = ("river report", "field guide", "minutes", "thesis", "invoice", "manual", "survey")


def fill(data: Path, count: int, results: int = 60, content: bytes = b"%PDF-1.4 none") -> list[Task]:
    """Writes ``count`` documents of the local user; the newest ``results`` of those done have results.

    The queue is paused, so that what waits goes on waiting.
    """
    folders = Folders(data)
    folders.create()
    digest = sha256(content).hexdigest()
    folders.source(digest).write_bytes(content)
    store = Store(folders.database)
    try:
        now = clock.stamp()
        tasks = [_task(index, digest, now - (count - index) * 20.0) for index in range(count)]
        with store.together() as db:
            store.add(tasks)
            for index, task in enumerate(tasks):
                _bring(db, task, index)
            db.execute("UPDATE counters SET value = 1 WHERE name = 'paused'")
        done = [task for index, task in enumerate(tasks) if _status(index) is TaskStatus.COMPLETED]
        for task in done[-results:]:
            _write_result(folders, task)
        return tasks
    finally:
        store.close()


def _status(index: int) -> TaskStatus:
    return PATTERN[index % len(PATTERN)]


def _task(index: int, digest: str, created: float) -> Task:
    subject = SUBJECTS[index % len(SUBJECTS)]
    return Task(
        id=f"{index:032x}",
        name=f"{subject} {index:05d}.pdf",
        owner="local",
        status=TaskStatus.PENDING,
        options=ParseOptions("flash"),
        source=digest,
        size=1000,
        created_at=created,
        folder=f"archive/{2000 + index % 25}" if index % 3 == 0 else "",
    )


def _bring(db: Any, task: Task, index: int) -> None:
    """Takes a task to its status, with what belongs to it."""
    status, pages = _status(index), 1 + index * 7 % 300
    ended = status is not TaskStatus.QUEUED
    columns = {
        "status": status.value,
        "kind": "pdf",
        "tier": "flash",
        "parse_mode": "txt",
        "source_pages": pages,
        "pages_total": pages,
        "pages_done": pages if status is TaskStatus.COMPLETED else 0,
        "shards_total": 1,
        "started_at": task.created_at + 2 if ended else None,
        "finished_at": task.created_at + 9 if ended else None,
        "error_code": "file_corrupt" if status is TaskStatus.FAILED else None,
        "error_message": "The file is damaged. Open it and save it again."
        if status is TaskStatus.FAILED
        else None,
    }
    sets = ", ".join(f"{name} = :{name}" for name in columns)
    db.execute(f"UPDATE tasks SET {sets} WHERE id = :id", columns | {"id": task.id})
    db.execute(
        "INSERT INTO shards (task_id, idx, pages) VALUES (?, 0, ?)",
        (task.id, json.dumps(list(range(1, pages + 1)))),
    )


def _write_result(folders: Folders, task: Task) -> None:
    folder = folders.result(task.id)
    (folder / "images").mkdir(parents=True)
    (folder / "document.md").write_text(f"# {task.name}\n", "utf-8")
    for name in ("middle.json", "content_list.json"):
        (folder / name).write_text("[]", "utf-8")
    (folder / "images" / "a.png").write_bytes(b"\x89PNG")
