"""Cleanup: deletes temporary files, expired tasks, leftovers of a crash, and old files of Gradio."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from loguru import logger

from gradio_app.base import clock
from gradio_app.base.data_folder import Folders
from gradio_app.base.files import remove_tree
from gradio_app.store.requests import KEEP_REQUESTS
from gradio_app.store.store import Store

#: seconds between two sweeps
SWEEP_INTERVAL = 60.0
#: finished tasks taken away in one sweep, so that a sweep never blocks for long
BATCH = 200
#: Gradio's files are needed from an upload to its submit, and from a result to its download: seconds
GRADIO_AGE = 300.0
#: a job's folder is never older than this while the job of a task that has ended (a picture, an export) runs
STALE_JOB = 900.0
#: a partial upload is never older than this while somebody still sends it
STALLED_UPLOAD = 6 * 3600.0
KEEP_TOMBSTONES = 10_000
KEEP_SUBMISSIONS = 7 * 86400.0


def sweep_start(store: Store, folders: Folders) -> None:
    """Once, before anything runs: what a crash left behind."""
    emptied = (folders.tmp, folders.gradio, folders.run / "tmp")
    for path in (*folders.run.glob("worker-*"), *chain.from_iterable(map(_entries, emptied))):
        remove_tree(path)
    known = store.task_ids()
    for path in _entries(folders.tasks):
        if path.name not in known:
            remove_tree(path)
        else:
            folders.mend(path.name)
            if (path / "shards").exists() and store.get(path.name).ended:
                folders.park_shards(path.name)
            _mend_digest(store, folders, path.name)
    drop_unused_sources(store, folders)


def _mend_digest(store: Store, folders: Folders, task_id: str) -> None:
    """A correction that was put in place just before a crash: the task learns what its result is now."""
    digest = folders.corrected(task_id)
    if digest:
        task = store.get(task_id)
        if task.ended and task.result_sha256 not in ("", digest):
            store.amend(task, task.status, {"result_sha256": digest})


def sweep(store: Store, folders: Folders, retention: float, now: float | None = None) -> int:
    """On a timer: finished tasks after ``retention`` seconds (0: never), old keys, stalled uploads.

    Returns how many tasks were deleted.
    """
    now = clock.surely() if now is None else now
    expired = store.finished_before(now - retention, BATCH) if retention > 0 else []
    gone = 0
    for task in expired:
        parts = store.parts(task.id)
        if not all(part.ended for part in parts):
            continue  # a document in it is read again
        for each in (*parts, task):
            if store.find(each.id):  # it may have gone with its container
                store.delete(each.id)
                folders.drop_task(each.id)
                gone += 1
    if gone:
        drop_unused_sources(store, folders)
        logger.bind(action="retention", tasks=gone).info("{} old tasks deleted", gone)
    store.forget(KEEP_TOMBSTONES, now - KEEP_SUBMISSIONS)
    store.requests.forget(now - KEEP_REQUESTS)
    store.history.forget()
    for path in _entries(folders.tmp):
        if path.name.startswith("upload-"):
            stale = _age(path, now) > STALLED_UPLOAD
        else:  # it could not be deleted when the job ended
            task = store.find(path.name)
            stale = _age(path, now) > STALE_JOB and (task is None or task.ended)
        if stale:
            remove_tree(path)
    for path in _entries(folders.uploads):
        if _age(path, now) > KEEP_REQUESTS:
            remove_tree(path)
    sweep_gradio(folders.gradio, now=now)
    return gone


def drop_unused_sources(store: Store, folders: Folders) -> None:
    """Deletes uploads that no task refers to, and what was prepared of them."""
    used = store.used_sources()
    for path in (*_entries(folders.sources), *_entries(folders.prepared_files)):
        if path.name.partition(".")[0] not in used:
            remove_tree(path)


def sweep_gradio(folder: Path, age: float = GRADIO_AGE, now: float | None = None) -> int:
    """Deletes Gradio's files older than ``age`` seconds, then empty folders; returns how many files.

    Gradio's own ``delete_cache`` misses partial files of aborted uploads, empty ``tmp*`` files and
    empty folders.
    """
    now = clock.surely() if now is None else now
    removed = 0
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(parent, name)
            if _age(path, now) > age:
                remove_tree(path)
                removed += 1
        if Path(parent) != folder and _age(Path(parent), now) > age:
            with contextlib.suppress(OSError):
                os.rmdir(parent)
    return removed


def _entries(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(FileNotFoundError):
        yield from sorted(folder.iterdir())


def _age(path: Path, now: float) -> float:
    try:
        return now - path.lstat().st_mtime
    except OSError:
        return 0.0
