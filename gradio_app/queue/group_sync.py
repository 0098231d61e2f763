"""Group commit of files: concurrent callers share one ``syncfs()`` of the disk."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from pathlib import Path

from gradio_app.base.files import sync_disk


class GroupSync:
    """Callers that come while the disk is busy wait for the next sync, together with all others who came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None

    async def sync(self) -> None:
        """Returns when all that was written before this call would survive a power cut."""
        if self._next is None:
            self._next = asyncio.create_task(self._sync_after(self._running), name="sync")
        await asyncio.shield(self._next)

    async def _sync_after(self, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        done = Future[None]()
        done.set_running_or_notify_cancel()
        # asyncio.to_thread does not do: a stop waits for its threads, and a slow disk may take long
        threading.Thread(target=self._sync_disk, args=[done], daemon=True, name="sync").start()
        await asyncio.wrap_future(done)

    def _sync_disk(self, done: Future[None]) -> None:
        try:
            sync_disk(self._folder)
        except Exception as error:
            done.set_exception(error)
        else:
            done.set_result(None)
