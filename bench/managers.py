"""TaskManagers without a server or a parser: jobs that do nothing, over a store that is durable."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import cast

from loguru import logger

from gradio_app.base.data_folder import Folders
from gradio_app.base.options import ParseOptions
from gradio_app.base.settings import Settings
from gradio_app.engine import ModelSingleton
from gradio_app.model_server.remote import NoServer
from gradio_app.store.store import Store
from gradio_app.store.task import Upload
from gradio_app.task_manager import TaskManager
from gradio_app.workers.local import LocalWorkers
from gradio_app.workers.pool import WorkerPool
from tests.fakes.pool import FakePool

#: files in one submission, as the page and scripts send them
AT_ONCE = 100

#: tasks that ended; nothing in them repeats that is not the same in real ones
_FILL_TASKS = """
INSERT INTO tasks (id, name, owner, status, tier_asked, page_range, ocr_mode, priority, use_cache, source,
    size, created_at, rev, kind, tier, parse_mode, source_pages, pages_total, pages_done, shards_total,
    started_at, finished_at, parse_seconds, result_sha256, cache_key, label)
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
SELECT printf('f%031x', n), printf('document %d.pdf', n * 7919 % 1000003), printf('user-%d', n % 50),
    'completed', 'auto', '', 'auto', 0, 1, printf('%064x', n),
    100000, :now - n * 0.5, n, 'pdf', 'flash', 'txt', 1 + n % 40, 1 + n % 40, 1 + n % 40, 1,
    :now - n * 0.5 + 1, :now - n * 0.5 + 3, 1.5, printf('%064x', n * 31), printf('%064x', n * 17),
    printf('document %d.pdf', n * 7919 % 1000003)
FROM numbers
"""
_FILL_SHARDS = """
INSERT INTO shards (task_id, idx, pages, done, seconds)
SELECT id, 0, '[1, 2, 3, 4, 5, 6, 7, 8]', 1, 1.5 FROM tasks WHERE id LIKE 'f%'
"""


def fill_store(folder: Path, count: int) -> None:
    """A data folder whose store knows ``count`` completed tasks of 50 users, without files of theirs."""
    folders = Folders(folder)
    folders.create()
    Store(folders.database).close()
    with sqlite3.connect(folders.database) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("PRAGMA cache_size=-1000000")  # a GB: else a million rows take minutes
        db.execute(_FILL_TASKS, {"count": count, "now": time.time()})
        db.execute(_FILL_SHARDS)
        db.execute("UPDATE counters SET value = ? WHERE name = 'rev'", (count,))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


@contextmanager
def logged_to(path: Path) -> Generator[None]:
    """The log goes into a file, as a server's does: writing it is a part of what a task costs."""
    logger.remove()
    sink = logger.add(path, level="INFO", backtrace=False, diagnose=False)
    try:
        yield
    finally:
        logger.remove(sink)


class IdleHands:
    """A running manager whose jobs do nothing; files that look different to it each time."""

    def __init__(self, manager: TaskManager) -> None:
        self.manager = manager
        self._made = 0

    def uploads(self, count: int) -> list[Upload]:
        """Small files on the disk, none like another, each one page."""
        found: list[Upload] = []
        for number in range(self._made, self._made + count):
            data = f"1 note-{number}".encode()
            path = self.manager.folders.tmp / f"upload-{number}"
            path.write_bytes(data)
            found.append(Upload(path, sha256(data).hexdigest(), len(data), f"note-{number}.pdf"))
        self._made += count
        return found

    async def finish(self, uploads: list[Upload]) -> tuple[float, float]:
        """Seconds, and processor seconds of this process, until all of these have been through the queue."""
        ended = self.manager.store.ended
        goal = ended["completed"] + len(uploads)
        began, computed = time.monotonic(), time.process_time()
        for start in range(0, len(uploads), AT_ONCE):
            await self.manager.submit("ann", uploads[start : start + AT_ONCE], ParseOptions("flash"))
        while ended["completed"] < goal:
            assert not ended["failed"]
            await asyncio.sleep(0.005)
        seconds, computed = time.monotonic() - began, time.process_time() - computed
        for upload in uploads:
            upload.path.unlink()
        return seconds, computed


@asynccontextmanager
async def idle_hands(folder: Path) -> AsyncGenerator[IdleHands]:
    """A manager over the store in ``folder``, with the settings of a server; it has room for all."""
    settings = replace(Settings(), data_dir=folder, disk_reserve=0, max_queue_per_user=1_000_000)
    folders = Folders(folder)
    folders.create()
    engine = ModelSingleton(NoServer("There is none here."), 60, 600).open()
    workers = LocalWorkers(settings, folders, cast(WorkerPool, FakePool()), engine)
    manager = TaskManager(settings, folders, Store(folders.database), workers)
    await manager.start()
    try:
        yield IdleHands(manager)
    finally:
        await manager.stop()
        await engine.close()
