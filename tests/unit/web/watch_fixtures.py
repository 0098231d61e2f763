"""A watch folder over a stand-in queue: what the queue does is not the subject, what happens to files is."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from loguru import logger

from gradio_app.base.data_folder import Folders
from gradio_app.base.errors import NotFound
from gradio_app.base.options import ParseOptions
from gradio_app.base.problems import Problems
from gradio_app.store.states import TaskStatus
from gradio_app.store.task import Task, Upload
from gradio_app.web.watch_folder import WatchFolder

#: what each task's result says
TEXT = "# What was read\n"


class Queue:
    """Takes documents in as the task manager does, by key; its tasks end at once unless ``busy``."""

    def __init__(self, folders: Folders) -> None:
        self.folders = folders
        self.settings = SimpleNamespace(max_file_size=10_000_000)
        self.problems = Problems()
        self.store = self
        self.busy = False
        self.full: dict[str, Exception] = {}
        self.tasks: dict[str, Task] = {}
        self.keys: dict[tuple[str, str], list[str]] = {}
        #: the bytes of all files, in the order in which they came
        self.received: list[bytes] = []
        self.told = 0
        #: of the next tasks, as the store has them
        self.notes = ""
        #: of each task, the tasks of the documents in it
        self.inside: list[Task] = []

    async def notify(self) -> None:
        self.told += 1

    async def check_room(self, owner: str, files: int) -> None:
        if owner in self.full:
            raise self.full[owner]

    async def submitted(self, owner: str, key: str) -> list[Task] | None:
        f"{owner}{key}".encode()
        ids = self.keys.get((owner, key))
        return None if ids is None else await self.find_all(ids)

    async def submit(
        self, owner: str, uploads: list[Upload], options: ParseOptions, key: str = ""
    ) -> list[Task]:
        known = await self.submitted(owner, key)
        if known is not None:
            return known
        await self.check_room(owner, 1)
        upload = uploads[0]
        upload.full_name.encode()
        self.received.append(upload.path.read_bytes())
        status = TaskStatus.PROCESSING if self.busy else TaskStatus.COMPLETED
        task = Task(
            id=f"{len(self.received):032x}",
            name=upload.name,
            owner=owner,
            status=status,
            options=options,
            source=upload.sha256,
            size=upload.size,
            created_at=1.0,
            folder=upload.folder,
            notes=self.notes,
        )
        result = self.folders.result(task.id)
        (result / "images").mkdir(parents=True)
        (result / "document.md").write_text(TEXT)
        (result / "images" / "1.png").write_bytes(b"picture")
        self.tasks[task.id], self.keys[owner, key] = task, [task.id]
        return [task]

    async def find_all(self, ids: list[str]) -> list[Task]:
        return [self.tasks[each] for each in ids if each in self.tasks]

    async def parts(self, task_id: str) -> list[Task]:
        return self.inside

    async def get(self, task_id: str) -> Task:
        if task_id not in self.tasks:
            raise NotFound()
        return self.tasks[task_id]

    def finish(self) -> None:
        """Ends all tasks."""
        self.tasks = {key: replace(task, status=TaskStatus.COMPLETED) for key, task in self.tasks.items()}

    @property
    def names(self) -> list[str]:
        return [task.name for task in self.tasks.values()]


class Watched:
    """A watch folder ``inbox`` and its queue, scanned by hand."""

    def __init__(self, tmp_path: Path, everybody: str = "local") -> None:
        folders = Folders(tmp_path / "data")
        folders.create()
        self.everybody = everybody
        self.queue = Queue(folders)
        self.inbox = tmp_path / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.restart()

    def restart(self) -> None:
        """A new process knows nothing but what is on the disk and in the store."""
        self.queue.problems = Problems()
        queue: Any = self.queue
        self.folder = WatchFolder(queue, self.inbox, self.everybody)

    def put(self, name: str | bytes, data: str = "some text") -> Path:
        path = self.inbox / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(data)
        return path

    def scan(self, times: int = 4) -> None:
        """Scans as often as a file needs from its first byte to its result."""

        async def scans() -> None:
            for _ in range(times):
                await self.folder.scan()

        asyncio.run(scans())

    def logged(self, times: int = 4) -> list[str]:
        """``scan``, and what was logged."""
        lines: list[str] = []
        sink = logger.add(lambda line: lines.append(str(line)), format="{level} {message}", level="INFO")
        try:
            self.scan(times)
        finally:
            logger.remove(sink)
        return lines

    def warnings(self, times: int = 4) -> list[str]:
        return [line for line in self.logged(times) if not line.startswith("INFO")]

    def problems(self, owner: str = "", admin: bool = True) -> list[str]:
        return [problem.message for problem in self.queue.problems.seen_by(owner, admin)]


def change(path: Path, data: str | None = None) -> None:
    """Touches a file, or gives it other bytes; its time changes for sure."""
    after = path.stat().st_mtime_ns + 10_000_000
    if data is not None:
        path.write_text(data)
    os.utime(path, ns=(after, after))
