"""A TaskManager over a fake pool, in a folder of its own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from gradio_app.base.data_folder import Folders
from gradio_app.base.options import ParseOptions
from gradio_app.base.settings import Settings
from gradio_app.engine import ModelSingleton
from gradio_app.model_server.remote import NoServer
from gradio_app.store.task import Task, Upload
from gradio_app.task_manager import TaskManager
from gradio_app.workers.local import LocalWorkers
from gradio_app.workers.pool import WorkerPool
from tests.fakes.pool import FakePool
from tests.unit.records import open_store


class House:
    """A running manager, its pool, and short ways to use both."""

    def __init__(self, manager: TaskManager, pool: FakePool) -> None:
        self.manager = manager
        self.pool = pool
        self.folders = manager.folders

    def upload(self, pages: int, label: str = "doc") -> Upload:
        """A file whose text the fake pool understands."""
        data = f"{pages} {label}".encode()
        path = self.folders.tmp / f"upload-{label}-{pages}"
        path.write_bytes(data)
        return Upload(path, hashlib.sha256(data).hexdigest(), len(data), f"{label}.pdf")

    async def submit(self, pages: int, label: str = "doc", owner: str = "ann", **options: Any) -> Task:
        upload = self.upload(pages, label)
        try:
            return (await self.manager.submit(owner, [upload], ParseOptions(**options)))[0]
        finally:
            upload.path.unlink()

    async def end(self, task: Task) -> Task:
        """The task when it has ended."""
        ended = await self.manager.wait(task.id, 5)
        assert ended.ended, ended
        return ended

    async def counted(self, task: Task, pages: int) -> None:
        """Waits until so many pages of it are done for good."""
        async with asyncio.timeout(5):
            while (await self.manager.get(task.id)).pages_done < pages:
                await asyncio.sleep(0)

    async def settle(self) -> None:
        """Waits until nothing can move by itself any more: all is inspected, and all threads are idle."""
        looks, quiet = self.manager._inspector, 0
        async with asyncio.timeout(5):
            while quiet < 20:
                await asyncio.to_thread(int)
                await self.manager.store.do(int)
                looking = looks.waiting or (looks._current and not self.pool.held_inspection)
                quiet = 0 if looking else quiet + 1

    def leftovers(self) -> list[str]:
        """Files that should not be there when nothing runs."""
        shards = [str(path) for path in self.folders.tasks.glob("*/shards")]
        return shards + [str(path) for path in self.folders.tmp.iterdir()]


@asynccontextmanager
async def house(
    folder: Path, pool: FakePool | None = None, backend: Any = None, **settings: Any
) -> AsyncGenerator[House]:
    """A manager that runs inside the block."""
    pool = pool or FakePool()
    knobs = replace(
        Settings(),
        data_dir=folder,
        disk_reserve=0,
        **{"workers": 2, "shard_pages_flash": 8, **settings},
    )
    folders = Folders(folder)
    folders.create()
    engine = ModelSingleton(backend or NoServer("There is none in this test."), 60, 600).open()
    workers = LocalWorkers(knobs, folders, cast(WorkerPool, pool), engine)
    manager = TaskManager(knobs, folders, open_store(folders.root), workers)
    await manager.start()
    try:
        # a real one would wait for everybody who writes to this disk
        with patch("gradio_app.queue.group_sync.sync_disk", lambda _: None):
            yield House(manager, pool)
    finally:
        pool.hold = pool.held_inspection = False
        await manager.stop()
        await engine.close()
