"""Containers: the files that a worker has taken out of one become tasks, in one step with its own next one.

See: docs/adr/0020-containers.md.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import file_digest
from pathlib import Path

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import AppError, QuotaExceeded, WorkerCrashed
from gradio_app.base.files import sync_file
from gradio_app.base.names import folder_and_name
from gradio_app.base.settings import Settings
from gradio_app.store.store import Store
from gradio_app.store.task import Inspection, Task, Upload

#: times ``max_file_size`` that may come out of one container
MOST_TIMES = 4


def limits_of(task: Task, settings: Settings) -> dict[str, int] | None:
    """What may come out of a container, as ``parsing.containers.Limits``; once, and one level deep."""
    if task.parent or task.redo_of:
        return None
    whole = min(MOST_TIMES * settings.max_file_size, settings.worker_memory_limit // 2)
    return {"most": settings.max_files, "each": settings.max_file_size, "whole": whole}


def with_uploads(found: Inspection, made: Path, settings: Settings) -> Inspection | AppError:
    """The documents that a worker has left in ``made`` as uploads, on the disk for good. Blocks.

    Not more is believed than the limits allow: a hostile document may have written the answer.
    """
    uploads: list[Upload] = []
    if len(found.parts) > settings.max_files:
        return WorkerCrashed()
    for number, path in enumerate(found.parts):
        file, (folder, name) = made / str(number), folder_and_name(path)
        if not file.is_file() or not 0 < file.stat().st_size <= settings.max_file_size:
            return WorkerCrashed()
        sync_file(file)
        with file.open("rb") as opened:
            digest = file_digest(opened, "sha256").hexdigest()
        uploads.append(Upload(file, digest, file.stat().st_size, name, folder))
    return replace(found, uploads=tuple(uploads))


class PartsIntake:
    """Makes tasks of the documents of containers; on the store's thread."""

    def __init__(self, settings: Settings, folders: Folders, store: Store) -> None:
        self._most = settings.max_queue_per_user
        self._folders = folders
        self._store = store

    def refusal(self, task: Task, found: Inspection) -> AppError | None:
        """Why the documents of a container cannot be queued: their owner may not have as many tasks."""
        active, parts = self._store.active_count(task.owner), len(found.uploads)
        if not parts or active + parts <= self._most:
            return None
        return QuotaExceeded(
            f"{parts} documents are inside; you have {active} unfinished tasks and may have {self._most}. "
            "Wait until some are done, or cancel some, then retry."
        )

    def add(self, task: Task, found: Inspection, password: str) -> list[Task]:
        """The tasks of a container's documents, with its owner and options. ``password`` may open them."""
        self._folders.adopt(*((upload.path, upload.sha256) for upload in found.uploads))
        options = replace(task.options, page_range="")
        parts = [Task.new(task.owner, upload, options, parent=task.id) for upload in found.uploads]
        added = self._store.add(parts, password=password)
        self._folders.sync_sources()
        return added

    def drop(self, found: Inspection) -> None:
        """Deletes what was taken in for tasks that were not made after all."""
        digests = {upload.sha256 for upload in found.uploads}
        self._folders.drop_sources(digests, self._store.needs_source)
