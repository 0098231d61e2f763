"""Results of a container: its own, and beside it those of the documents in it, each at a safe path."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gradio_app.base.data_folder import Folders
from gradio_app.store.states import READABLE
from gradio_app.store.task import Task
from gradio_app.web.zip_stream import paths_of

#: the folder of the documents' results; nothing of a result of its own is called so
PARTS = "parts"


def results_of(folders: Folders, task: Task, parts: Sequence[Task]) -> list[tuple[str, Path]]:
    """Path and folder of each result: that of the task at the top, of its documents those that have one."""
    named = paths_of([(f"{PARTS}/{part.folder}".rstrip("/"), part.name) for part in parts])
    found = [
        (path, folders.result(part.id))
        for path, part in zip(named, parts, strict=True)
        if part.status in READABLE and folders.has_result(part.id)
    ]
    return [("", folders.result(task.id)), *found]
