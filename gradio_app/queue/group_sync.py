"""Group commit of files: concurrent callers share one ``syncfs()`` of the disk."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
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
        await _in_daemon_thread(lambda: sync_disk(self._folder))


async def _in_daemon_thread(work: Callable[[], None]) -> None:
    """Like ``asyncio.to_thread``, in a thread that a stop does not wait for: a slow disk may take long."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        fault: Exception | None = None
        try:
            work()
        except Exception as error:
            fault = error
        with contextlib.suppress(RuntimeError):  # the server has stopped meanwhile
            loop.call_soon_threadsafe(finish, fault)

    threading.Thread(target=run, daemon=True, name="sync").start()
    await done
